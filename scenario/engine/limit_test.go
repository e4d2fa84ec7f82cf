package engine

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Closed loops share one rate, in the warm-up as in the measurement; what waited
// for it is counted, and the wait is no part of a response.
func TestClosedLoopsAreHeldToARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log seen
		logged := func(c func() Caller) func() Caller {
			inner := c()
			return callers(func(ctx context.Context, call *Call) {
				inner.Call(ctx, call)
				log.add(call)
			})
		}
		o := run(t, Plan{
			Warmup: time.Second, Measure: 4 * time.Second, Drain: time.Second, ClosedPerS: 100,
			Entries: []Entry{
				closed("crew", 6, 0, logged(takes(10*time.Millisecond))),
				closed("others", 2, 5*time.Millisecond, logged(takes(10*time.Millisecond))),
				open("reads", 50, takes(time.Millisecond)),
			},
		})
		crew, others, reads := o.Series[0], o.Series[1], o.Series[2]
		// 8 workers would make 600 + 133 calls a second.
		if n := crew.Calls + others.Calls; n != 400 {
			t.Errorf("%d calls in 4 s, want 400", n)
		}
		if reads.Calls != 200 || reads.Held != 0 {
			t.Errorf("the open loop: %d calls, %d held", reads.Calls, reads.Held)
		}
		// All but the very first call of the phase waited.
		if n := crew.Held + others.Held; n != 399 || crew.HeldNS <= 0 || others.HeldNS <= 0 {
			t.Errorf("%d held, %v and %v", n, time.Duration(crew.HeldNS), time.Duration(others.HeldNS))
		}
		if got := crew.Latency[result.Response].MaxNS; got != int64(10*time.Millisecond) {
			t.Errorf("a response took %v, want 10ms", time.Duration(got))
		}
		slices.SortFunc(log.calls, func(a, b Call) int { return a.Due.Compare(b.Due) })
		for i := 1; i < len(log.calls); i++ {
			if a, b := log.calls[i-1], log.calls[i]; a.Warmup == b.Warmup && b.Due.Sub(a.Due) < 10*time.Millisecond {
				t.Fatalf("calls at %v and %v, want 10ms between them", a.Due, b.Due)
			}
		}
	})
}

// A closed loop that is slower than its rate is not held, and saves nothing up.
func TestASlowClosedLoopIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := true
		e := closed("crew", 1, 0, callers(func(ctx context.Context, call *Call) {
			d := time.Millisecond
			if slow {
				d = time.Second
			}
			slow = false
			serve(ctx, call, d, "OK")
		}))
		o := run(t, Plan{Measure: 2 * time.Second, Drain: time.Second, ClosedPerS: 10, Entries: []Entry{e}})
		// One call in the first second; ten, not twenty, in the second one.
		if s := o.Series[0]; s.Calls != 11 || s.Held != 9 {
			t.Errorf("%d calls, %d held; want 11 and 9", s.Calls, s.Held)
		}
	})
}

// A rate of less than a call in a lifetime is not one without limit.
func TestClosedLoopsAreHeldToNextToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := run(t, Plan{Measure: 2 * time.Second, Drain: time.Second, ClosedPerS: 1e-14, Entries: []Entry{closed("crew", 2, 0, takes(time.Millisecond))}})
		if s := o.Series[0]; s.Calls != 1 {
			t.Errorf("%d calls, want the first alone", s.Calls)
		}
	})
}

// A rate that is no whole number of nanoseconds is not exceeded by rounding.
func TestTheLimitIsOne(t *testing.T) {
	start := time.Now()
	for _, rate := range []int{3, 7_000, 300_000, 3_000_000} {
		l := newLimiter(float64(rate), start)
		last := start
		for range rate + 1 {
			last = l.take(start)
		}
		if took := last.Sub(start); took < time.Second || took > time.Second+time.Second/500 {
			t.Errorf("%d/s: one more call may be made after %v", rate, took)
		}
	}
}

func TestClosedRateIsChecked(t *testing.T) {
	_, err := Run(t.Context(), Plan{Measure: time.Second, ClosedPerS: -1, Entries: []Entry{closed("crew", 1, 0, takes(0))}})
	if err == nil {
		t.Error("a rate below 0 is taken")
	}
}
