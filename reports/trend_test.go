package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/history"
)

// A history of 30 runs: p99 rises by a tenth with the 13th, one run has none, and
// before the workload was another.
func TestTrend(t *testing.T) {
	var entries []history.Entry
	v := func(x float64) *float64 { return &x }
	for day := range 33 {
		noise := math.Sin(float64(3 * day))
		p99 := v(12e6 * (1 + 0.01*noise))
		switch {
		case day == 20:
			p99 = nil
		case day >= 15:
			p99 = v(*p99 * 1.1)
		}
		e := history.Entry{
			Version: history.Version, Started: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC).AddDate(0, 0, day), Commit: "c0ffee" + string(rune('a'+day%26)),
			Scenario: "quick", Workload: "new", Machine: "linux/amd64, 2 of 2 × Z80",
			Figures: []history.Figure{
				{Variant: "retry=none", Load: "reads", Metric: "p99", Unit: "ns", Value: p99},
				{Variant: "retry=none", Load: "reads", Metric: "in_slo", Unit: "share", Value: v(0.9 + 0.0001*noise)},
				{Variant: "retry=none", Metric: "cpu_per_call", Unit: "ns", Value: v(20_000)},
				{Variant: nasty, Load: nasty, Metric: nasty, Unit: nasty, Value: v(1)},
			},
		}
		if day < 3 {
			e.Workload = "old"
		}
		entries = append(entries, e)
	}
	hostile := entries[32]
	hostile.Scenario, hostile.Machine, hostile.Commit = nasty, nasty, nasty
	var out bytes.Buffer
	if err := Trend(&out, history.Groups(append(entries, hostile)), Options{Columns: 100}); err != nil {
		t.Fatal(err)
	}
	golden(t, "trend-100.txt", out.Bytes())
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a terminal sequence survives")
	}
	out.Reset()
	if err := Trend(&out, nil, Options{}); err != nil || out.String() != "No runs yet.\n" {
		t.Errorf("%v %q", err, &out)
	}
}
