package run

import (
	"context"
	"sync"
	"sync/atomic"
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
	// base neither ends with the phase nor has its values: there are none for a call,
	// and grpc-go looks for some of its own in vain, each time through all contexts that
	// a run is wrapped in.
	base context.Context

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

// newCutoff is one for a worker in a phase, whose calls' contexts have the values of
// base, which never ends.
func newCutoff(phase, base context.Context) *cutoff {
	c := &cutoff{base: base}
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
		c.shared = newShared(c.base)
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

// shared is the context that calls share. It ends by an error that is not decided
// beforehand, which no context of package context can: so it is one of its own, and
// call, which is what calls get, one of package context's that it ends. What grpc-go
// derives from call is then entered there, at no cost, and not in a goroutine that
// waits for a context unknown to it.
type shared struct {
	context.Context // for its values
	call            context.Context
	release         func() // call, once s has ended: a formality then

	began    time.Time
	deadline atomic.Int64 // since began; noDeadline is none

	mu     sync.Mutex
	done   chan struct{}
	err    error
	cancel func() // of call
}

const noDeadline = -1 << 63

func newShared(base context.Context) *shared {
	s := &shared{Context: base, began: time.Now(), done: make(chan struct{})}
	s.deadline.Store(noDeadline)
	// It is s that ends it.
	s.call, s.release = context.WithCancel(s)
	return s
}

// moveTo makes it the context of a call with that deadline.
func (s *shared) moveTo(deadline time.Time) {
	if deadline.IsZero() {
		s.deadline.Store(noDeadline)
	} else {
		s.deadline.Store(int64(deadline.Sub(s.began)))
	}
}

// Deadline is that of the call under way.
func (s *shared) Deadline() (time.Time, bool) {
	d := s.deadline.Load()
	if d == noDeadline {
		return time.Time{}, false
	}
	return s.began.Add(time.Duration(d)), true
}

// Done is closed when s has ended.
func (s *shared) Done() <-chan struct{} { return s.done }

// Err is why s has ended.
func (s *shared) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// AfterFunc is for package context: it enters call here.
func (s *shared) AfterFunc(f func()) (stop func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = f
	return func() bool { return false } // call ends with s only
}

// end ends it for good. Further ends change nothing.
func (s *shared) end(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	close(s.done)
	s.mu.Unlock()
	s.cancel() // asks for s.err
	s.release()
}
