package retry

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// lateConn opens streams that end as a lateStream does.
type lateConn struct{}

type lateStream struct {
	grpc.ClientStream
	finish func(error)
}

func (lateConn) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return nil }
func (lateConn) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s := &lateStream{}
	for _, o := range opts {
		if f, ok := o.(grpc.OnFinishCallOption); ok {
			s.finish = f.OnFinish
		}
	}
	return s, nil
}

// RecvMsg as grpc-go 1.85 when cs.finish was begun by its ctx/cc watcher: the
// error is the transport's, OnFinish comes a moment later from the watcher.
func (s *lateStream) RecvMsg(any) error {
	go func() {
		time.Sleep(2 * time.Millisecond)
		s.finish(status.Error(codes.Canceled, "grpc: the client connection is closing"))
	}()
	return status.Error(codes.Unavailable, "closing transport due to: ...")
}
func (s *lateStream) Trailer() metadata.MD { return nil }

// TestLateOnFinish: grpc-go may tell of a stream's end after RecvMsg has
// returned another error for it. What comes during the wait for a retry ends
// the call; it must not be taken for an attempt.
func TestLateOnFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Default()
		p.Base = 20 * time.Millisecond
		s, err := New(p, NewSource(1), nil).NewStream(t.Context(), lateConn{}, nil, &grpc.StreamDesc{ServerStreams: true}, "/a/b", nil)
		if err != nil {
			t.Fatal(err)
		}
		var m any
		if err := s.RecvMsg(&m); status.Code(err) != codes.Canceled {
			t.Errorf("%v, want CANCELED", err)
		}
	})
}

// TestWaitNeverOverflows: the longest wait there is, lengthened by jitter, is
// still a wait.
func TestWaitNeverOverflows(t *testing.T) {
	p := Default()
	p.Base, p.Max = math.MaxInt64, math.MaxInt64
	p.Jitter = Jitter{Percent: &Percent{Percent: 100}}
	for n := 1; n < 4; n++ {
		if wait := p.Wait(n, 0, 0.999); wait != math.MaxInt64 {
			t.Errorf("retry %d: %v", n, wait)
		}
	}
}

// TestPushbackForgetsThePreviousWait: the wait after a pushback is drawn as the
// first one is, not from the one before.
func TestPushbackForgetsThePreviousWait(t *testing.T) {
	p := Default()
	p.Attempts, p.Base, p.Max = 100, 10*time.Millisecond, time.Hour
	p.Backoff = Backoff{Decorrelated: &Decorrelated{}}
	r := New(p, NewSource(1), nil)
	unavailable := status.Error(codes.Unavailable, "no")
	var done progress
	for range 20 {
		done.made++
		if _, err := r.again(t.Context(), &done, unavailable, nil); err != nil {
			t.Fatal(err)
		}
	}
	if done.previous < 10*3*p.Base {
		t.Fatalf("waits have only grown to %v: the draws tell nothing", done.previous)
	}
	if wait, err := r.again(t.Context(), &done, unavailable, metadata.Pairs("grpc-retry-pushback-ms", "7")); err != nil || wait != 7*time.Millisecond {
		t.Fatalf("%v, %v after a pushback of 7 ms", wait, err)
	}
	wait, err := r.again(t.Context(), &done, unavailable, nil)
	if err != nil || wait < p.Base || wait > 3*p.Base {
		t.Errorf("%v, %v after the pushback, want at most 3·base, as of a first retry", wait, err)
	}
}
