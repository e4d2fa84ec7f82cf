package engine

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimerSleeperIsExactInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s timerSleeper
		for _, d := range []time.Duration{0, 1, time.Microsecond, time.Second, time.Hour} {
			until := time.Now().Add(d)
			if err := s.sleep(t.Context(), until); err != nil || !time.Now().Equal(until) {
				t.Errorf("slept until %v, want %v: %v", time.Now(), until, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := s.sleep(ctx, begin.Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		// It can be used again after that.
		if err := s.sleep(t.Context(), begin.Add(time.Minute)); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// Waits are never early, and not late but for a machine that has better things to do:
// of several rounds the best counts.
func TestSleepUntilIsNeverEarly(t *testing.T) {
	best := time.Duration(math.MaxInt64)
	for began := time.Now(); best > 5*time.Millisecond && (best == math.MaxInt64 || time.Since(began) < time.Minute); {
		best = min(best, medianLate(t))
	}
	if best > 5*time.Millisecond { // it is some 50 µs
		t.Errorf("half of the waits ended more than %v late", best)
	}
}

// medianLate is how late half of 200 waits are; none may be early.
func medianLate(t *testing.T) time.Duration {
	t.Helper()
	var late []time.Duration
	for i := range 200 {
		until := time.Now().Add(time.Duration(i) * 20 * time.Microsecond)
		if err := SleepUntil(t.Context(), until); err != nil {
			t.Fatal(err)
		}
		over := time.Since(until)
		if over < 0 {
			t.Fatalf("woke %v early", -over)
		}
		late = append(late, over)
	}
	slices.Sort(late)
	return late[len(late)/2]
}

func TestSleepUntilEndsWithItsContext(t *testing.T) {
	for _, left := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		begin := time.Now()
		if err := SleepUntil(ctx, begin.Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took > 10*time.Minute {
			t.Errorf("took %v to notice", took)
		}
		cancel()
		if err := SleepUntil(ctx, time.Now().Add(-time.Second)); err == nil {
			t.Error("a context that has ended was not noticed")
		}
	}
}
