package clientcore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// The layers below see each attempt. A loser says nothing of its backend: it opens
// no breaker, and gives back a probe's place.
func TestHedgeAboveTheBreaker(t *testing.T) {
	for _, scope := range []breaker.Scope{breaker.Client, breaker.Method, breaker.Backend} {
		for kind, do := range hedgedKinds {
			t.Run(scope.String()+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					var broken atomic.Bool
					b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
						if broken.Load() {
							return status.Error(codes.Unavailable, "broken")
						}
						return planned(plan{take: time.Hour}, plan{take: 5 * ms})(attempt, stream)
					})
					cfg := hedged(after(10*ms, 2))
					p := breaker.Default()
					p.Failures, p.Reset, p.Scope, p.Probes = 4, time.Second, scope, 2
					cfg.Breaker = &p
					c := n.client(t, cfg, "b0")
					for range 20 {
						if _, err := do(t.Context(), c); err != nil {
							t.Fatal(err)
						}
					}
					if s := c.Stats(); s.Breaker != (clientcore.BreakerStats{Breakers: 1}) || b.attempts() != 40 {
						t.Fatalf("%+v after %d attempts, of which none has failed", s.Breaker, b.attempts())
					}
					broken.Store(true)
					for range 2 { // two attempts each
						_, err := do(t.Context(), c)
						wantCode(t, err, codes.Unavailable)
					}
					_, err := do(t.Context(), c)
					if s := c.Stats(); !errors.Is(err, breaker.ErrOpen) || s.Breaker.Opened != 1 || s.Breaker.Rejected == 0 || b.attempts() != 44 {
						t.Errorf("%v, %+v after %d attempts; want it open after four failures", err, s.Breaker, b.attempts())
					}
					broken.Store(false)
					time.Sleep(p.Reset + ms)
					// Of the two probes that are let through at a time one loses; its
					// place is free again, or the next call could not be hedged.
					for range 5 {
						if _, err := do(t.Context(), c); err != nil {
							t.Errorf("after the reset: %v", err)
						}
					}
					if s := c.Stats(); s.Breaker.Opened != 1 || s.Pool.InFlight != 0 {
						t.Errorf("%+v, %d in flight", s.Breaker, s.Pool.InFlight)
					}
				})
			})
		}
	}
}

// A hedge waits for room on a channel as any attempt does, and gives the wait up
// when the call has its answer.
func TestHedgeWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", planned(plan{take: 50 * ms}))
		cfg := hedged(after(10*ms, 3))
		cfg.Pool.MaxInFlight = 1
		c := n.client(t, cfg, "b0")
		for range 3 {
			start := time.Now()
			if got, err := call(t.Context(), c, "x"); err != nil || got != "1" || time.Since(start) != 50*ms {
				t.Errorf("got %q, %v after %v", got, err, time.Since(start))
			}
		}
		if s := c.Stats(); b.attempts() != 3 || s.Pool.InFlight != 0 || s.Hedge.Sent != 6 {
			t.Errorf("%d attempts arrived, %+v, %+v", b.attempts(), s.Pool, s.Hedge)
		}
	})
}

// Hedged and retried calls under -race: the targets of call options, and OnFinish,
// are the caller's own from when the call has returned, and belong together.
func TestCallOptionTargetsAreRaceFree(t *testing.T) {
	lively := func(_ int, stream grpc.ServerStream) error {
		m := &wrapperspb.BytesValue{}
		if err := stream.RecvMsg(m); err != nil {
			return err
		}
		id := fmt.Sprintf("%s/%d", m.Value, attemptOf(stream))
		_ = stream.SetHeader(metadata.Pairs("id", id))
		stream.SetTrailer(metadata.Pairs("id", id))
		switch rand.IntN(4) {
		case 0:
			return status.Error(codes.Unavailable, id)
		case 1:
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		}
		return stream.SendMsg(text(id))
	}
	retried := config()
	retried.Retry.Base, retried.Retry.Attempts = 50*time.Microsecond, 4
	for name, cfg := range map[string]clientcore.Config{"hedged": hedged(after(300*time.Microsecond, 4)), "retried": retried} {
		for kind, do := range hedgedKinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", lively)
				n.start(t, "b1", lively)
				c := n.client(t, cfg, "b0", "b1")
				var all sync.WaitGroup
				var finishes atomic.Int64
				const workers, each = 32, 25
				for range workers {
					all.Go(func() {
						for range each {
							var header, trailer metadata.MD
							var from peer.Peer
							var finished []error
							var trace clientcore.Trace
							got, err := do(clientcore.WithTrace(t.Context(), &trace), c, grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&from),
								grpc.OnFinish(func(err error) { finished = append(finished, err); finishes.Add(1) }))
							if err != nil {
								got = status.Convert(err).Message()
							}
							if len(finished) != 1 || status.Code(finished[0]) != status.Code(err) || from.Addr == nil {
								t.Errorf("%v: OnFinish %v, peer %v", err, finished, from.Addr)
							}
							if cmp.Diff([]string{got}, trailer["id"]) != "" || err == nil && cmp.Diff([]string{got}, header["id"]) != "" {
								t.Errorf("got %q with header %v and trailer %v", got, header, trailer)
							}
							for i, a := range trace.Attempts {
								lostUnsent := a.Backend == "" && a.Code == codes.Canceled
								if a.Backend == "" && !lostUnsent || a.End.Before(a.Start) {
									t.Errorf("attempt %d of %d: %+v", i+1, len(trace.Attempts), a)
								}
							}
						}
					})
				}
				all.Wait()
				if got := finishes.Load(); got != workers*each {
					t.Errorf("OnFinish ran %d times for %d calls", got, workers*each)
				}
				if in := c.Stats().Pool.InFlight; in != 0 {
					t.Errorf("%d calls in flight", in)
				}
			})
		}
	}
}
