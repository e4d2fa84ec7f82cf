package hedge

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// drawn answers each attempt after a draw of its own.
type drawn struct {
	mu       sync.Mutex
	random   *rand.Rand
	mean     time.Duration
	attempts int
}

func (d *drawn) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	d.mu.Lock()
	d.attempts++
	take := time.Duration(d.random.ExpFloat64() * float64(d.mean))
	d.mu.Unlock()
	timer := time.NewTimer(take)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (d *drawn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	panic("not used")
}

// calls makes n calls, some at a time, and returns their latencies.
func (d *drawn) calls(t *testing.T, h *Hedger, n int) []time.Duration {
	const workers = 20
	latencies := make([]time.Duration, n)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < n; i += workers {
				start := time.Now()
				if err := h.Invoke(t.Context(), d, nil, "/a/b", wrapperspb.String("x"), &wrapperspb.StringValue{}, nil); err != nil {
					t.Error(err)
				}
				latencies[i] = time.Since(start)
			}
		})
	}
	all.Wait()
	return latencies
}

// The law of many hedges: for n attempts, each d after the one before, the k-th is
// sent for a share Π (1 − F(j·d)), j < k, of the calls, and the tail is the product
// of (1 − F(t − j·d)).
func TestTheoryOfHedging(t *testing.T) {
	const n, mean, d = 10_000, 10 * time.Millisecond, 8 * time.Millisecond
	for _, attempts := range []int{2, 4} {
		synctest.Test(t, func(t *testing.T) {
			conn := &drawn{random: rand.New(rand.NewPCG(1, uint64(attempts))), mean: mean}
			p := Default()
			p.After, p.Attempts = After{Delay: d}, attempts
			shared := &Shared{}
			latencies := conn.calls(t, New(p, shared, nil), n)
			beyond := func(t time.Duration) float64 { return math.Exp(-float64(max(t, 0)) / float64(mean)) }
			tail := func(t time.Duration, attempts int) float64 {
				p := 1.0
				for j := range attempts {
					p *= beyond(t - time.Duration(j)*d)
				}
				return p
			}
			var extra, variance float64
			for k := 1; k < attempts; k++ {
				share := tail(time.Duration(k)*d, k)
				extra += share
				variance += float64(2*k-1) * share // Σ (2k−1)·P(X ≥ k) is E X²
			}
			variance -= extra * extra
			if got := float64(conn.attempts)/n - 1; math.Abs(got-extra) > 4*math.Sqrt(variance/n) {
				t.Errorf("%d attempts: extra load %.4f, theory %.4f", attempts, got, extra)
			}
			if sent := int(shared.Sent()); sent != conn.attempts-n {
				t.Errorf("%d attempts: %d hedges counted, %d made", attempts, sent, conn.attempts-n)
			}
			for _, at := range []time.Duration{d, 12 * time.Millisecond, 16 * time.Millisecond, 24 * time.Millisecond} {
				over := 0
				for _, l := range latencies {
					if l > at {
						over++
					}
				}
				want := tail(at, attempts)
				if got := float64(over) / n; math.Abs(got-want) > 4*math.Sqrt(want*(1-want)/n) {
					t.Errorf("%d attempts: %.5f of the calls take longer than %v, theory %.5f", attempts, got, at, want)
				}
			}
		})
	}
}

// A running percentile settles where it would be without hedges, though it never
// sees how long a loser would have taken; also when latencies become ten times as
// long, or shorter.
func TestTheoryOfAPercentile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &drawn{random: rand.New(rand.NewPCG(5, 6)), mean: 10 * time.Millisecond}
		shared := &Shared{}
		h := New(Default(), shared, nil)
		conn.calls(t, h, 190)
		if shared.Sent() != 0 {
			t.Errorf("%d hedges before there was a percentile", shared.Sent())
		}
		for _, mean := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 5 * time.Millisecond} {
			conn.mean = mean
			conn.calls(t, h, 2500) // to settle
			sent := shared.Sent()
			const n = 6000
			conn.calls(t, h, n)
			got := float64(shared.Sent()-sent) / n
			want := time.Duration(math.Log(20) * float64(mean)) // 1 − F = 5 %
			after := h.after(h.account("/a/b"))
			t.Logf("mean %v: %.2f %% more load, after %v (theory %v)", mean, 100*got, after, want)
			if math.Abs(got-0.05) > 4*math.Sqrt(0.05*0.95*3/n) {
				t.Errorf("mean %v: %.4f more load, want 0.05", mean, got)
			}
			if math.Abs(float64(after-want)) > 0.15*float64(want) {
				t.Errorf("mean %v: hedged after %v, theory %v", mean, after, want)
			}
		}
	})
}

// scripted answers attempts as script says: after a time, with an error.
type scripted struct {
	script func(attempt int) (time.Duration, error)
}

func (s *scripted) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	n := 1
	if md, _ := metadata.FromOutgoingContext(ctx); len(md["grpc-previous-rpc-attempts"]) > 0 {
		n = 2
	}
	take, err := s.script(n)
	select {
	case <-time.After(take):
		return err
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (s *scripted) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	panic("not used")
}

// Which calls a percentile is of: those that were answered without a failure, and
// those that the deadline ended, but not those that their caller gave up.
func TestWhatAPercentileIsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &scripted{}
		h := New(Default(), &Shared{}, nil)
		call := func(ctx context.Context, n int) {
			for range n {
				_ = h.Invoke(ctx, conn, nil, "/a/b", wrapperspb.String("x"), &wrapperspb.StringValue{}, nil)
			}
		}
		want := func(what string, low, high time.Duration) {
			t.Helper()
			if got := h.after(h.account("/a/b")); got < low || got > high {
				t.Errorf("%s: hedged after %v, want %v to %v", what, got, low, high)
			}
		}
		conn.script = func(int) (time.Duration, error) { return 10 * time.Millisecond, nil }
		call(t.Context(), 199)
		want("too few", 0, 0)
		call(t.Context(), 1)
		want("answered", 9800*time.Microsecond, 10200*time.Microsecond)
		conn.script = func(attempt int) (time.Duration, error) {
			if attempt == 1 {
				return time.Millisecond, status.Error(codes.Unavailable, "no")
			}
			return time.Millisecond, nil
		}
		call(t.Context(), 3000)
		conn.script = func(int) (time.Duration, error) { return time.Millisecond, status.Error(codes.NotFound, "no") }
		call(t.Context(), 3000)
		want("failed", 9800*time.Microsecond, 10200*time.Microsecond)
		conn.script = func(int) (time.Duration, error) { return time.Hour, nil }
		for range 3000 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			call(ctx, 1)
		}
		want("given up", 9800*time.Microsecond, 10200*time.Microsecond)
		for range 3000 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			call(ctx, 1)
			cancel()
		}
		want("ended by the deadline", 980*time.Millisecond, 1020*time.Millisecond)
	})
}
