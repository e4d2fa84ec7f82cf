//go:build !race

// Under the race detector sync.Pool drops what it holds at random.

package engine

import (
	"context"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestSteadyStateDoesNotAllocate counts the allocations of a whole run on the
// real clock, between two calls of its steady state. A noisy machine makes some
// more workers and their buckets, so that the least of some runs counts.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	const calls, most = 2000, 200
	for name, e := range map[string]Entry{"open": open("reads", 10_000, nil), "closed": closed("sync", 1, 0, nil)} {
		least := uint64(math.MaxUint64)
		for measure := 300 * time.Millisecond; least > most && measure < time.Minute; measure *= 2 {
			if n, enough := allocations(t, e, measure, 500, 500+calls); enough {
				least = min(least, n)
			}
		}
		if least > most {
			t.Errorf("%s: %d allocations in %d calls", name, least, calls)
		} else {
			t.Logf("%s: %d allocations in %d calls", name, least, calls)
		}
	}
}

// allocations counts those between two calls of a run, by their ordinals. The run
// may be too short for them.
func allocations(t *testing.T, e Entry, measure time.Duration, from, to uint64) (n uint64, enough bool) {
	t.Helper()
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
	if _, err := Run(t.Context(), Plan{Measure: measure, Drain: 10 * time.Second, Entries: []Entry{e}, Sleep: SleepUntil}); err != nil {
		t.Fatal(err)
	}
	return mallocs[to] - mallocs[from], len(mallocs) == 2
}

func TestSleepUntilDoesNotAllocate(t *testing.T) {
	ctx := t.Context()
	for _, d := range []time.Duration{100 * time.Microsecond, 2 * time.Millisecond} {
		if n := testing.AllocsPerRun(100, func() { _ = SleepUntil(ctx, time.Now().Add(d)) }); n != 0 {
			t.Errorf("%v allocations per wait of %v", n, d)
		}
	}
}
