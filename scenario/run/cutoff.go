package run

import (
	"context"
	"sync"
	"time"
)

// cutoff ends the calls of one worker: at their deadlines, and with the phase.
//
// A context of its own for each call, with its timer, would be the twentieth part of
// what a small call costs, and most of what a harness adds to it. So the calls of a
// worker, which it makes one after the other, share one for as long as it lives. It is
// not ended when a call ends well: that it may be used again afterwards is what makes
// it cheap. What a call derives from it, the call has ended and struck out of it when
// it returns, as grpc-go does for a unary call, and clientcore's layers do. Once a
// deadline or the phase has ended it, it stays ended, as package context demands, and
// the next call has a new one.
type cutoff struct {
	// with gives the calls' contexts their values.
	with func(context.Context) context.Context

	mu       sync.Mutex
	shared   *shared   // nil before the first call, and after a deadline has ended it
	deadline time.Time // of the call under way; zero is none
	busy     bool      // a call is under way
	over     bool      // the phase is
	// timer is set for the deadline of the call under way or, as moving it with each
	// call would cost more, an earlier one, and then for what is left.
	timer *time.Timer
	armed time.Time // what timer is set for; zero is nothing
}

// newCutoff is one for a worker in a phase, whose calls' contexts have the values that
// with gives them. They have none of the phase's: those are not for a call, and grpc-go
// looks for some of its own in vain, each time through all contexts that a run is
// wrapped in.
func newCutoff(phase context.Context, with func(context.Context) context.Context) *cutoff {
	c := &cutoff{with: with}
	c.timer = time.AfterFunc(never, c.expire)
	c.timer.Stop()
	context.AfterFunc(phase, c.end)
	return c
}

// never is a wait that no run lives to see the end of.
const never = 1<<63 - 1

// begin is the context of the worker's next call, which ends at a deadline or with the
// phase. A deadline of zero is none. The call that began before must have ended: done.
func (c *cutoff) begin(deadline time.Time) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared == nil {
		c.shared = newShared(c.with)
		if c.over {
			c.shared.end(context.Canceled)
		}
	}
	c.shared.moveTo(deadline)
	c.deadline, c.busy = deadline, true
	if !deadline.IsZero() && (c.armed.IsZero() || deadline.Before(c.armed)) && !c.over {
		c.arm()
	}
	return c.shared.call
}

// done is to be called when the call has ended.
func (c *cutoff) done() {
	c.mu.Lock()
	c.busy = false
	c.mu.Unlock()
}

// arm sets the timer for the call's deadline. c.mu is held.
func (c *cutoff) arm() {
	c.armed = c.deadline
	c.timer.Reset(time.Until(c.deadline))
}

// expire is called when the timer fires: the deadline it was set for may be that of
// a call that has ended since.
func (c *cutoff) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = time.Time{}
	switch {
	case !c.busy || c.over || c.deadline.IsZero():
	case time.Until(c.deadline) > 0:
		c.arm()
	default:
		c.shared.end(context.DeadlineExceeded)
		c.shared = nil
	}
}

// end is called when the phase has ended.
func (c *cutoff) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.timer.Stop()
	if c.shared != nil {
		c.shared.end(context.Canceled)
	}
}
