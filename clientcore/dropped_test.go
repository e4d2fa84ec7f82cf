package clientcore_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	lbpb "google.golang.org/grpc/balancer/grpclb/grpc_lb_v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// drop stands in a list of backends for a call that is dropped.
const drop = "drop"

// lister is a look-aside balancer that gives one list. grpclb goes round it, pick
// by pick.
type lister struct {
	lbpb.UnimplementedLoadBalancerServer
	entries []string
}

func (l lister) BalanceLoad(stream lbpb.LoadBalancer_BalanceLoadServer) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	initial := &lbpb.LoadBalanceResponse{LoadBalanceResponseType: &lbpb.LoadBalanceResponse_InitialResponse{InitialResponse: &lbpb.InitialLoadBalanceResponse{}}}
	if err := stream.Send(initial); err != nil {
		return err
	}
	var list lbpb.ServerList
	for _, entry := range l.entries {
		if entry == drop {
			list.Servers = append(list.Servers, &lbpb.Server{Drop: true})
			continue
		}
		at := netip.MustParseAddrPort(entry)
		list.Servers = append(list.Servers, &lbpb.Server{IpAddress: at.Addr().AsSlice(), Port: int32(at.Port())})
	}
	if err := stream.Send(&lbpb.LoadBalanceResponse{LoadBalanceResponseType: &lbpb.LoadBalanceResponse_ServerList{ServerList: &list}}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// grpclbBackend is where grpclb finds the backend of these tests.
const grpclbBackend = "10.0.0.1:50051"

// dropping is a client by grpclb whose picks go round entries, from the first, and
// the backend among them.
func dropping(t *testing.T, cfg clientcore.Config, serve handler, entries ...string) (*clientcore.Client, *backend) {
	t.Helper()
	n := newNetwork()
	b := n.start(t, grpclbBackend, serve)
	lis := bufconn.Listen(1 << 16)
	n.mu.Lock()
	n.lis["lookaside"] = lis
	n.mu.Unlock()
	server := grpc.NewServer()
	lbpb.RegisterLoadBalancerServer(server, lister{entries: entries})
	go func() { _ = server.Serve(lis) }()
	t.Cleanup(server.Stop)
	cfg.Balance = balance.Policy{GRPCLB: &balance.GRPCLB{}}
	c, err := clientcore.New(cfg, clientcore.WithEndpoints(grpclbBackend), clientcore.WithDialer(n.dial),
		clientcore.WithLookaside("lookaside"), clientcore.WithSeed(7))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return c, b
}

// droppedKinds are the ways of calling. Each ends with the call's error.
var droppedKinds = map[string]func(context.Context, *clientcore.Client) error{
	"unary": func(ctx context.Context, c *clientcore.Client) error {
		_, err := call(ctx, c, "x")
		return err
	},
	"server stream": func(ctx context.Context, c *clientcore.Client) error {
		_, err := collect(ctx, c, serverStream, serverMethod, "x")
		return err
	},
	"bidi": func(ctx context.Context, c *clientcore.Client) error {
		s, err := c.NewStream(ctx, bidiStream, bidiMethod)
		if err != nil {
			return err
		}
		if err := s.SendMsg(text("x")); err != nil {
			return err
		}
		_ = s.CloseSend()
		for {
			if err := s.RecvMsg(text("")); err != nil {
				if err == io.EOF {
					return nil
				}
				return err
			}
		}
	},
}

// TestDroppedCallsAreNotTriedAgain has every second pick dropped: so many calls end
// with that, at once, and the others are answered at their first attempt. As many
// attempts are counted as the backend received.
func TestDroppedCallsAreNotTriedAgain(t *testing.T) {
	const calls = 20
	native := config()
	native.Retry.Backoff = retry.Backoff{Native: &retry.Native{}}
	for policy, cfg := range map[string]clientcore.Config{"retry": config(), "native": native, "hedge": hedged(after(10*ms, 3))} {
		for kind, do := range droppedKinds {
			t.Run(policy+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, b := dropping(t, cfg, echo, drop, grpclbBackend)
					start := time.Now()
					dropped := 0
					for range calls {
						var trace clientcore.Trace
						err := do(clientcore.WithTrace(t.Context(), &trace), c)
						if err == nil {
							continue
						}
						dropped++
						var own *balance.DroppedError
						st, ok := status.FromError(err)
						if !ok || st.Code() != codes.Unavailable || st.Message() != "request dropped by grpclb" {
							t.Errorf("status %v of %v", st, err)
						}
						if !errors.Is(err, balance.ErrDropped) || !errors.As(err, &own) || errors.Is(err, balance.ErrNoBackend) {
							t.Errorf("%#v is no drop", err)
						}
						if trace.Origin != clientcore.OriginBalancer || clientcore.OriginOf(err) != trace.Origin || clientcore.Retryable(err) {
							t.Errorf("from %q, by itself %q; retryable %v", trace.Origin, clientcore.OriginOf(err), clientcore.Retryable(err))
						}
						if len(trace.Attempts) != 1 || trace.Picks != 0 || trace.Attempts[0].Backend != "" {
							t.Errorf("%d picks, attempts %+v; want one that had no backend", trace.Picks, trace.Attempts)
						}
					}
					if dropped != calls/2 || time.Since(start) != 0 || b.attempts() != calls/2 {
						t.Errorf("%d of %d calls were dropped in %v, with %d attempts; want half of them, at once", dropped, calls, time.Since(start), b.attempts())
					}
					synctest.Wait()
					s := c.Stats()
					if s.Retry != (clientcore.RetryStats{}) || s.Pool.InFlight != 0 || len(s.Attempts) == 0 {
						t.Errorf("retries %+v, %d in flight, attempts %+v", s.Retry, s.Pool.InFlight, s.Attempts)
					}
					for _, a := range s.Attempts {
						if a.Picked != calls/2 || a.Answered != a.Picked || a.Unknown != 0 {
							t.Errorf("counted %+v, want %d that were answered", a, calls/2)
						}
					}
				})
			})
		}
	}
}

