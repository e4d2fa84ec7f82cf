//go:build !race

// Under the race detector sync.Pool drops what it holds at random.

package engine

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestSteadyStateDoesNotAllocate counts the allocations of a whole run on the
// real clock, between two calls of its steady state.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	const from, to = 500, 2500
	for name, e := range map[string]Entry{"open": open("reads", 10_000, nil), "closed": closed("sync", 1, 0, nil)} {
		var mu sync.Mutex
		mallocs := make(map[uint64]uint64)
		e.NewCaller = callers(func(_ context.Context, call *Call) {
			call.Sent = time.Now()
			call.Code, call.Picks = "OK", 1
			if call.Ordinal == from || call.Ordinal == to {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				mu.Lock()
				mallocs[call.Ordinal] = m.Mallocs
				mu.Unlock()
			}
		})
		// Longer where the machine has other things to do.
		for measure := 300 * time.Millisecond; len(mallocs) < 2; measure *= 4 {
			if measure > time.Minute {
				t.Fatalf("%s: the run was too short", name)
			}
			clear(mallocs)
			_, err := Run(t.Context(), Plan{Measure: measure, Drain: 10 * time.Second, Entries: []Entry{e}, Sleep: SleepUntil})
			if err != nil {
				t.Fatal(err)
			}
		}
		// A noisy machine makes some more workers and stripes' histograms.
		if n := mallocs[to] - mallocs[from]; n > (to-from)/10 {
			t.Errorf("%s: %d allocations in %d calls", name, n, to-from)
		} else {
			t.Logf("%s: %d allocations in %d calls", name, n, to-from)
		}
	}
}

func TestSleepUntilDoesNotAllocate(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(200, func() { _ = SleepUntil(ctx, time.Now().Add(100*time.Microsecond)) }); n != 0 {
		t.Errorf("%v allocations per wait", n)
	}
}
