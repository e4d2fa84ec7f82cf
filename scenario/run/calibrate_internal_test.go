package run

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
)

func calibrationPlan(t *testing.T, load string) *scenario.Plan {
	t.Helper()
	plan, err := scenario.Read("x.yaml", []byte("name: x\nfleet: {backends: 1}\nload: "+load+"\nmeasure: 2s\n"), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// A calibration, on the real clock, has figures that make sense on any machine.
func TestCalibrate(t *testing.T) {
	plan := calibrationPlan(t, "[{name: reads, call: GetUser, rate: 3000/s}]")
	c, err := calibrate(t.Context(), plan, engine.SleepUntil)
	if err != nil {
		t.Fatal(err)
	}
	if c.RatePerS != 3000 || c.Calls < 300 || c.Calls > 900 || c.ClockNS <= 0 || c.CallNS <= 0 {
		t.Errorf("%+v", c)
	}
	// A response is a lag and what recording takes.
	if c.LagP50NS > c.LagP99NS || c.ResponseP50NS > c.ResponseP99NS || c.LagP50NS <= 0 || c.ResponseP50NS < c.LagP50NS || c.ResponseP99NS < c.LagP99NS {
		t.Errorf("%+v", c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := calibrate(ctx, plan, engine.SleepUntil); c != nil || err != nil {
		t.Errorf("of a run that was interrupted: %+v, %v", c, err)
	}
}

func TestCalibrationRate(t *testing.T) {
	replay := filepath.Join(t.TempDir(), "arrivals")
	if err := os.WriteFile(replay, []byte(strings.Repeat("0\n", 5200)), 0o600); err != nil {
		t.Fatal(err)
	}
	for load, want := range map[string]float64{
		"[{name: a, call: GetUser, rate: 3000/s}, {name: b, call: ListUsers, rate: 500/s}]": 3500,
		"[{name: a, call: GetUser, rate: 100/s}]":                                           calibrationLeast,
		"[{name: a, call: GetUser, rate: 90000/s}]":                                         calibrationMost,
		"[{name: a, call: GetUser, workers: 4}]":                                            calibrationRate,
		"[{name: a, call: GetUser, workers: 4}, {name: b, call: ListUsers, rate: 2500/s}]":  2500,
		"[{name: a, call: GetUser, arrivals: {replay: {file: " + replay + "}}}]":            2600, // in 2 s
	} {
		if got := calibrationPerS(calibrationPlan(t, load)); got != want {
			t.Errorf("%s: %v/s, want %v", load, got, want)
		}
	}
}
