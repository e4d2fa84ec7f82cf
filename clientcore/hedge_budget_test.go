package clientcore_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// A budget bounds hedges of either sort, and is never exceeded.
func TestHedgeBudget(t *testing.T) {
	for kind, do := range hedgedKinds {
		// Three tokens of four allow attempts, then the failures have cost two.
		t.Run("tokens/"+kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				var works atomic.Bool
				b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
					if works.Load() {
						return planned(plan{take: ms})(attempt, stream)
					}
					return planned(plan{take: ms, code: codes.Unavailable})(attempt, stream)
				})
				p := after(20*ms, 2)
				p.Budget = retry.Budget{Tokens: &retry.Tokens{Max: 4, Ratio: 1}}
				c := n.client(t, hedged(p), "b0")
				_, err := do(t.Context(), c)
				wantCode(t, err, codes.Unavailable)
				if b.attempts() != 2 || errors.Is(err, retry.ErrBudget) {
					t.Errorf("%d attempts, %v; want 2", b.attempts(), err)
				}
				var trace clientcore.Trace
				_, err = do(clientcore.WithTrace(t.Context(), &trace), c)
				if b.attempts() != 3 || !errors.Is(err, retry.ErrBudget) || status.Code(err) != codes.Unavailable || trace.Origin != clientcore.OriginBudget {
					t.Errorf("%d attempts in all, %v, origin %q; want 3, and the budget's error", b.attempts(), err, trace.Origin)
				}
				if got := c.Stats().Retry.Refused; got != 1 {
					t.Errorf("%d refused, want 1", got)
				}
				// Calls that succeed put the three tokens back, so that one may be hedged.
				works.Store(true)
				for range 3 {
					if _, err := do(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				works.Store(false)
				_, err = do(t.Context(), c)
				wantCode(t, err, codes.Unavailable)
				if b.attempts() != 8 || errors.Is(err, retry.ErrBudget) {
					t.Errorf("%d attempts in all, %v; want 8: three that succeeded, and two", b.attempts(), err)
				}
			})
		})
		// With no answers there is nothing but the calls to earn hedges by.
		t.Run("ratio/"+kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", planned(plan{take: 100 * ms}))
				p := after(20*ms, 3)
				p.Budget = retry.Budget{Ratio: &retry.Ratio{Share: 0.25}}
				c := n.client(t, hedged(p), "b0")
				const calls = 80
				var all sync.WaitGroup
				for range calls {
					all.Go(func() {
						if _, err := do(t.Context(), c); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if hedges := b.attempts() - calls; hedges != calls/4 || c.Stats().Hedge.Sent != calls/4 {
					t.Errorf("%d hedges of %d calls (%+v), want a quarter", hedges, calls, c.Stats().Hedge)
				}
			})
		})
	}
}

// Property: over any second, whatever the calls meet, further attempts are at most
// the budget's share of the calls of the last ten.
func TestHedgeBudgetIsNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		random := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		draw := func() (time.Duration, bool) {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(random.ExpFloat64() * float64(30*ms)), random.IntN(3) == 0
		}
		b := n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
			take, fails := draw()
			time.Sleep(take)
			if fails {
				return status.Error(codes.Unavailable, "no")
			}
			return stream.SendMsg(text("ok"))
		})
		p := after(10*ms, 4)
		p.Budget = retry.Budget{Ratio: &retry.Ratio{Share: 0.2}}
		c := n.client(t, hedged(p), "b0")
		calls := 0
		var all sync.WaitGroup
		for range 60 {
			for range 20 {
				calls++
				all.Go(func() { _, _ = call(t.Context(), c, "x") })
			}
			time.Sleep(50 * ms)
			synctest.Wait()
			// All within one window: the budget is a fifth of the calls until now.
			if hedges := b.attempts() - calls; float64(hedges) > 0.2*float64(calls) {
				t.Fatalf("%d hedges of %d calls", hedges, calls)
			}
		}
		all.Wait()
		if hedges := b.attempts() - calls; float64(hedges) < 0.19*float64(calls) {
			t.Errorf("only %d hedges of %d calls: the budget was not put to the test", hedges, calls)
		}
	})
}
