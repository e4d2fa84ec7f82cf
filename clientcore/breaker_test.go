package clientcore_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// broken is config without retries and with a breaker that opens at the third
// failure in a row, for 5 s.
func broken(scope breaker.Scope) clientcore.Config {
	cfg := config()
	cfg.Retry = retry.Policy{Off: true}
	p := breaker.Default()
	p.Failures, p.Reset, p.Scope = 3, 5*time.Second, scope
	cfg.Breaker = &p
	return cfg
}

func always(code codes.Code) handler {
	return func(int, grpc.ServerStream) error { return status.Error(code, "no") }
}

func TestBreakerOfTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(3, codes.Unavailable, echo))
		c := n.client(t, broken(breaker.Client), "b0")
		for range 3 {
			_, err := call(t.Context(), c, "x")
			wantCode(t, err, codes.Unavailable)
		}
		trace := &clientcore.Trace{}
		_, err := call(clientcore.WithTrace(t.Context(), trace), c, "x")
		if !errors.Is(err, breaker.ErrOpen) || status.Code(err) != codes.Unavailable {
			t.Fatalf("got %v, want the breaker's UNAVAILABLE", err)
		}
		if trace.Origin != clientcore.OriginBreaker || !trace.Sent.IsZero() {
			t.Errorf("origin %q, sent %v: a call that was refused was never sent", trace.Origin, trace.Sent)
		}
		if _, err := c.NewStream(t.Context(), bidiStream, bidiMethod); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("stream: %v", err)
		}
		time.Sleep(5 * time.Second)
		if _, err := call(t.Context(), c, "x"); err != nil {
			t.Errorf("the probe: %v", err)
		}
		if _, err := call(t.Context(), c, "x"); err != nil {
			t.Errorf("after the probe: %v", err)
		}
		if b.attempts() != 5 {
			t.Errorf("%d attempts arrived, want 5", b.attempts())
		}
		if s := c.Stats().Breaker; s.Opened != 1 || s.Rejected != 2 {
			t.Errorf("%+v, want 1 opened and 2 rejected", s)
		}
	})
}

// Each attempt asks the breaker: the retries of one call can open it, and then
// wait in vain.
func TestBreakerUnderRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", always(codes.Unavailable))
		cfg := broken(breaker.Method)
		cfg.Retry = config().Retry
		cfg.Retry.Attempts = 5
		c := n.client(t, cfg, "b0")
		_, err := call(t.Context(), c, "x")
		if !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("got %v", err)
		}
		if b.attempts() != 3 {
			t.Errorf("%d attempts arrived, want 3", b.attempts())
		}
		s, err := c.NewStream(t.Context(), clientStream, clientMethod)
		if err == nil {
			_ = s.CloseSend()
			err = s.RecvMsg(text(""))
		}
		if b.attempts() == 3 {
			t.Errorf("another method is refused as well: %v", err)
		}
	})
}

// TestBreakerOfABackend kills one backend of three: its calls go to the others,
// but for a probe now and then, whatever the policy that picks.
func TestBreakerOfABackend(t *testing.T) {
	for name, policy := range map[string]balance.Policy{
		"round_robin": {RoundRobin: &balance.RoundRobin{}},
		"least_request": {LeastRequest: func() *balance.LeastRequest {
			l := &balance.LeastRequest{}
			l.SetDefaults()
			return l
		}()},
		"p2c_ewma": {P2CEWMA: func() *balance.P2CEWMA {
			l := &balance.P2CEWMA{}
			l.SetDefaults()
			return l
		}()},
		"consistent_hash": {ConsistentHash: func() *balance.ConsistentHash {
			l := &balance.ConsistentHash{}
			l.SetDefaults()
			l.Field = "value"
			return l
		}()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", echo)
				bad := n.start(t, "b1", always(codes.Unavailable))
				n.start(t, "b2", echo)
				cfg := broken(breaker.Backend)
				cfg.Balance = policy
				var mu sync.Mutex
				var changes []breaker.Change
				c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0", "b1", "b2"), clientcore.WithDialer(n.dial), clientcore.WithSeed(7),
					clientcore.WithBreakerObserver(func(change breaker.Change) {
						mu.Lock()
						defer mu.Unlock()
						changes = append(changes, change)
					}))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := c.WaitReady(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second) // all three are connected
				failed := 0
				for i := range 300 {
					if _, err := call(t.Context(), c, "key-"+string(rune('a'+i%26))+string(rune('a'+i/26))); err != nil {
						failed++
					}
					time.Sleep(10 * time.Millisecond)
				}
				if name != "p2c_ewma" && (failed != 3 || bad.attempts() != 3) {
					t.Errorf("%d calls failed, %d arrived at the bad backend; want 3 and 3", failed, bad.attempts())
				}
				if failed > 3 {
					t.Errorf("%d calls failed", failed)
				}
				before := failed
				time.Sleep(5 * time.Second)
				for i := range 300 {
					if _, err := call(t.Context(), c, "key-"+string(rune('a'+i%26))+string(rune('a'+i/26))); err != nil {
						failed++
					}
				}
				if failed > before+1 {
					t.Errorf("%d calls failed after the reset, want at most the probe's", failed-before)
				}
				if s := c.Stats().Breaker; s.Rejected != 0 {
					t.Errorf("%+v: no call should have been refused, with two good backends", s)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, change := range changes {
					if change.Name != "b1" {
						t.Errorf("%+v: b1 alone is bad", change)
					}
				}
			})
		})
	}
}

func TestAllBackendsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b0 := n.start(t, "b0", failing(3, codes.Internal, echo))
		b1 := n.start(t, "b1", always(codes.Internal))
		cfg := broken(breaker.Backend)
		c := n.client(t, cfg, "b0", "b1")
		time.Sleep(time.Second)
		for range 6 {
			_, err := call(t.Context(), c, "x")
			wantCode(t, err, codes.Internal)
		}
		synctest.Wait()
		for _, wait := range []bool{false, true} {
			trace := &clientcore.Trace{}
			_, err := call(clientcore.WithTrace(t.Context(), trace), c, "x", grpc.WaitForReady(wait))
			if !errors.Is(err, breaker.ErrOpen) || status.Code(err) != codes.Unavailable || trace.Origin != clientcore.OriginBreaker {
				t.Errorf("wait for ready %v: got %v of %q", wait, err, trace.Origin)
			}
		}
		if s := c.Stats().Breaker; s.Opened != 2 || s.Rejected != 2 {
			t.Errorf("%+v, want 2 opened and 2 rejected", s)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait() // the breakers' timers are due at this same instant
		served := 0
		for range 10 {
			if _, err := call(t.Context(), c, "x"); err == nil {
				served++
			}
		}
		if served != 9 || b0.attempts() != 12 || b1.attempts() != 4 {
			t.Errorf("%d calls served, %d and %d attempts; want all but b1's probe", served, b0.attempts(), b1.attempts())
		}
	})
}
