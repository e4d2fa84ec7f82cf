package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// oneWorker is M/M/1: exponential work of 5 ms on average, so μ = 200/s.
const oneWorker = `
name: one-worker
fleet: {backends: 1, isolation: inprocess, concurrency: 1, service_time: {exponential: 5ms}}
client: {retry: none, timeout: 5s}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 100/s}]
warmup: 500ms
measure: 20s
`

// The capacity of M/M/1 at a p99 is known: t_p = −ln(1−p)/(μ−λ), so that
// p99 < 115.13 ms holds up to λ = 160/s.
func TestCapacityOfOneWorker(t *testing.T) {
	out := t.TempDir()
	code, stdout, stderr := inVirtualTime(t, "capacity", write(t, "one.yaml", oneWorker), "--slo", "p99 < 115.13ms, errors < 0.1%", "--out", out)
	t.Log(stdout, stderr)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	r := readJSON(t, filepath.Join(out, resultName))
	got := r.Capacity.Variants[0]
	if truth := 160.0; math.Abs(got.RatePerS/truth-1) > 0.1 || math.Abs(got.BeyondPerS/truth-1) > 0.1 {
		t.Errorf("between %v and %v, want %v", got.RatePerS, got.BeyondPerS, truth)
	}
	if got.BeyondPerS > got.RatePerS*1.05000001 || !got.Confirmed || got.Limit != result.LimitSLO {
		t.Errorf("%+v", got)
	}
	if v := r.Variants[0]; len(v.Trials) != 3 || v.Loads[0].RatePerS != got.RatePerS {
		t.Errorf("%d trials at %v/s", len(v.Trials), v.Loads[0].RatePerS)
	}
	for _, want := range []string{"one-worker carries", "p99 < 115.13ms, errors < 0.1%", "limit", "not at", "measurement VALID", "books exact"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, stdout)
		}
	}
	if code, again, stderr := command(t, "report", out); code != exitOK || again != stdout {
		t.Errorf("report does not repeat the table (code %d, %s):\n%s", code, stderr, again)
	}
}
