package hashkey

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// stream is a server-streaming call whose own stream is opened by the first
// SendMsg. Until then it ends as grpc-go's would, with its context.
type stream struct {
	key    *Key
	ctx    context.Context
	method string
	begin  func(context.Context) (grpc.ClientStream, error)
	failed func(error)

	mu    sync.Mutex
	taken bool        // someone decides how it begins
	stop  func() bool // waiting for ctx

	// begun is closed when inner or err is set, for good.
	begun chan struct{}
	inner grpc.ClientStream
	err   error
}

func (k *Key) lazy(ctx context.Context, method string, begin func(context.Context) (grpc.ClientStream, error), failed func(error)) *stream {
	s := &stream{key: k, ctx: ctx, method: method, begin: begin, failed: failed, begun: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = context.AfterFunc(ctx, func() { s.fail(status.FromContextError(ctx.Err()).Err()) })
	return s
}

// take reports whether the caller is the one who decides how the stream begins.
func (s *stream) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.taken
	if first {
		s.taken = true
		s.stop()
	}
	return first
}

// fail ends a stream that was not opened.
func (s *stream) fail(err error) {
	if !s.take() {
		return
	}
	s.err = err
	close(s.begun)
	s.failed(err)
}

// open opens the stream for its request.
func (s *stream) open(request any) {
	ctx, err := s.key.with(s.ctx, s.method, request)
	if err != nil {
		s.err = err
		close(s.begun)
		s.failed(err)
		return
	}
	// On an error the layers below have told of it.
	s.inner, s.err = s.begin(ctx)
	close(s.begun)
}

// SendMsg opens the stream by the key of its request and sends it. An error of
// opening is returned as it is, as by NewStream.
func (s *stream) SendMsg(m any) error {
	if s.take() {
		s.open(m)
	}
	<-s.begun
	if s.err != nil {
		return s.err
	}
	return s.inner.SendMsg(m)
}

// CloseSend before any request leaves the call without a key.
func (s *stream) CloseSend() error {
	s.fail(s.key.noKey(s.method, "no request was sent"))
	<-s.begun
	if s.err != nil {
		return nil // RecvMsg has it, as in grpc-go
	}
	return s.inner.CloseSend()
}

// RecvMsg waits for the stream to be opened.
func (s *stream) RecvMsg(m any) error {
	<-s.begun
	if s.err != nil {
		return s.err
	}
	return s.inner.RecvMsg(m)
}

// Header waits for the stream to be opened.
func (s *stream) Header() (metadata.MD, error) {
	<-s.begun
	if s.err != nil {
		return nil, s.err
	}
	return s.inner.Header()
}

// Trailer is nil as long as the stream is not open.
func (s *stream) Trailer() metadata.MD {
	if inner := s.opened(); inner != nil {
		return inner.Trailer()
	}
	return nil
}

// Context is the caller's as long as the stream is not open.
func (s *stream) Context() context.Context {
	if inner := s.opened(); inner != nil {
		return inner.Context()
	}
	return s.ctx
}

// opened is the stream below, or nil.
func (s *stream) opened() grpc.ClientStream {
	select {
	case <-s.begun:
		return s.inner
	default:
		return nil
	}
}
