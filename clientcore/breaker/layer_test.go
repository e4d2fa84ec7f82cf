package breaker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// conn answers every call with an error of the test's choice, and counts.
type conn struct {
	grpc.ClientConnInterface
	err   error
	calls int
	wait  func() // in Invoke; may be nil
}

func (c *conn) Invoke(_ context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	c.calls++
	if c.wait != nil {
		c.wait()
	}
	return c.err
}

func (c *conn) NewStream(_ context.Context, _ *grpc.StreamDesc, _ string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	c.calls++
	if c.err != nil {
		return nil, c.err
	}
	return &stream{opts: opts}, nil
}

// stream ends when the test says so.
type stream struct {
	grpc.ClientStream
	opts []grpc.CallOption
}

func (s *stream) end(err error) { finish(s.opts, err) }

type ownError struct{ error }

func (ownError) Origin() string { return "pool" }

func TestOutcome(t *testing.T) {
	j := judgeOf(Default())
	for _, c := range []struct {
		err  error
		want Outcome
	}{
		{nil, Success},
		{status.Error(codes.Unavailable, "connection error: desc = down"), Failure},
		{status.Error(codes.DeadlineExceeded, "context deadline exceeded"), Failure},
		{status.Error(codes.InvalidArgument, "no such field"), Success},
		{status.Error(codes.NotFound, "no such user"), Success},
		{status.Error(codes.Canceled, "context canceled"), Neither},
		{status.Error(codes.ResourceExhausted, "trying to send message larger than max (5 vs. 4)"), Neither},
		{ownError{status.Error(codes.DeadlineExceeded, "the pool is full")}, Neither},
		{fmt.Errorf("inner: %w", &OpenError{}), Neither},
		{status.Error(codes.Code(99), "strange"), Success},
	} {
		if got := j.outcome(c.err); got != c.want {
			t.Errorf("%v: outcome %d, want %d", c.err, got, c.want)
		}
	}
}

func TestLayerRefusesWithoutSending(t *testing.T) {
	next := &conn{err: status.Error(codes.Unavailable, "down")}
	l := NewLayer(next, Default(), nil)
	for range DefaultFailures {
		_ = l.Invoke(t.Context(), "/s/a", nil, nil)
	}
	finished := 0
	count := grpc.OnFinish(func(err error) {
		if !errors.Is(err, ErrOpen) {
			t.Errorf("OnFinish was told %v", err)
		}
		finished++
	})
	if err := l.Invoke(t.Context(), "/s/b", nil, nil, count); !errors.Is(err, ErrOpen) {
		t.Errorf("unary: %v", err)
	}
	if _, err := l.NewStream(t.Context(), &grpc.StreamDesc{}, "/s/c", count); !errors.Is(err, ErrOpen) {
		t.Errorf("stream: %v", err)
	}
	if next.calls != DefaultFailures || finished != 2 {
		t.Errorf("%d calls were sent and %d finished, want %d and 2", next.calls, finished, DefaultFailures)
	}
}

func TestMethodsHaveTheirOwn(t *testing.T) {
	next := &conn{err: status.Error(codes.Unavailable, "down")}
	l := NewLayer(next, policy(func(p *Policy) { p.Failures, p.Scope = 1, Method }), nil)
	_ = l.Invoke(t.Context(), "/s/a", nil, nil)
	next.err = nil
	if err := l.Invoke(t.Context(), "/s/a", nil, nil); !errors.Is(err, ErrOpen) {
		t.Errorf("a: %v", err)
	}
	if err := l.Invoke(t.Context(), "/s/b", nil, nil); err != nil {
		t.Errorf("b: %v", err)
	}
	if got := l.Len(); got != 2 {
		t.Errorf("%d breakers of two methods", got)
	}
	for i := range 2 * maxMethods {
		_ = l.Invoke(t.Context(), fmt.Sprintf("/s/m%d", i), nil, nil)
	}
	if got := l.Len(); got != maxMethods+1 {
		t.Errorf("%d breakers, want one of each of %d methods, and one of all others", got, maxMethods)
	}
	n := 0
	l.Each(func(*Breaker) { n++ })
	if n > maxMethods+1 {
		t.Errorf("%d breakers for names from outside, want at most %d", n, maxMethods+1)
	}
}

func TestStreamsCountAtTheirEnd(t *testing.T) {
	next := &conn{}
	l := NewLayer(next, policy(func(p *Policy) { p.Failures = 1 }), nil)
	s, err := l.NewStream(t.Context(), &grpc.StreamDesc{}, "/s/a")
	if err != nil {
		t.Fatal(err)
	}
	if l.one.State() != Closed {
		t.Fatal("opened before the stream ended")
	}
	s.(*stream).end(status.Error(codes.Unavailable, "lost"))
	if l.one.State() != Open {
		t.Error("a stream that failed did not count")
	}
	next.err = status.Error(codes.Unavailable, "down")
	fresh := NewLayer(next, policy(func(p *Policy) { p.Failures = 2 }), nil)
	_, _ = fresh.NewStream(t.Context(), &grpc.StreamDesc{}, "/s/a")
	if got := fresh.one.inRow.Load(); got != 1 {
		t.Errorf("a stream that never opened counted %d times, want once", got)
	}
}

// recv is a stream whose RecvMsg answers.
type recv struct{ *stream }

func (recv) RecvMsg(any) error { return nil }

type streams struct{ conn }

func (c *streams) NewStream(ctx context.Context, d *grpc.StreamDesc, m string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.conn.NewStream(ctx, d, m, opts...)
	if err != nil {
		return nil, err
	}
	return recv{s.(*stream)}, nil
}

// A stream that probes has succeeded with its first response: it may go on for
// hours, and would keep all other calls out.
func TestStreamProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &streams{conn{err: status.Error(codes.Unavailable, "down")}}
		l := NewLayer(next, policy(func(p *Policy) { p.Failures = 1 }), nil)
		_ = l.Invoke(t.Context(), "/s/a", nil, nil)
		next.err = nil
		time.Sleep(10 * time.Second)
		s, err := l.NewStream(t.Context(), &grpc.StreamDesc{}, "/s/a")
		if err != nil || l.one.State() != HalfOpen {
			t.Fatalf("the probe: %v, %v", err, l.one.State())
		}
		if err := l.Invoke(t.Context(), "/s/a", nil, nil); !errors.Is(err, ErrOpen) {
			t.Errorf("beside the probe: %v", err)
		}
		if err := s.RecvMsg(nil); err != nil || l.one.State() != Closed {
			t.Errorf("after the first response: %v, %v", err, l.one.State())
		}
		s.(*probe).ClientStream.(recv).end(status.Error(codes.Unavailable, "lost"))
		if l.one.State() != Closed {
			t.Error("the probe's end counted as well")
		}
	})
}

// TestTrapNoLockOverACall: while one call takes for ever, others are admitted,
// end, and are counted.
func TestTrapNoLockOverACall(t *testing.T) {
	stuck, begun := make(chan struct{}), make(chan struct{})
	l := NewLayer(&conn{wait: func() { close(begun); <-stuck }}, Default(), nil)
	first := make(chan error, 1)
	go func() { first <- l.Invoke(context.Background(), "/s/a", nil, nil) }()
	<-begun
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range DefaultFailures {
			call(l.one, Failure)
		}
		_ = l.Invoke(context.Background(), "/s/a", nil, nil)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("a call waits for another")
	}
	if l.one.State() != Open || l.one.Rejected() != 1 {
		t.Errorf("%v, %d rejected", l.one.State(), l.one.Rejected())
	}
	close(stuck)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
