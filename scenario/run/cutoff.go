package run

import (
	"context"
	"sync"
	"time"
)

// cutoff ends a worker's call when the phase ends. A call's context could be derived
// from the phase's, but package context then has all workers enter each of their calls
// into one map, under one lock, and strike it out again: that is a twentieth of what a
// small call costs. Here a worker stands in that map, and with it the call that it is
// making, if any.
type cutoff struct {
	// base neither ends with the phase nor has its values: there are none for a call,
	// and grpc-go looks for some of its own in vain, each time through all contexts that
	// a run is wrapped in.
	base context.Context

	mu     sync.Mutex
	cancel context.CancelFunc // of the call under way
	over   bool
}

// newCutoff is one for a worker in a phase, whose calls' contexts have the values of
// base, which never ends.
func newCutoff(phase, base context.Context) *cutoff {
	c := &cutoff{base: base}
	context.AfterFunc(phase, c.end)
	return c
}

// begin is the context of the worker's next call, which ends at a deadline, with the
// phase, or when done is called, as it is to be after the call. A deadline of zero is
// none.
func (c *cutoff) begin(deadline time.Time) (call context.Context, done func()) {
	var cancel context.CancelFunc
	if deadline.IsZero() {
		call, cancel = context.WithCancel(c.base)
	} else {
		call, cancel = context.WithDeadline(c.base, deadline)
	}
	c.mu.Lock()
	c.cancel = cancel
	over := c.over
	c.mu.Unlock()
	if over {
		cancel()
	}
	return call, cancel
}

// end is called when the phase has ended.
func (c *cutoff) end() {
	c.mu.Lock()
	c.over = true
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel() // of a call that has ended, it does nothing
	}
}
