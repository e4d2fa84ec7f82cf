package main

import (
	"bytes"
	"context"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
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
	if testing.Short() {
		t.Skip("many calls")
	}
	out := t.TempDir()
	code, stdout, stderr := inVirtualTime(t, "capacity", write(t, "one.yaml", oneWorker), "--slo", "p99 < 115.13ms, errors < 0.1%", "--out", out)
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

// A search that is interrupted keeps what it found, says so, and ends with 130.
func TestCapacityInterrupted(t *testing.T) {
	out := t.TempDir()
	var code int
	var stdout, stderr bytes.Buffer
	file := write(t, "one.yaml", oneWorker)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		network := memnet.New()
		code = runWith(ctx, []string{"capacity", file, "--slo", "p99 < 115.13ms", "--measure", "10s", "--start", "50/s", "--out", out}, &stdout, &stderr, deps{
			Listen: network.Listen,
			Dial:   func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) },
		})
	})
	if code != exitInterrupted || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	for _, want := range []string{"PARTIAL: interrupted", "one-worker carries at least", "the search was interrupted", "† in a single trial"} {
		if !strings.Contains(unwrapped(stdout.String()), want) {
			t.Errorf("the table lacks %q:\n%s", want, stdout.String())
		}
	}
	r := readJSON(t, filepath.Join(out, resultName))
	if got := r.Capacity.Variants[0]; !r.Partial || got.RatePerS < 100 || got.Confirmed || len(r.Variants[0].Trials) != 1 {
		t.Errorf("%+v", got)
	}
	if code, again, stderr := command(t, "report", out); code != exitOK || again != stdout.String() {
		t.Errorf("report does not repeat the table (code %d, %s):\n%s", code, stderr, again)
	}
}

// unwrapped is text whose lines are joined.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// Concurrency is swept without an SLO; every format that a run can print has it.
func TestCapacityByConcurrency(t *testing.T) {
	out := t.TempDir()
	file := write(t, "one.yaml", strings.ReplaceAll(oneWorker, "exponential", "fixed"))
	code, stdout, stderr := inVirtualTime(t, "capacity", file, "--concurrency", "1,2,4,8", "--measure", "1s", "--out", out)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"throughput by concurrency", "λ, calls/s of one", "peaks at 1.00 workers", "measurement VALID"} {
		if !strings.Contains(unwrapped(stdout), want) {
			t.Errorf("the table lacks %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "default: 8 workers: 199 calls/s (3 trials)") {
		t.Errorf("progress: %s", stderr)
	}
	for _, format := range printedNames() {
		if code, text, stderr := command(t, "report", out, "--format", format); code != exitOK || text == "" && format != "hlog" {
			t.Errorf("report --format %s: code %d, %s", format, code, stderr)
		}
	}
}

// What makes a scenario doubtful is told before a search, too, however quiet; not what
// is about its trials and its rate, which have no part in it.
func TestCapacityWarns(t *testing.T) {
	file := write(t, "late.yaml", strings.Replace(oneWorker, "isolation: inprocess", "isolation: inprocess, faults: [{name: late, at: 1h, inject: down}]", 1)+
		"compare: {client.pool.size: [1, 2]}\ntrials: 2\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stderr bytes.Buffer
	code := runWith(ctx, []string{"capacity", file, "--slo", "p99 < 1s", "--set", "load.reads.rate=900/s", "--quiet", "--out", t.TempDir()}, io.Discard, &stderr, deps{})
	want := "grpcbench: " + file + ": warning: fault late begins at 1h0m0s, when the measurement of 20s is over: it never happens\n"
	if code != exitInterrupted || !strings.HasPrefix(stderr.String(), want) || strings.Count(stderr.String(), "warning") != 1 {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

// What cannot be searched for is refused at once, and leaves no folder behind.
func TestCapacityUsage(t *testing.T) {
	file := smallScenario(t)
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing asked":      {nil, "--slo or --concurrency: one of them must be given"},
		"not a condition":    {[]string{"--slo", "p99 < 20ms, erors < 1%"}, `--slo: must begin with a metric`},
		"where it is":        {[]string{"--slo", "p99 < 20ms, erors < 1%"}, "\n  p99 < 20ms, erors < 1%\n              ^"},
		"names nothing":      {[]string{"--slo", "errors < 1%, p99{load=raeds} < 20ms"}, "--slo: there is no load entry \"raeds\", did you mean reads?\n  p99{load=raeds} < 20ms\n           ^"},
		"of a code":          {[]string{"--slo", "p99{code=INTERNAL} < 20ms"}, "--slo: code is for errors: errors{code=INTERNAL}"},
		"a baseline":         {[]string{"--slo", "p99{load=reads} <= @main + 5%"}, "--slo: must be a limit of its own"},
		"no load":            {[]string{"--slo", "p99 < 20ms", "--load", "raeds"}, "--load: there is no load entry \"raeds\", did you mean reads?"},
		"a number":           {[]string{"--slo", "p99 < 20ms", "--start", "500"}, "did you mean 500/s?"},
		"no rate":            {[]string{"--slo", "p99 < 20ms", "--max-rate", "0/s"}, "must be > 0/s"},
		"start beyond":       {[]string{"--slo", "p99 < 20ms", "--max-rate", "5/s", "--start", "6/s"}, "--start: must be > 0/s and at most --max-rate"},
		"concurrency":        {[]string{"--concurrency", "1,x"}, "--concurrency"},
		"parts":              {[]string{"--slo", "p99 < 20ms", "--format", "svg"}, "svg makes several files"},
		"a closed loop":      {[]string{"--slo", "p99 < 20ms", "--set", "load=[{call: GetUser, workers: 2}]"}, "--slo: no load entry has a rate that could be searched for: it needs an open loop (rate: 500/s); --concurrency is for"},
		"trials are its own": {[]string{"--slo", "p99 < 20ms", "--trials", "3"}, "unknown flag: --trials"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := command(t, append([]string{"capacity", file}, test.args...)...)
			if code != exitUsage || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("code %d, stdout %q, want %q on stderr; got %q", code, stdout, test.want, stderr)
			}
			if left, _ := filepath.Glob("*"); len(left) > 0 {
				t.Errorf("it left %v behind", left)
			}
		})
	}
}
