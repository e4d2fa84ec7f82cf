package engine

import (
	"context"
	"errors"
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

func TestSleepUntilIsNeverEarly(t *testing.T) {
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
	// Loose, for machines with better things to do: it is some 50 µs.
	slices.Sort(late)
	if p50 := late[len(late)/2]; p50 > 5*time.Millisecond {
		t.Errorf("half of the waits ended more than %v late", p50)
	}
}

func TestSleepUntilEndsWithItsContext(t *testing.T) {
	for _, left := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		begin := time.Now()
		if err := SleepUntil(ctx, begin.Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("took %v to notice", took)
		}
		cancel()
		if err := SleepUntil(ctx, time.Now().Add(-time.Second)); err == nil {
			t.Error("a context that has ended was not noticed")
		}
	}
}
