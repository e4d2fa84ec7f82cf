package run

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of one worker's calls, one after the other: it ends when
// the call's time has run out, or with the phase. It is what context.WithTimeout of the
// phase would be, but made once for all calls rather than for each, and without the
// workers' standing in line for the lock of the phase's context. Those two are a
// twentieth of what a small call costs a client.
//
// What a call leaves behind may go on asking it: it then gets the answers of the next
// call. So it is for calls of which nothing goes on that has not been cancelled
// itself: unary ones, where clientcore and grpc-go derive contexts of their own.
type callContext struct {
	phase context.Context

	mu    sync.Mutex
	at    time.Time // the deadline; zero is none
	timer *time.Timer
	done  chan struct{}
	err   error // not nil: done is closed

	// Who is to be told of the end: contexts derived from this one. There is one at a
	// time, but for hedges.
	told   uint64 // the id of the last one
	first  listener
	others []listener
}

// listener is told of a context's end.
type listener struct {
	id uint64 // 0 is nobody
	f  func()
}

// newCallContext is one for a worker in a phase. It ends with the phase.
func newCallContext(phase context.Context) *callContext {
	c := &callContext{phase: phase, done: make(chan struct{})}
	context.AfterFunc(phase, func() { c.end(phase.Err()) })
	return c
}

// begin makes it that of the next call, which has until a deadline; zero is none.
func (c *callContext) begin(deadline time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = deadline
	if c.err != nil && c.phase.Err() == nil { // an earlier call's time ran out
		c.err, c.done = nil, make(chan struct{})
	}
	switch {
	case deadline.IsZero() || c.err != nil:
	case c.timer == nil:
		c.timer = time.AfterFunc(time.Until(deadline), c.expire)
	default:
		c.timer.Reset(time.Until(deadline))
	}
}

// expire is called at the deadline. A timer that was set again meanwhile may call it for
// the call before.
func (c *callContext) expire() {
	c.mu.Lock()
	late := !c.at.IsZero() && !time.Now().Before(c.at)
	c.mu.Unlock()
	if late {
		c.end(context.DeadlineExceeded)
	}
}

func (c *callContext) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	close(c.done)
	if c.timer != nil {
		c.timer.Stop()
	}
	first, others := c.first, c.others
	c.first, c.others = listener{}, nil
	c.mu.Unlock()
	if first.id != 0 {
		first.f()
	}
	for _, l := range others {
		l.f()
	}
}

func (c *callContext) Deadline() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at, !c.at.IsZero()
}

func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *callContext) Value(key any) any { return c.phase.Value(key) }

// AfterFunc is how package context tells derived contexts of the end of one that it does
// not know, without a goroutine for each. f must not block, nor must stop be called
// more than once.
func (c *callContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	c.told++
	l := listener{id: c.told, f: f}
	if c.first.id == 0 {
		c.first = l
	} else {
		c.others = append(c.others, l)
	}
	return func() bool { return c.forget(l.id) }
}

// forget is whether the listener was still to be told.
func (c *callContext) forget(id uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first.id == id {
		c.first = listener{}
		return true
	}
	for i := range c.others {
		if c.others[i].id == id {
			last := len(c.others) - 1
			c.others[i] = c.others[last]
			c.others = c.others[:last]
			return true
		}
	}
	return false
}
