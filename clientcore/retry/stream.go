package retry

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/clientcore/internal/frame"
	"github.com/grpcbench/grpcbench/clientcore/internal/further"
)

// ReplayLimit is how many bytes of sent messages a stream keeps for a later
// attempt. A stream that sends more before it is answered is committed.
const ReplayLimit = 256 << 10

// NewStream opens a stream on next. Until it is committed, a failed attempt is
// replaced by another that is sent the same messages; a stream is committed by
// its first response message, by headers that were handed to the caller, and by
// more than ReplayLimit bytes of sent messages. One attempt lives at a time.
//
// The stream keeps grpc.ClientStream's rules: one goroutine may send while
// another receives, and a caller that neither receives until an error nor ends
// ctx leaks it.
func (r *Retrier) NewStream(ctx context.Context, next grpc.ClientConnInterface, observer Observer,
	desc *grpc.StreamDesc, method string, opts []grpc.CallOption) (grpc.ClientStream, error) {
	if r.plain() && observer == nil {
		return next.NewStream(ctx, desc, method, opts...)
	}
	s := &stream{retrier: r, ctx: ctx, next: next, observer: observer, desc: desc, method: method}
	s.changed.L = &s.mu
	s.opts, s.finishers = further.Split(opts)
	s.opts = slices.Clip(s.opts) // they may be the caller's
	if r.attempts > 1 {
		s.codec = frame.CodecOf(s.opts)
	}
	if s.codec != nil {
		s.opts = append(s.opts, grpc.ForceCodecV2(s.codec))
	} else {
		s.committed.Store(true)
		s.direct.Store(true)
	}
	// The last option is each attempt's own.
	s.opts = append(s.opts, nil)

	r.throttle.Call()
	a, err := s.open(0)
	if err != nil {
		err = s.replace(err, nil, &a)
		if err != nil {
			return nil, err
		}
	}
	s.publish(a)
	return s, nil
}

// stream is one call that may take several attempts.
//
// mu guards the fields below it. It is never held over a call into grpc: who is
// in one is noted in receiving, retrying and replayed, and others wait for
// changed. Only the observer is told under it, so that it hears of attempts in
// their order; it does not block.
type stream struct {
	retrier   *Retrier
	ctx       context.Context
	next      grpc.ClientConnInterface
	observer  Observer
	desc      *grpc.StreamDesc
	method    string
	opts      []grpc.CallOption
	codec     *frame.Codec // nil when nothing is replayed
	finishers []func(error)
	ending    sync.Once

	// committed is set when current will not be replaced any more, direct when
	// messages need not be kept, nor wait for a replay. Both stay set.
	committed, direct atomic.Bool

	mu        sync.Mutex
	changed   sync.Cond
	current   *attempt // nil while there is none
	used      progress
	live      bool     // an attempt has begun and not ended
	receiving bool     // someone is in current.RecvMsg
	retrying  bool     // someone replaces current
	replayed  *attempt // someone sends frames to it again
	finished  bool
	result    error // what RecvMsg returns when finished; io.EOF is success
	frames    []*frame.Frame
	size      int
	closed    bool         // CloseSend was called
	pending   *frame.Frame // a message that was received for the next RecvMsg
	unwatch   func() bool
}

// errOver is what open returns when the stream ended meanwhile: by its context,
// or by what grpc-go told of an earlier attempt only now.
var errOver = errors.New("the stream is over")

// end makes the stream over, once. It returns when that is done, whoever does
// it.
func (s *stream) end(err error) {
	s.ending.Do(func() {
		s.mu.Lock()
		s.finished = true
		if s.result = err; failure(err) == nil {
			s.result = io.EOF
			s.retrier.throttle.Succeeded()
		}
		s.frames = nil
		s.retrying = false
		a, unwatch := s.current, s.unwatch
		s.changed.Broadcast()
		s.mu.Unlock()
		if a != nil {
			a.release()
		}
		if unwatch != nil {
			unwatch()
		}
		s.endAttempt(err)
		for _, finish := range s.finishers {
			finish(failure(err))
		}
	})
}

func (s *stream) SendMsg(m any) error {
	if s.direct.Load() {
		return s.current.SendMsg(m)
	}
	// A prepared message is bytes already, of a number that it does not tell:
	// it cannot be kept within the limit.
	if _, prepared := m.(*grpc.PreparedMsg); !prepared {
		m = s.codec.Encode(m)
	}
	s.mu.Lock()
	for (s.retrying || s.replayed != nil) && !s.finished {
		s.changed.Wait()
	}
	if s.finished {
		s.mu.Unlock()
		return s.sendEOF()
	}
	a := s.current
	kept := !s.committed.Load()
	if kept {
		// Kept before it is sent: an attempt that replaces this one from now
		// on is sent it, too.
		f, known := m.(*frame.Frame)
		if known {
			s.frames = append(s.frames, f)
			s.size += f.Size()
		}
		if !known || s.size > ReplayLimit {
			s.commitLocked()
			kept = false
		}
	}
	s.mu.Unlock()
	if err := a.SendMsg(m); err != io.EOF {
		return err // nil, or a mistake of the caller's, which ended the stream
	}
	return s.sendFailed(a, kept)
}

// sendEOF is what SendMsg returns on a stream that is over: RecvMsg has the
// status.
func (s *stream) sendEOF() error {
	if !s.desc.ClientStreams {
		return nil // as grpc-go does where one message is all
	}
	return io.EOF
}

