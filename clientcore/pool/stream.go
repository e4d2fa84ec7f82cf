package pool

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
)

// stream is a stream that is in flight on a channel until its end.
type stream struct {
	grpc.ClientStream
	pool    *Pool
	channel *channel
	single  bool // one response is all
	over    atomic.Bool
}

func (p *Pool) openStream(ctx context.Context, c *channel, desc *grpc.StreamDesc, method string, opts []grpc.CallOption) (grpc.ClientStream, error) {
	s := &stream{pool: p, channel: c, single: !desc.ServerStreams}
	opened := false
	defer func() {
		if !opened {
			s.end()
		}
	}()
	p.sent(ctx)
	// In front of the caller's options: when the caller's own OnFinish runs, the
	// place is free.
	all := make([]grpc.CallOption, 0, len(opts)+1)
	all = append(append(all, grpc.OnFinish(func(error) { s.end() })), opts...)
	inner, err := c.conn.NewStream(ctx, desc, method, all...)
	if err != nil {
		return nil, err
	}
	s.ClientStream = inner
	opened = true
	return s, nil
}

// RecvMsg ends the stream when there is nothing more to receive. OnFinish has
// told so, but where grpc-go has no end: when a server sends two responses and
// one is due.
func (s *stream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil || s.single {
		s.end()
	}
	return err
}

// end takes the stream off its channel, once.
func (s *stream) end() {
	if s.over.CompareAndSwap(false, true) {
		s.pool.end(s.channel)
	}
}
