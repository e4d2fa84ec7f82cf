package fakeserver

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

// Without a line a backend loses exactly the calls that find every slot taken,
// and serves the others at once.
func TestLossIsErlangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			calls = 3000
			slots = 4
			load  = 4.0 // Erlang
		)
		service := servicetime.Choice{Lognormal: &servicetime.Lognormal{P50: 5 * ms, P99: 40 * ms}}
		r := newRig(t, Config{Backends: 1, ServiceTime: service, Concurrency: slots, Queue: ptr(0)})
		seed := draw.Seed{Seed: 11, Block: 1}
		must(t, r.Reset(seed.Seed, seed.Block))
		must(t, get(t.Context(), r.clients[0], "first", "")) // connects
		sampler := service.Sampler()
		gaps := servicetime.Exponential{Average: time.Duration(float64(service.Mean()) / load)}
		var calling sync.WaitGroup
		t0 := time.Now()
		var due time.Duration
		busy := make([]time.Duration, slots) // until when, ascending
		lost := 0
		for i := range calls {
			due += gaps.Draw(seed.For(draw.Purpose(99), 0, uint64(i), 1))
			id := fmt.Sprintf("reads/%d", i)
			want, code := sampler.Draw(seed.For(draw.Service, 0, draw.Hash(id), 1)), codes.OK
			if busy[0] > due {
				want, code = 0, codes.ResourceExhausted
				lost++
			} else {
				busy[0] = due + want
				slices.Sort(busy)
			}
			time.Sleep(time.Until(t0.Add(due)))
			calling.Go(func() {
				began := time.Now()
				err := get(t.Context(), r.clients[0], id, "")
				if got := time.Since(began); status.Code(err) != code || got != want {
					t.Errorf("call %d: %v after %v, want %v after %v", i, err, got, code, want)
				}
			})
		}
		calling.Wait()
		if got := r.Snapshot().Backends[0].Refused; got != int64(lost) {
			t.Errorf("%d refused, %d lost", got, lost)
		}
		if share, want := float64(lost)/calls, erlangB(slots, load); math.Abs(share-want) > 0.05 {
			t.Errorf("lost %.3f, Erlang B is %.3f", share, want)
		}
	})
}

// erlangB is the loss of c slots offered a Erlang, by its recursion.
func erlangB(c int, a float64) float64 {
	b := 1.0
	for n := 1; n <= c; n++ {
		b = a * b / (float64(n) + a*b)
	}
	return b
}

// The recursions that the fleet is compared with are theory's: over 10⁷ draws
// each agrees within 2 %.
func TestRecursionsAreTheory(t *testing.T) {
	if raceEnabled {
		t.Skip("arithmetic only, and slow under the race detector")
	}
	const draws = 10_000_000
	stream := func(name string) draw.Stream { return draw.StreamOf(draw.Hash(name)) }
	exponential := func(s *draw.Stream, rate float64) float64 { return -math.Log1p(-s.Float64()) / rate }
	within := func(t *testing.T, what string, got, want float64) {
		t.Helper()
		if math.Abs(got/want-1) > 0.02 {
			t.Errorf("%s: %.5f, theory %.5f", what, got, want)
		}
	}
	// Times in units of the mean service time, so that μ = 1.
	t.Run("M/M/1", func(t *testing.T) {
		t.Parallel()
		const λ = 0.7
		s := stream("M/M/1")
		tail := newTail(50)
		waits := 0.0
		for range draws {
			service := exponential(&s, 1)
			tail.add(waits + service)
			waits = max(0, waits+service-exponential(&s, λ))
		}
		for _, p := range []float64{0.5, 0.9, 0.99, 0.999} {
			within(t, fmt.Sprintf("p%g", 100*p), tail.quantile(p), -math.Log(1-p)/(1-λ))
		}
	})
	t.Run("M/M/4", func(t *testing.T) {
		t.Parallel()
		const c, λ = 4, 3.2
		s := stream("M/M/4")
		tail := newTail(50)
		var free [c]float64 // from now, ascending
		for range draws {
			service := exponential(&s, 1)
			tail.add(free[0] + service)
			free[0] += service
			for i := 1; i < c && free[i-1] > free[i]; i++ {
				free[i-1], free[i] = free[i], free[i-1]
			}
			gap := exponential(&s, λ)
			for i := range free {
				free[i] = max(0, free[i]-gap)
			}
		}
		b := erlangB(c, λ)
		erlangC := b / (1 - λ/c*(1-b))
		const θ = c - λ
		for _, at := range []float64{0.5, 1, 2, 4, 8} {
			// The limit e^{−μt}(1 + Cμt) is where θ = μ, which it is not here.
			want := math.Exp(-at) + erlangC*(math.Exp(-at)-math.Exp(-θ*at))/(θ-1)
			within(t, fmt.Sprintf("P(T > %g)", at), tail.above(at), want)
		}
	})
	t.Run("M/G/c/c", func(t *testing.T) {
		t.Parallel()
		const c, a = 4, 3.0
		service := servicetime.Choice{Lognormal: &servicetime.Lognormal{P50: 5 * ms, P99: 40 * ms}}
		sampler, mean := service.Sampler(), float64(service.Mean())
		s := stream("M/G/c/c")
		var busy [c]float64 // from now, ascending
		lost := 0
		for range draws {
			if busy[0] > 0 {
				lost++
			} else {
				busy[0] = float64(sampler.Draw(draw.StreamOf(s.Uint64()))) / mean
				for i := 1; i < c && busy[i-1] > busy[i]; i++ {
					busy[i-1], busy[i] = busy[i], busy[i-1]
				}
			}
			gap := exponential(&s, a)
			for i := range busy {
				busy[i] = max(0, busy[i]-gap)
			}
		}
		within(t, "loss", float64(lost)/draws, erlangB(c, a))
	})
}

// tail counts times in bins of a thousandth.
type tail struct {
	bins  []int
	total int
}

func newTail(most int) *tail { return &tail{bins: make([]int, most*1000)} }

func (h *tail) add(x float64) {
	h.bins[min(int(x*1000), len(h.bins)-1)]++
	h.total++
}

func (h *tail) quantile(p float64) float64 {
	left := int(p * float64(h.total))
	for i, n := range h.bins {
		if left -= n; left < 0 {
			return (float64(i) + 0.5) / 1000
		}
	}
	return math.Inf(1)
}

func (h *tail) above(x float64) float64 {
	n := 0
	for _, m := range h.bins[int(x*1000):] {
		n += m
	}
	return float64(n) / float64(h.total)
}