// TestDroppedCallsCostNoBudget: of four tokens more than two must be left for a
// further attempt, and the failure that calls for one costs one itself.
func TestDroppedCallsCostNoBudget(t *testing.T) {
	budget := retry.Budget{Tokens: &retry.Tokens{Max: 4, Ratio: 0.1}}
	retried := config()
	retried.Retry.Budget = budget
	p := after(10*ms, 3)
	p.Budget = budget
	for policy, cfg := range map[string]clientcore.Config{"retry": retried, "hedge": hedged(p)} {
		for kind, do := range droppedKinds {
			if policy == "hedge" && kind == "bidi" {
				continue // it has one attempt
			}
			t.Run(policy+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, b := dropping(t, cfg, failing(1, codes.Unavailable, echo), drop, drop, grpclbBackend, grpclbBackend)
					for range 2 {
						if err := do(t.Context(), c); !errors.Is(err, balance.ErrDropped) {
							t.Fatalf("%v, want it dropped", err)
						}
					}
					if err := do(t.Context(), c); err != nil || b.attempts() != 2 {
						t.Errorf("%v after %d attempts; want the second one's answer", err, b.attempts())
					}
				})
			})
		}
	}
}

// A further attempt that is dropped ends the call, as any answer does that no other
// attempt cures: retried ones with the drop, and hedged ones likewise.
func TestDroppedFurtherAttempts(t *testing.T) {
	slow := func(_ int, stream grpc.ServerStream) error { return silence(stream) }
	for policy, test := range map[string]struct {
		cfg   clientcore.Config
		serve handler
		took  time.Duration
	}{
		"retry": {config(), always(codes.Unavailable), 100 * ms},
		"hedge": {hedged(after(10*ms, 3)), slow, 10 * ms},
	} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, b := dropping(t, test.cfg, test.serve, grpclbBackend, drop)
				start := time.Now()
				var trace clientcore.Trace
				_, err := call(clientcore.WithTrace(t.Context(), &trace), c, "x")
				if !errors.Is(err, balance.ErrDropped) || time.Since(start) != test.took || b.attempts() != 1 || trace.Picks != 1 || len(trace.Attempts) != 2 {
					t.Errorf("%v after %v, %d attempts, trace %+v; want the drop of the second after %v", err, time.Since(start), b.attempts(), trace.Attempts, test.took)
				}
				if trace.Origin != clientcore.OriginBalancer {
					t.Errorf("from %q", trace.Origin)
				}
			})
		})
	}
}

// A drop says nothing of the backend: no breaker opens by it. What a breaker refuses
// is no drop, and is tried again as before, whatever its scope.
func TestDropsAndBreakers(t *testing.T) {
	for _, scope := range []breaker.Scope{breaker.Client, breaker.Method, breaker.Backend} {
		t.Run(scope.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := broken(scope)
				cfg.Breaker.Failures, cfg.Breaker.Reset = 2, 250*ms
				cfg.Retry = config().Retry
				cfg.Retry.Attempts, cfg.Retry.Base, cfg.Retry.Multiplier = 4, 100*ms, 1
				c, b := dropping(t, cfg, failing(2, codes.Unavailable, echo), slices.Concat(slices.Repeat([]string{drop}, 8), slices.Repeat([]string{grpclbBackend}, 100))...)
				for range 8 {
					if _, err := call(t.Context(), c, "x"); !errors.Is(err, balance.ErrDropped) {
						t.Fatalf("%v, want it dropped", err)
					}
				}
				if s := c.Stats().Breaker; s.Opened != 0 || s.Rejected != 0 {
					t.Fatalf("%+v after nothing but drops", s)
				}
				// Two failures open it, at 100 ms. The attempts at 200 ms and 300 ms
				// are refused; with the call after 350 ms it closes.
				var trace clientcore.Trace
				_, err := call(clientcore.WithTrace(t.Context(), &trace), c, "x")
				if !errors.Is(err, breaker.ErrOpen) || errors.Is(err, balance.ErrDropped) || len(trace.Attempts) != 4 || b.attempts() != 2 {
					t.Errorf("%v after %d attempts, %d received; want four, of which the breaker refused two", err, len(trace.Attempts), b.attempts())
				}
				if !clientcore.Retryable(err) || trace.Origin != clientcore.OriginBreaker {
					t.Errorf("retryable %v, from %q", clientcore.Retryable(err), trace.Origin)
				}
				time.Sleep(250 * ms)
				if _, err := call(t.Context(), c, "x"); err != nil {
					t.Errorf("after the reset: %v", err)
				}
			})
		})
	}
}