// sendFailed is SendMsg when a ended before the message went out. A message that
// is kept is not lost once another attempt has replaced a.
//
// Nor is it when a was answered all the same. Then grpc-go may have opened it
// again by itself and sent it what it took for lost: a connection that closes
// before the headers have left it makes grpc-go's SendMsg say io.EOF, and RecvMsg
// retry transparently with that message. Saying io.EOF here, too, would make the
// caller end a stream that lives, with a request that lacks its rest. If a is
// really over, the caller hears of it from its next call, as with any message that
// was under way.
func (s *stream) sendFailed(a *attempt, kept bool) error {
	s.mu.Lock()
	for {
		switch {
		case s.finished, s.current == a && !kept:
			s.mu.Unlock()
			return s.sendEOF()
		case s.current == a && s.committed.Load():
			s.mu.Unlock()
			return nil
		case s.retrying, s.replayed != nil, s.receiving && s.current == a:
			s.changed.Wait() // for who receives, and so learns the status
		case s.current != a:
			s.mu.Unlock()
			return nil
		default:
			// Nobody receives, so that falls to this goroutine. It does not
			// block: the attempt is over.
			s.probeLocked(a, false)
			s.mu.Lock()
		}
	}
}

// probeLocked receives from a in the stead of a RecvMsg to come. mu is held and
// released.
func (s *stream) probeLocked(a *attempt, background bool) {
	s.receiving = true
	s.mu.Unlock()
	f := &frame.Frame{}
	err := a.RecvMsg(f)
	s.received(a, err, f, background)
}

// received acts on what RecvMsg on a returned, and gives up receiving. It
// returns nil when there is another attempt in a's place, or when there was a
// message; and the stream's end otherwise. A message that is not nil was
// received for a RecvMsg to come. background is whether the replay must not keep
// the caller from receiving.
func (s *stream) received(a *attempt, err error, message *frame.Frame, background bool) error {
	s.mu.Lock()
	s.receiving = false
	if err == nil {
		s.pending = message
		if !s.finished {
			s.commitLocked()
		}
		s.changed.Broadcast()
		s.mu.Unlock()
		return nil
	}
	if s.finished || s.committed.Load() || err == io.EOF {
		s.changed.Broadcast()
		s.mu.Unlock()
		s.end(err)
		return err
	}
	s.retrying = true
	s.mu.Unlock()
	a.release()
	var b *attempt
	if err := s.replace(err, a.Trailer(), &b); err != nil {
		return err
	}
	frames := s.publish(b)
	if background {
		// A server that answers while it is sent the replay may stop reading
		// when nobody reads its answers.
		go s.replay(b, frames)
	} else {
		s.replay(b, frames)
	}
	return nil
}

func (s *stream) RecvMsg(m any) error {
	for {
		s.mu.Lock()
		for (s.retrying || s.receiving) && !s.finished {
			s.changed.Wait()
		}
		if f := s.pending; f != nil {
			s.pending = nil
			s.mu.Unlock()
			if err := s.codec.Decode(f, m); err != nil {
				return err
			}
			if !s.desc.ServerStreams {
				s.end(nil)
			}
			return nil
		}
		if s.finished {
			s.mu.Unlock()
			return s.over()
		}
		a := s.current
		if s.committed.Load() {
			s.mu.Unlock()
			err := a.RecvMsg(m)
			if err != nil || !s.desc.ServerStreams {
				// The only answer is the end of the call. grpc-go tells of it,
				// too, but perhaps after RecvMsg has returned.
				s.end(err)
			}
			return err
		}
		s.receiving = true
		s.mu.Unlock()
		err := a.RecvMsg(m)
		failed := s.received(a, err, nil, s.desc.ClientStreams)
		if err == nil && !s.desc.ServerStreams {
			s.end(nil)
		}
		if err == nil || failed != nil {
			return failed
		}
		resetMessage(m)
	}
}

// over is what RecvMsg returns on a stream that is finished, when its end is
// done.
func (s *stream) over() error {
	s.ending.Do(func() {})
	return s.result
}

func (s *stream) CloseSend() error {
	s.mu.Lock()
	for (s.retrying || s.replayed != nil) && !s.finished {
		s.changed.Wait()
	}
	s.closed = true
	a, finished := s.current, s.finished
	s.mu.Unlock()
	if finished {
		return nil
	}
	return a.CloseSend()
}

func (s *stream) Header() (metadata.MD, error) {
	s.mu.Lock()
	for {
		for s.retrying && !s.finished {
			s.changed.Wait()
		}
		a := s.current
		if s.finished || s.committed.Load() {
			s.mu.Unlock()
			if a == nil {
				return nil, nil // no attempt, no headers: RecvMsg has the status
			}
			return a.Header()
		}
		s.mu.Unlock()
		md, err := a.Header()
		s.mu.Lock()
		switch {
		case s.current != a:
			// Replaced while it had no headers yet.
		case md != nil || s.finished || s.committed.Load():
			if !s.finished {
				s.commitLocked()
			}
			s.mu.Unlock()
			return md, err
		case s.receiving:
			s.changed.Wait() // for who learns the status
		default:
			s.probeLocked(a, s.desc.ClientStreams)
			s.mu.Lock()
		}
	}
}

// Trailer is the last attempt's, once the stream is over.
func (s *stream) Trailer() metadata.MD {
	s.mu.Lock()
	a := s.current
	s.mu.Unlock()
	if a == nil {
		return nil
	}
	return a.Trailer()
}

// Context is the current attempt's. Asking for it commits the stream, as it
// does in grpc-go: the caller may keep it.
func (s *stream) Context() context.Context {
	s.mu.Lock()
	for s.retrying && !s.finished {
		s.changed.Wait()
	}
	if !s.finished {
		s.commitLocked()
	}
	a := s.current
	s.mu.Unlock()
	if a == nil {
		return s.ctx
	}
	return a.Context()
}
