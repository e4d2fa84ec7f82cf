package clientcore_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
)

func TestTraceOfARetriedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for i, a := range []string{"b0", "b1"} {
			n.start(t, a, func(int, grpc.ServerStream) error {
				time.Sleep(time.Duration(i+1) * ms)
				return status.Error(codes.Unavailable, a)
			})
		}
		c := n.client(t, config(), "b0", "b1")
		synctest.Wait()
		start := time.Now()
		trace := clientcore.Trace{Picks: 99, Origin: "left over", Attempts: make([]clientcore.TraceAttempt, 9)}
		_, err := call(clientcore.WithTrace(t.Context(), &trace), c, "")
		wantCode(t, err, codes.Unavailable)
		if !trace.Sent.Equal(start) || trace.Picks != 3 || trace.Origin != clientcore.OriginServer || len(trace.Attempts) != 3 {
			t.Fatalf("sent %v, %d picks, origin %q, %d attempts", trace.Sent.Sub(start), trace.Picks, trace.Origin, len(trace.Attempts))
		}
		at := start
		for i, a := range trace.Attempts {
			wait := []time.Duration{0, 100 * ms, 200 * ms}[i]
			served := map[string]time.Duration{"b0": ms, "b1": 2 * ms}[a.Backend]
			if at = at.Add(wait); !a.Start.Equal(at) {
				t.Errorf("attempt %d starts at %v", i, a.Start.Sub(start))
			}
			if at = at.Add(served); served == 0 || !a.End.Equal(at) {
				t.Errorf("attempt %d on %q ends at %v", i, a.Backend, a.End.Sub(start))
			}
			if a.Code != codes.Unavailable || !a.Answered || a.Delay != wait {
				t.Errorf("attempt %d: %+v", i, a)
			}
		}
		if trace.Attempts[0].Backend == trace.Attempts[1].Backend {
			t.Errorf("round_robin gave %q twice", trace.Attempts[0].Backend)
		}
		trace.Reset()
		if len(trace.Attempts) != 0 || trace.Picks != 0 || !trace.Sent.IsZero() || trace.Origin != "" {
			t.Error("Reset left something")
		}
	})
}

func TestOrigins(t *testing.T) {
	for name, test := range map[string]struct {
		serve func(n *network) handler
		want  clientcore.Origin
		code  codes.Code
	}{
		"answered": {func(*network) handler { return failing(9, codes.NotFound, echo) }, clientcore.OriginServer, codes.NotFound},
		"the server's deadline": {func(*network) handler { return failing(9, codes.DeadlineExceeded, echo) },
			clientcore.OriginServer, codes.DeadlineExceeded},
		"cut off": {func(n *network) handler {
			return func(_ int, s grpc.ServerStream) error { n.cut("b0"); return silence(s) }
		}, clientcore.OriginTransport, codes.Unavailable},
		"cut off after headers": {func(n *network) handler {
			return func(_ int, s grpc.ServerStream) error {
				_ = s.SendHeader(nil)
				time.Sleep(ms)
				n.cut("b0")
				return silence(s)
			}
		}, clientcore.OriginTransport, codes.Unavailable},
		"no answer in time": {func(*network) handler {
			return func(_ int, s grpc.ServerStream) error { return silence(s) }
		}, clientcore.OriginDeadline, codes.DeadlineExceeded},
		"no end in time": {func(*network) handler {
			return func(_ int, s grpc.ServerStream) error { _ = s.SendHeader(nil); return silence(s) }
		}, clientcore.OriginDeadline, codes.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", test.serve(n))
				cfg := config()
				cfg.Retry.Attempts = 1
				cfg.Timeout = time.Second
				c := n.client(t, cfg, "b0")
				var unary, stream clientcore.Trace
				_, err := call(clientcore.WithTrace(t.Context(), &unary), c, "")
				wantCode(t, err, test.code)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if err := c.WaitReady(ctx); err != nil {
					t.Fatal(err)
				}
				_, err = collect(clientcore.WithTrace(t.Context(), &stream), c, bidiStream, bidiMethod, "")
				wantCode(t, err, test.code)
				if unary.Origin != test.want || stream.Origin != test.want {
					t.Errorf("origins %q and %q, want %q", unary.Origin, stream.Origin, test.want)
				}
			})
		})
	}
}

// Attempts whose fate is not known are counted apart, and the sum is right.
func TestAttemptCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", func(attempt int, s grpc.ServerStream) error {
			if attempt <= 2 {
				return silence(s)
			}
			return failing(3, codes.Aborted, echo)(attempt, s)
		})
		cfg := config()
		cfg.Retry.Attempts = 9
		cfg.Retry.AttemptTimeout = 50 * ms
		c := n.client(t, cfg, "b0")
		if _, err := call(t.Context(), c, ""); err != nil {
			t.Fatal(err)
		}
		stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
		if err != nil {
			t.Fatal(err)
		}
		want := []clientcore.AttemptCount{
			{Method: "test.v1.Echo/Bidi", Backend: "b0", Picked: 1},
			{Method: "test.v1.Echo/Unary", Backend: "b0", Picked: 4, Answered: 2, Unknown: 2},
		}
		if diff := cmp.Diff(want, c.Stats().Attempts); diff != "" {
			t.Errorf("while a stream is open (-want +got):\n%s", diff)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		wantEOF(t, stream)
		want[0].Answered = 1
		if diff := cmp.Diff(want, c.Stats().Attempts); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
		if got := b.attempts(); got != 5 {
			t.Errorf("the backend saw %d attempts, want 5", got)
		}
	})
}
