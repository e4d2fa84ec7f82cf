package fakeserver

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/http2conn"
)

// arrive lets the call's faults act on its arrival. Its error ends the call.
func (s *service) arrive(ctx context.Context, c *call) error {
	if len(c.faults) == 0 {
		return nil
	}
	step := fault.Step{Moment: fault.Arrival, Kind: c.method.kind()}
	s.rules.act(c, &step)
	if step.End == nil {
		// Time on the way, which goes by before the call is served.
		c.delay, step.Wait = step.Wait, 0
	}
	return s.carryOut(ctx, &step, 0)
}

// carryOut does what faults have made of a step, before which so many response
// messages were written. Its error ends the call.
func (s *service) carryOut(ctx context.Context, step *fault.Step, written int) error {
	if len(step.Header) > 0 {
		if err := grpc.SetHeader(ctx, step.Header); err != nil {
			return err
		}
	}
	if err := s.pause(ctx, step.Wait); err != nil || step.End == nil {
		return err
	}
	end := step.End
	if end.Reset != nil && !http2conn.Reset(ctx, *end.Reset, written) {
		return status.Error(codes.Internal, "no way to reset a stream of this connection")
	}
	if end.Silent || end.Reset != nil {
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	}
	if len(end.Trailer) > 0 {
		if err := grpc.SetTrailer(ctx, end.Trailer); err != nil {
			return err
		}
	}
	return end.Err
}

// faulty is an attempt that is to meet faults, between its messages too. Like
// the service's handlers it reads and writes in one goroutine.
type faulty struct {
	service       *service
	call          call
	ctx           context.Context
	read, written int // messages
}

// receive reads the next request message into m.
func (f *faulty) receive(m any, read func(any) error) error {
	if _, err := f.step(fault.BeforeRead, f.read, nil); err != nil {
		return err
	}
	if err := read(m); err != nil {
		return err
	}
	if _, err := f.step(fault.AfterRead, f.read, m.(proto.Message)); err != nil {
		return err
	}
	f.read++
	return nil
}

// respond returns the response message that is to be written instead of m,
// which may be m itself.
func (f *faulty) respond(m any) (any, error) {
	step, err := f.step(fault.BeforeWrite, f.written, m.(proto.Message))
	if err != nil {
		return nil, err
	}
	f.written++
	return step.Message, nil
}

// finish is the end of an attempt that was served.
func (f *faulty) finish() error {
	_, err := f.step(fault.BeforeEnd, f.written, nil)
	return err
}

func (f *faulty) step(moment fault.Moment, n int, m proto.Message) (*fault.Step, error) {
	step := &fault.Step{Moment: moment, Kind: f.call.method.kind(), N: n, Message: m}
	f.service.rules.act(&f.call, step)
	return step, f.service.carryOut(f.ctx, step, f.written)
}

// faultyStream is the stream of such an attempt.
type faultyStream struct {
	grpc.ServerStream
	faulty *faulty
}

func (s *faultyStream) RecvMsg(m any) error { return s.faulty.receive(m, s.ServerStream.RecvMsg) }

func (s *faultyStream) SendMsg(m any) error {
	m, err := s.faulty.respond(m)
	if err != nil {
		return err
	}
	return s.ServerStream.SendMsg(m)
}
