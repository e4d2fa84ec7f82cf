package rpc

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A stream that does not take a message holds up those behind it: that is no lag of
// the generator's, but what comes on top is.
func TestSlowSendsAreNoLag(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		call := &Call{Due: time.Now()}
		spec := Spec{Every: 10 * ms}
		p := spec.pace(call)
		for n, m := range []struct{ render, send time.Duration }{{0, 25 * ms}, {0, 0}, {3 * ms, 0}, {0, 0}, {12 * ms, 0}} {
			time.Sleep(m.render)
			if err := p.wait(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			time.Sleep(m.send)
			p.sent()
		}
		// The second can leave at 25 ms and does, as does the third at 28 ms; the last
		// is due at 40 ms and ready at 42 ms.
		if want := []time.Duration{0, 3 * ms, 0, 2 * ms}; !slices.Equal(call.Lags, want) {
			t.Errorf("lags %v, want %v", call.Lags, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), ms)
		defer cancel()
		if err := p.wait(ctx, 100); !errors.Is(err, context.DeadlineExceeded) || len(call.Lags) != 4 {
			t.Errorf("%v, lags %v", err, call.Lags)
		}
	})
}

// Pacing allocates nothing for a message, once there is room for its lag.
func TestPacingDoesNotAllocate(t *testing.T) {
	call := &Call{Due: time.Now(), Lags: make([]time.Duration, 0, 1)}
	spec := Spec{Every: time.Nanosecond, Sleep: func(context.Context, time.Time) error { return nil }}
	p, ctx := spec.pace(call), t.Context()
	if n := testing.AllocsPerRun(100, func() {
		call.Lags = call.Lags[:0]
		if p.wait(ctx, 1) == nil {
			p.sent()
		}
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}
