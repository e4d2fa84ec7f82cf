package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
)

const away = `
name: away
target: static:///10.0.0.1:443
max_rate: 200/s
client: {retry: {attempts: 2, base: 1ms}, timeout: 10ms}
load: [{call: GetUser, arrivals: constant, rate: 100/s}]
trials: 1
warmup: 0s
measure: 1s
`

// dialledAfter runs a command and is what stood on standard error when it first
// connected.
func dialledAfter(t *testing.T, args ...string) (code int, before, stderr string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // clients dial from goroutines of their own
		var out, errs bytes.Buffer
		dialled := false
		code = runWith(t.Context(), args, &out, &errs, deps{
			Listen: memnet.New().Listen,
			Dial: func(context.Context, string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				if !dialled {
					dialled, before = true, errs.String()
				}
				return nil, errors.New("nobody there")
			},
		})
		if !dialled {
			t.Error("nothing was dialled")
		}
		stderr = errs.String()
	})
	return code, before, stderr
}

// What is about to be done to another machine is said before the first connection
// to it, however quiet the run is, and never of this machine.
func TestAnnouncedBeforeTheFirstConnection(t *testing.T) {
	const want = `grpcbench: this run calls static:///10.0.0.1:443, beyond this machine:
  calls     up to 100/s at the peak (max_rate 200/s); about 100 in all, warm-ups included
  attempts  at worst 2 a call: 200/s
  time      1 s: 1 variant × 1 trial × (0s warm-up + 1s measured)
`
	file := write(t, "away.yaml", away)
	if _, before, _ := dialledAfter(t, "run", file, "--quiet", "--out", t.TempDir()); before != want {
		t.Errorf("before it connected:\n%s\nwant\n%s", before, want)
	}
	if _, _, stderr := dialledAfter(t, "run", file, "--set", "target=static:///127.0.0.1:443", "--out", t.TempDir()); strings.Contains(stderr, "beyond") {
		t.Errorf("of this machine: %s", stderr)
	}
	const search = `grpcbench: this search calls static:///10.0.0.1:443, beyond this machine:
  calls     more and more, until a rate misses the SLO or is 200/s
`
	if _, before, _ := dialledAfter(t, "capacity", file, "--slo", "errors < 1%", "--measure", "100ms", "--out", t.TempDir()); !strings.HasPrefix(before, search) {
		t.Errorf("before it connected:\n%s\nwant\n%s", before, search)
	}
}

// max_rate holds for what flags ask for as well.
func TestMaxRateAndFlags(t *testing.T) {
	file := write(t, "away.yaml", away)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"load[0].rate: getuser comes to 201/s at its peak, and max_rate is 200/s", []string{"run", file, "--set", "load.0.rate=201/s"}},
		{"--max-rate: must be at most 200/s, which the scenario's max_rate leaves for it (got 300/s)", []string{"capacity", file, "--slo", "errors < 1%", "--max-rate", "300/s"}},
		{"--concurrency: cannot be with max_rate", []string{"capacity", file, "--concurrency", "1,2,4"}},
		{"--slo: cannot be with max_rate and closed loops", []string{"capacity", write(t, "both.yaml", strings.Replace(away, "load: [", "load: [{call: ListUsers, workers: 1}, ", 1)), "--slo", "errors < 1%"}},
	} {
		if code, _, stderr := command(t, c.args...); code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("exit code %d: %s\nwant %q", code, stderr, c.want)
		}
	}
}
