package run

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// shared is the context that calls share. It ends by an error that is not decided
// beforehand, which no context of package context can: so it is one of its own, and
// call, which is what calls get, one of package context's that it ends. What grpc-go
// derives from call is then entered there, at no cost, and not in a goroutine that
// waits for a context unknown to it.
type shared struct {
	call    context.Context
	release func() // call, once s has ended: a formality then

	began    time.Time
	deadline atomic.Int64 // since began; noDeadline is none

	mu     sync.Mutex
	done   chan struct{}
	err    error
	cancel func() // of call
}

const noDeadline = -1 << 63

func newShared(with func(context.Context) context.Context) *shared {
	s := &shared{began: time.Now(), done: make(chan struct{})}
	s.deadline.Store(noDeadline)
	s.call, s.release = context.WithCancel(s)
	s.call = with(s.call)
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

// Value is nil: the values are with call.
func (s *shared) Value(any) any { return nil }

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
