package run

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestCutoff(t *testing.T) {
	type key struct{}
	for name, test := range map[string]struct {
		timeout, phase, call time.Duration // of the call from its begin; 0 is never
		after                time.Duration
		err                  error
	}{
		"the deadline":             {timeout: time.Second, phase: time.Minute, after: time.Second, err: context.DeadlineExceeded},
		"the phase":                {timeout: time.Second, phase: 300 * time.Millisecond, after: 300 * time.Millisecond, err: context.Canceled},
		"the phase, no deadline":   {phase: 300 * time.Millisecond, after: 300 * time.Millisecond, err: context.Canceled},
		"the call":                 {timeout: time.Second, phase: time.Minute, call: 100 * time.Millisecond, after: 100 * time.Millisecond, err: context.Canceled},
		"a phase that was over":    {timeout: time.Second, phase: -1, err: context.Canceled},
		"an earlier call's end":    {timeout: 2 * time.Second, phase: time.Minute, after: 2 * time.Second, err: context.DeadlineExceeded},
		"a deadline that has been": {timeout: -time.Second, phase: time.Minute, err: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				phase, over := context.WithCancel(t.Context())
				defer over()
				c := newCutoff(phase, context.WithValue(context.Background(), key{}, 1))
				// A call before, which ran out of its time, and one that did not.
				for _, timeout := range []time.Duration{time.Millisecond, time.Hour} {
					_, done := c.begin(time.Now().Add(timeout))
					time.Sleep(2 * time.Millisecond)
					done()
				}
				if test.phase < 0 {
					over()
					synctest.Wait()
				} else {
					time.AfterFunc(test.phase, over)
				}
				var deadline time.Time
				if test.timeout != 0 {
					deadline = time.Now().Add(test.timeout)
				}
				began := time.Now()
				call, done := c.begin(deadline)
				defer done()
				if test.call > 0 {
					time.AfterFunc(test.call, done)
				}
				if at, ok := call.Deadline(); !at.Equal(deadline) || ok == deadline.IsZero() {
					t.Errorf("deadline %v, want %v", at, deadline)
				}
				if call.Value(key{}) != 1 {
					t.Errorf("value %v", call.Value(key{}))
				}
				<-call.Done()
				if took := time.Since(began); took != test.after || call.Err() != test.err {
					t.Errorf("ended after %v with %v, want %v with %v", took, call.Err(), test.after, test.err)
				}
			})
		})
	}
}

// A call's context takes what one with a timeout takes, and no goroutine.
func TestCutoffTakesNoMoreThanATimeout(t *testing.T) {
	phase, over := context.WithCancel(t.Context())
	defer over()
	c := newCutoff(phase, context.Background())
	deadline := time.Now().Add(time.Hour)
	ours := testing.AllocsPerRun(1000, func() {
		_, done := c.begin(deadline)
		done()
	})
	plain := testing.AllocsPerRun(1000, func() {
		_, cancel := context.WithDeadline(context.Background(), deadline)
		cancel()
	})
	if ours > plain {
		t.Errorf("%v allocations, a context with a deadline takes %v", ours, plain)
	}
}
