package run

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/metadata"
)

type key struct{}

func plainly(call context.Context) context.Context { return call }

func TestCutoff(t *testing.T) {
	for name, test := range map[string]struct {
		timeout, phase time.Duration // of the call from its begin; 0 is never
		after          time.Duration
		err            error
	}{
		"the deadline":             {timeout: time.Second, phase: time.Minute, after: time.Second, err: context.DeadlineExceeded},
		"the phase":                {timeout: time.Second, phase: 300 * time.Millisecond, after: 300 * time.Millisecond, err: context.Canceled},
		"the phase, no deadline":   {phase: 300 * time.Millisecond, after: 300 * time.Millisecond, err: context.Canceled},
		"a phase that was over":    {timeout: time.Second, phase: -1, err: context.Canceled},
		"an earlier call's end":    {timeout: 2 * time.Second, phase: time.Minute, after: 2 * time.Second, err: context.DeadlineExceeded},
		"a deadline that has been": {timeout: -time.Second, phase: time.Minute, err: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				phase, over := context.WithCancel(t.Context())
				defer over()
				c := newCutoff(phase, func(call context.Context) context.Context { return context.WithValue(call, key{}, 1) })
				// A call before that ran out of its time, and one that did not.
				for _, timeout := range []time.Duration{time.Millisecond, time.Hour} {
					c.begin(time.Now().Add(timeout))
					time.Sleep(2 * time.Millisecond)
					c.done()
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
				call := c.begin(deadline)
				defer c.done()
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

// Calls of all lengths, with deadlines that move to and fro: each ends at its own,
// and no other's ends it. What has ended stays so.
func TestCutoffKeepsCallsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phase, over := context.WithCancel(t.Context())
		defer over()
		c := newCutoff(phase, plainly)
		draws := rand.New(rand.NewPCG(1, 2))
		ended := map[context.Context]bool{}
		for i := range 2000 {
			timeout, took := time.Duration(1+draws.IntN(20))*time.Millisecond, time.Duration(draws.IntN(20))*time.Millisecond
			var deadline time.Time
			if unbounded := draws.IntN(4) == 0; unbounded {
				timeout = time.Hour
			} else {
				deadline = time.Now().Add(timeout)
			}
			call := c.begin(deadline)
			if ended[call] {
				t.Fatalf("call %d has the context that an earlier one was ended by", i)
			}
			// As a layer of the client derives it: through a value, with a time of its own.
			attempt, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(call, "k", "v"), 2*time.Hour)
			if at, _ := attempt.Deadline(); !deadline.IsZero() && !at.Equal(deadline) {
				t.Fatalf("call %d: an attempt has until %v, want %v", i, at, deadline)
			}
			time.Sleep(took)
			if took == timeout {
				synctest.Wait() // both at once: the deadline may be a moment later
			}
			var want error
			if took >= timeout {
				want = context.DeadlineExceeded
				ended[call] = true
			}
			if call.Err() != want || attempt.Err() != want || context.Cause(attempt) != want {
				t.Fatalf("call %d, of %v with a timeout of %v: %v, its attempt %v for %v, want %v",
					i, took, timeout, call.Err(), attempt.Err(), context.Cause(attempt), want)
			}
			cancel()
			c.done()
			time.Sleep(time.Duration(draws.IntN(3)) * time.Millisecond)
		}
		if len(ended) < 100 {
			t.Fatalf("%d calls ended by their deadline", len(ended))
		}
		for call := range ended {
			if call.Err() != context.DeadlineExceeded {
				t.Errorf("a call that was ended says %v now", call.Err())
			}
		}
	})
}

// A call's context costs nothing, and what is derived from it no more than from one
// of package context: above all, no goroutine.
func TestCutoffIsFree(t *testing.T) {
	phase, over := context.WithCancel(t.Context())
	defer over()
	c := newCutoff(phase, plainly)
	deadline := time.Now().Add(time.Hour)
	derive := func(from context.Context) {
		_, cancel := context.WithCancel(context.WithValue(from, key{}, 1))
		cancel()
	}
	if n := testing.AllocsPerRun(1000, func() {
		c.begin(deadline)
		c.done()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	ours := testing.AllocsPerRun(1000, func() {
		derive(c.begin(deadline))
		c.done()
	})
	plainCtx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if plain := testing.AllocsPerRun(1000, func() { derive(plainCtx) }); ours > plain {
		t.Errorf("%v allocations for what is derived from it, %v are usual", ours, plain)
	}
	before := runtime.NumGoroutine()
	for range 100 {
		_, cancel := context.WithCancel(context.WithValue(c.begin(deadline), key{}, 1))
		defer cancel()
		c.done()
	}
	if n := runtime.NumGoroutine() - before; n > 50 {
		t.Errorf("%d goroutines for 100 contexts", n)
	}
}
