package hedge

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/frame"
)

// NewStream opens a stream of a sort that can be hedged, see Hedges. Its attempts
// begin when its request is sent, so an error of opening comes out of RecvMsg.
// observer may be nil.
//
// The stream keeps grpc.ClientStream's rules: one goroutine may send while
// another receives, and a caller that neither receives until an error nor ends
// ctx leaks it. Header waits for an attempt to win.
func (h *Hedger) NewStream(ctx context.Context, next grpc.ClientConnInterface, observer Observer,
	desc *grpc.StreamDesc, method string, opts []grpc.CallOption) (grpc.ClientStream, error) {
	codec := frame.CodecOf(opts)
	if codec == nil {
		return next.NewStream(ctx, desc, method, opts...) // which knows how to say so
	}
	s := &stream{hedger: h, next: next, desc: desc, method: method, codec: codec}
	s.race = h.race(ctx, observer, method, codec, opts)
	s.race.try, s.race.drop, s.race.over = s.try, s.drop, s.raced
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwatch = context.AfterFunc(ctx, s.race.expire)
	return s, nil
}

// stream is one server-streaming call that may take several attempts.
type stream struct {
	hedger *Hedger
	next   grpc.ClientConnInterface
	desc   *grpc.StreamDesc
	method string
	codec  *frame.Codec
	race   *race

	mu      sync.Mutex
	begun   bool // the request was sent, or the end of sending
	unwatch func() bool

	request any         // nil is none; set before the race starts
	handed  atomic.Bool // the winner's first message was received

	ending sync.Once
	result error // what RecvMsg returns in the end; io.EOF is success
}

// try opens an attempt and waits for its first message. A stream that ends well
// without any is an answer, too.
func (s *stream) try(a *attempt) error {
	opts := s.race.options.with(&a.options, grpc.OnFinish(func(err error) { s.attemptOver(a, err) }))
	inner, err := s.next.NewStream(a.ctx, s.desc, s.method, opts...)
	if err == nil {
		a.stream = inner
		err = s.ask(a)
	}
	if err != nil {
		a.cancel()
		a.end(err)
	}
	return err
}

func (s *stream) ask(a *attempt) error {
	if s.request != nil {
		if err := a.stream.SendMsg(s.request); err != nil && err != io.EOF {
			return err
		}
	}
	_ = a.stream.CloseSend() // always nil
	err := a.stream.RecvMsg(&a.reply)
	if err == io.EOF {
		a.empty = true
		return nil
	}
	return err
}

// drop ends an attempt that has an answer when another has won: it was cancelled.
func (s *stream) drop(a *attempt) {
	a.end(failure(drain(a)))
}

// drain receives until the end of an attempt that was cancelled.
func drain(a *attempt) error {
	for {
		if err := a.stream.RecvMsg(&a.reply); err != nil {
			return err
		}
	}
}

// failure is the error of an end, where io.EOF is success.
func failure(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// attemptOver is told by grpc-go when it has let go of an attempt. It ends the
// stream with the winner, should the caller never come back for it.
func (s *stream) attemptOver(a *attempt, err error) {
	a.overErr = err
	a.over.Store(true)
	if s.race.winner() == a {
		s.end(err)
	}
}

// raced is told that the race is over. The winner's stream may be so, too.
func (s *stream) raced() {
	switch a := s.race.winner(); {
	case a == nil:
		s.end(s.race.err)
	case a.over.Load():
		s.end(a.overErr)
	}
}

// end makes the stream over, once, when all attempts are. It returns when that is
// done, whoever does it.
func (s *stream) end(err error) {
	<-s.race.settled
	s.ending.Do(func() {
		if s.result = err; failure(err) == nil {
			s.result = io.EOF
			s.hedger.throttle.Succeeded()
		}
		s.mu.Lock()
		unwatch := s.unwatch
		s.mu.Unlock()
		unwatch()
		if a := s.race.winner(); a != nil {
			a.cancel()
			a.end(failure(err))
		}
		if a := s.race.final; a != nil {
			s.race.options.copy(&a.options)
		}
		s.race.options.finish(failure(err))
	})
}

// begin starts the race with the request, once.
func (s *stream) begin(request any) error {
	s.mu.Lock()
	again := s.begun
	s.begun = true
	s.mu.Unlock()
	if again {
		return status.Error(codes.Internal, "SendMsg called after CloseSend")
	}
	s.request = request
	if a := s.race.start(); a != nil {
		go s.race.loop(a)
	}
	return nil
}

func (s *stream) SendMsg(m any) error {
	if prepared, is := m.(*grpc.PreparedMsg); is {
		s.race.once()
		return s.begin(prepared)
	}
	request := s.codec.Encode(m)
	if err := s.begin(request); err != nil {
		return err
	}
	if request.Err() != nil {
		<-s.race.settled
		return s.race.err // it says so as grpc-go does
	}
	return nil
}

func (s *stream) CloseSend() error {
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	if !begun {
		_ = s.begin(nil)
	}
	return nil
}

func (s *stream) RecvMsg(m any) error {
	<-s.race.decided
	a := s.race.winner()
	switch {
	case a == nil:
		s.end(s.race.err)
		return s.result
	case a.empty:
		s.end(nil)
		return s.result
	}
	if s.handed.CompareAndSwap(false, true) {
		err := s.codec.Decode(&a.reply, m)
		if err != nil {
			a.cancel()
			_ = drain(a)
			s.end(err)
		}
		return err
	}
	err := a.stream.RecvMsg(m)
	if err != nil {
		s.end(err)
	}
	return err
}

// Header is the winner's.
func (s *stream) Header() (metadata.MD, error) {
	if a := s.decided(); a != nil {
		return a.stream.Header()
	}
	return nil, nil // no stream, no headers: RecvMsg has the status
}

// Trailer is that of the attempt that decided, nil before one has.
func (s *stream) Trailer() metadata.MD {
	select {
	case <-s.race.decided:
		if a := s.decided(); a != nil {
			return a.stream.Trailer()
		}
	default:
	}
	return nil
}

// Context is the winner's, and the call's before one has won.
func (s *stream) Context() context.Context {
	select {
	case <-s.race.decided:
		if a := s.race.winner(); a != nil {
			return a.stream.Context()
		}
	default:
	}
	return s.race.ctx
}

// decided waits for the attempt that decides, and is nil where it has no stream.
func (s *stream) decided() *attempt {
	<-s.race.decided
	if a := s.race.final; a != nil && a.stream != nil {
		return a
	}
	return nil
}
