package retry

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/frame"
)

// attempt is one attempt that was opened.
type attempt struct {
	grpc.ClientStream
	cancel context.CancelFunc // nil where there is none

	// over is set when grpc-go has let go of the attempt, err before it.
	over atomic.Bool
	err  error
}

func (a *attempt) release() {
	if a.cancel != nil {
		a.cancel()
	}
}

// open makes one attempt, after a wait of delay that is over.
func (s *stream) open(delay time.Duration) (*attempt, error) {
	s.mu.Lock()
	if s.finished {
		s.mu.Unlock()
		return nil, errOver
	}
	s.current = nil
	s.live = true
	if s.observer != nil {
		s.observer.Begin(delay)
	}
	s.mu.Unlock()
	ctx, cancel := s.retrier.attemptContext(s.ctx, s.used.made)
	s.used.made++
	a := &attempt{cancel: cancel}
	opts := append([]grpc.CallOption(nil), s.opts...)
	opts[len(opts)-1] = grpc.OnFinish(func(err error) {
		a.err = err
		a.over.Store(true)
		s.attemptOver(a)
	})
	inner, err := s.next.NewStream(ctx, s.desc, s.method, opts...)
	if err != nil {
		a.release()
		return nil, err
	}
	a.ClientStream = inner
	return a, nil
}

// replace makes attempts after one that failed with err, until one opens or
// there is to be no other: then the stream is over with the error it returns.
// Only one goroutine may be in it, with retrying set.
func (s *stream) replace(err error, trailer metadata.MD, opened **attempt) error {
	for {
		s.endAttempt(err)
		wait, final := s.retrier.again(s.ctx, &s.used, err, trailer)
		if final != nil {
			s.end(final)
			return final
		}
		if err := sleep(s.ctx, wait); err != nil {
			s.end(err)
			return err
		}
		var a *attempt
		if a, err = s.open(wait); err == nil {
			*opened = a
			return nil
		}
		if err == errOver {
			return s.over()
		}
		trailer = nil
	}
}

// endAttempt tells the observer once of each attempt's end.
func (s *stream) endAttempt(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live && s.observer != nil {
		s.observer.End(failure(err))
	}
	s.live = false
}

// failure is the error of an end, where io.EOF is success.
func failure(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// publish makes a the current attempt, and returns the frames to replay on it.
func (s *stream) publish(a *attempt) []*frame.Frame {
	s.mu.Lock()
	s.current = a
	s.retrying = false
	frames := s.frames
	if s.replayed = nil; len(frames) > 0 || s.closed {
		s.replayed = a
	}
	finished := s.finished
	s.changed.Broadcast()
	s.mu.Unlock()
	if finished {
		a.release()
	}
	if a.over.Load() {
		s.attemptOver(a) // it ended before it was current
	}
	return frames
}

// replay sends frames to a, and the end of sending where it was reached. An
// attempt that fails meanwhile is whoever receives' concern: its replay may then
// go on while the next attempt's has begun.
func (s *stream) replay(a *attempt, frames []*frame.Frame) {
	s.mu.Lock()
	if s.replayed != a {
		s.mu.Unlock()
		return
	}
	closed := s.closed
	s.mu.Unlock()
	for _, f := range frames {
		// io.EOF is no reason to stop, see sendFailed: the rest would be missing
		// where grpc-go opens the attempt again. Otherwise it costs nothing.
		_ = a.SendMsg(f)
	}
	if closed {
		_ = a.CloseSend() // always nil
	}
	s.mu.Lock()
	if s.replayed == a {
		s.replayed = nil
		s.direct.Store(s.committed.Load())
		s.changed.Broadcast()
	}
	s.mu.Unlock()
}

// commit ends all replacing: current is the last attempt. mu is held.
func (s *stream) commitLocked() {
	s.frames, s.size = nil, 0
	s.committed.Store(true)
	s.direct.Store(s.replayed == nil)
	s.changed.Broadcast()
}

// attemptOver is told by grpc-go when it has let go of an attempt, by whatever
// way. It ends the stream where nothing can follow; else it sees to it that the
// stream ends with ctx, should the caller never come back for it.
func (s *stream) attemptOver(a *attempt) {
	s.mu.Lock()
	if s.current != a || s.finished {
		s.mu.Unlock()
		return
	}
	if s.committed.Load() || a.err == nil || s.ctx.Err() != nil || !s.retrier.retries(a.err) {
		s.mu.Unlock()
		s.end(a.err)
		return
	}
	if s.unwatch == nil {
		s.unwatch = context.AfterFunc(s.ctx, func() { s.end(status.FromContextError(s.ctx.Err()).Err()) })
	}
	s.mu.Unlock()
}
