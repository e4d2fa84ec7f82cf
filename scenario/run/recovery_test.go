package run

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
)

// A measurement ends so long after goodput has come back, to stay for 5 s.
func TestRecoveryEndsTheMeasurement(t *testing.T) {
	const never = 60
	for name, c := range map[string]struct {
		good  func(second int) int64 // of 100 planned
		plus  time.Duration
		ended int // the last second
	}{
		// The fault lasts from 5 to 8.5 s, so second 9 is the first that counts.
		"at once":                 {func(int) int64 { return 100 }, 10 * time.Second, 18},
		"no longer than it takes": {func(int) int64 { return 100 }, 0, 14},
		"three seconds late": {func(s int) int64 {
			if s >= 5 && s < 12 {
				return 40
			}
			return 100
		}, 10 * time.Second, 21},
		"back, and gone again": {func(s int) int64 {
			if s >= 5 && s < 9 || s >= 12 && s < 20 {
				return 40
			}
			return 100
		}, 2 * time.Second, 25},
		"never": {func(s int) int64 {
			if s >= 5 {
				return 94
			}
			return 100
		}, 0, never},
		"never was better": {func(int) int64 { return 80 }, 3 * time.Second, 14},
	} {
		rule := fault.Rule{At: 5 * time.Second, For: 3500 * time.Millisecond, Inject: fault.Inject{Down: new(fault.Down)}}
		s := &scenario.Scenario{Fleet: &scenario.Fleet{}, Measure: time.Minute, MeasureUntil: &scenario.Until{Until: scenario.Recovered{Plus: c.plus}, Max: time.Minute}}
		// What is on throughout is no matter.
		s.Fleet.Faults = []fault.Rule{rule, {Inject: fault.Inject{Status: new(fault.Status)}}}
		r := newRecovery(s)
		ended := never
		for second := range never {
			if r.enough(result.Interval{Second: second, Series: []result.IntervalSeries{{Planned: 100, InSLO: c.good(second)}}}) {
				ended = second + 1 // the one that has begun
				break
			}
		}
		if ended != c.ended {
			t.Errorf("%s: ends with second %d, want %d", name, ended, c.ended)
		}
	}
	if newRecovery(&scenario.Scenario{}) != nil {
		t.Error("a fixed length ends by itself")
	}
}

// Shipped scenarios go on for long enough after their faults for recovery to be
// seen, even if it takes a second.
func TestShippedScenariosSeeRecovery(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d scenarios, %v", len(files), err)
	}
	judged := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := scenario.Read(file, text, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range plan.Variants {
			fleet := plan.Variants[i].Scenario.Fleet
			if fleet == nil || slices.ContainsFunc(fleet.Faults, func(r fault.Rule) bool { return r.Every > 0 }) {
				continue // it goes on to the end
			}
			windows := stats.Events(describeFaults(fleet), plan.Measure)
			if len(windows) == 0 {
				continue
			}
			judged++
			if left := plan.Measure - windows[len(windows)-1].To; left < stats.RecoveryWindow+time.Second {
				t.Errorf("%s, %s: %v are left after the last fault", file, plan.Variants[i].Name, left)
			}
		}
	}
	if judged == 0 {
		t.Error("no scenario has a fault that ends")
	}
}
