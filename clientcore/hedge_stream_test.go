package clientcore_test

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
)

// A server may send headers at once and then stand still.
func TestHedgedStreamIsWonByAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
			attempt := attemptOf(stream)
			if err := stream.SendHeader(metadata.Pairs("attempt", strconv.Itoa(attempt))); err != nil {
				return err
			}
			if attempt == 1 {
				return silence(stream)
			}
			for i := range 3 {
				time.Sleep(10 * ms)
				if err := stream.SendMsg(text(fmt.Sprintf("%d.%d", attempt, i))); err != nil {
					return err
				}
			}
			return nil
		})
		c := n.client(t, hedged(after(20*ms, 2)), "b0")
		start := time.Now()
		stream, err := c.NewStream(t.Context(), serverStream, serverMethod)
		if err != nil {
			t.Fatal(err)
		}
		if stream.Trailer() != nil || stream.Context().Err() != nil {
			t.Error("a trailer, or no context, before there is a winner")
		}
		if err := stream.SendMsg(text("x")); err != nil {
			t.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		header, err := stream.Header()
		if err != nil || cmp.Diff([]string{"2"}, header["attempt"]) != "" || time.Since(start) != 30*ms {
			t.Errorf("header %v, %v after %v; want the second attempt's after 30ms", header, err, time.Since(start))
		}
		for i := range 3 {
			m := &wrapperspb.BytesValue{}
			if err := stream.RecvMsg(m); err != nil || string(m.Value) != fmt.Sprintf("2.%d", i) || time.Since(start) != time.Duration(30+10*i)*ms {
				t.Errorf("message %d: %q, %v after %v", i, m.Value, err, time.Since(start))
			}
		}
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
			t.Errorf("the end is %v", err)
		}
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
			t.Errorf("after the end comes %v", err)
		}
		if err := stream.SendMsg(text("y")); status.Code(err) != codes.Internal {
			t.Errorf("a second request: %v", err)
		}
	})
}

// What grpc-go does on streams outside the usual course, hedged streams do as well.
func TestHedgedStreamAtItsEdges(t *testing.T) {
	in := func(name string, serve handler, f func(t *testing.T, c *clientcore.Client, b *backend)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", serve)
				f(t, n.client(t, hedged(after(20*ms, 2)), "b0"), b)
			})
		})
	}
	open := func(t *testing.T, ctx context.Context, c *clientcore.Client, opts ...grpc.CallOption) grpc.ClientStream {
		stream, err := c.NewStream(ctx, serverStream, serverMethod, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	empty := func(int, grpc.ServerStream) error { return nil }
	in("no message at all", empty, func(t *testing.T, c *clientcore.Client, b *backend) {
		if got, err := collect(t.Context(), c, serverStream, serverMethod, "x"); err != nil || got != "" || b.attempts() != 1 {
			t.Errorf("got %q, %v, after %d attempts", got, err, b.attempts())
		}
	})
	in("an error after the first message is not cured", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return status.Error(codes.Unavailable, "then no more")
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		got, err := collect(t.Context(), c, serverStream, serverMethod, "x")
		wantCode(t, err, codes.Unavailable)
		if got != "1" || b.attempts() != 1 {
			t.Errorf("got %q after %d attempts", got, b.attempts())
		}
	})
	in("no request", func(_ int, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
			return status.Errorf(codes.FailedPrecondition, "got %v", err)
		}
		return status.Error(codes.InvalidArgument, "there was no request")
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		stream := open(t, t.Context(), c)
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.InvalidArgument)
	})
	in("given up before the request", empty, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var trace clientcore.Trace
		var finished []codes.Code
		stream := open(t, clientcore.WithTrace(ctx, &trace), c, grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		cancel()
		synctest.Wait() // the caller never comes back
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" || trace.Origin != clientcore.OriginClient || b.attempts() != 0 {
			t.Errorf("OnFinish %v, origin %q, %d attempts", finished, trace.Origin, b.attempts())
		}
		if err := stream.SendMsg(text("x")); err != nil {
			t.Errorf("SendMsg on a stream that is over: %v, want what grpc-go returns where one message is all", err)
		}
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.Canceled)
		if header, err := stream.Header(); header != nil || err != nil {
			t.Errorf("header %v, %v", header, err)
		}
	})
	in("given up during the race", func(_ int, stream grpc.ServerStream) error { return silence(stream) }, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var finished []codes.Code
		stream := open(t, ctx, c, grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		_ = stream.SendMsg(text("x"))
		time.Sleep(30 * ms)
		cancel()
		synctest.Wait()
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" || b.attempts() != 2 {
			t.Errorf("OnFinish %v, %d attempts", finished, b.attempts())
		}
		if in := c.Stats().Pool.InFlight; in != 0 {
			t.Errorf("%d calls in flight", in)
		}
	})
	in("given up after the first message", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return silence(stream)
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var trailer metadata.MD
		var finished []codes.Code
		stream := open(t, ctx, c, grpc.Trailer(&trailer), grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		_ = stream.SendMsg(text("x"))
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" {
			t.Errorf("OnFinish %v", finished)
		}
	})
	in("given up before the first message is received", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return silence(stream)
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var finished []codes.Code
		stream := open(t, ctx, c, grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		_ = stream.SendMsg(text("x"))
		synctest.Wait()
		cancel()
		synctest.Wait()
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" {
			t.Errorf("OnFinish %v", finished)
		}
	})
	in("a request that cannot be encoded", echo, func(t *testing.T, c *clientcore.Client, b *backend) {
		var trace clientcore.Trace
		stream := open(t, clientcore.WithTrace(t.Context(), &trace), c)
		wantCode(t, stream.SendMsg("no message"), codes.Internal)
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.Internal)
		if trace.Origin != clientcore.OriginClient || len(trace.Attempts) != 1 {
			t.Errorf("origin %q, %d attempts", trace.Origin, len(trace.Attempts))
		}
	})
	in("a response that cannot be decoded", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return silence(stream)
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		var header metadata.MD
		stream := open(t, t.Context(), c, grpc.Header(&header))
		_ = stream.SendMsg(text("x"))
		wantCode(t, stream.RecvMsg("no message"), codes.Internal)
		synctest.Wait()
		if in := c.Stats().Pool.InFlight; in != 0 || header == nil {
			t.Errorf("%d calls in flight, header %v", in, header)
		}
		err := c.Invoke(t.Context(), unaryMethod, text("x"), "no message", clientcore.CallTimeout(time.Second))
		wantCode(t, err, codes.DeadlineExceeded) // there is a message, but no end
	})
	in("a codec that is not there", echo, func(t *testing.T, c *clientcore.Client, b *backend) {
		_, err := c.NewStream(t.Context(), serverStream, serverMethod, grpc.CallContentSubtype("nonsense"))
		wantCode(t, err, codes.Internal)
		_, err = call(t.Context(), c, "x", grpc.CallContentSubtype("nonsense"))
		wantCode(t, err, codes.Internal)
	})
}
