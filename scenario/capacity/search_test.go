package capacity_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/capacity"
)

func options(start float64) capacity.Options {
	return capacity.Options{Start: start, Least: 1, Most: 1e6, Within: 0.05, Trials: 3}
}

// upTo is a system that meets at every rate up to a capacity.
func upTo(most float64) capacity.Probe {
	return func(_ context.Context, rate float64, _ int) (capacity.Verdict, error) {
		if rate <= most {
			return capacity.Met, nil
		}
		return capacity.Missed, nil
	}
}

// The path of a search is written out: doubling, bisection, both ends again.
func TestPath(t *testing.T) {
	tests := map[string]struct {
		start, least, most float64
		probe              capacity.Probe
		path               string
		want               capacity.Found
	}{
		"up": {100, 1, 1e6, upTo(500), "100×1 200×1 400×1 800×1 566×1 476×1 519×1 497×1 497×3 519×3",
			capacity.Found{Rate: 497, Confirmed: true, Beyond: 519, Why: capacity.Missed}},
		"down": {100, 1, 1e6, upTo(30), "100×1 50×1 25×1 35.4×1 29.7×1 32.4×1 31×1 29.7×3 31×3",
			capacity.Found{Rate: 29.7, Confirmed: true, Beyond: 31, Why: capacity.Missed}},
		"the most":        {100, 1, 250, upTo(500), "100×1 200×1 250×1 250×3", capacity.Found{Rate: 250, Confirmed: true}},
		"none":            {5, 2, 1e6, upTo(1), "5×1 2.5×1 2×1 2×3", capacity.Found{Beyond: 2, Why: capacity.Missed}},
		"a start outside": {5, 10, 20, upTo(100), "10×1 20×1 20×3", capacity.Found{Rate: 20, Confirmed: true}},
		"the generator": {100, 1, 1e6, func(_ context.Context, rate float64, _ int) (capacity.Verdict, error) {
			if rate > 150 {
				return capacity.Unfit, nil
			}
			return capacity.Met, nil
		}, "100×1 200×1 141×1 168×1 154×1 147×1 147×3 154×3",
			capacity.Found{Rate: 147, Confirmed: true, Beyond: 154, Why: capacity.Unfit}},
		"too little at first": {10, 1, 1e6, func(_ context.Context, rate float64, _ int) (capacity.Verdict, error) {
			if rate < 50 {
				return capacity.TooFew, nil
			}
			return upTo(100)(t.Context(), rate, 0)
		}, "10×1 20×1 40×1 80×1 160×1 113×1 95.1×1 104×1 99.5×1 99.5×3 104×3",
			capacity.Found{Rate: 99.5, Confirmed: true, Beyond: 104, Why: capacity.Missed}},
		"too little below what it bears": {40, 10, 1e6, func(_ context.Context, rate float64, _ int) (capacity.Verdict, error) {
			if rate < 50 {
				return capacity.TooFew, nil
			}
			return capacity.Missed, nil
		}, "40×1 80×1 56.6×1 47.6×1 51.9×1 49.7×1 51.9×3", capacity.Found{Beyond: 51.9, Why: capacity.Missed}},
		// One unlucky trial at the lowest rate that can be told of, too.
		"too little below an unlucky trial": {40, 10, 1e6, func(_ context.Context, rate float64, trials int) (capacity.Verdict, error) {
			switch {
			case rate < 50:
				return capacity.TooFew, nil
			case trials == 1:
				return capacity.Missed, nil
			}
			return upTo(70)(t.Context(), rate, 0)
		}, "40×1 80×1 56.6×1 47.6×1 51.9×1 49.7×1 51.9×3 54.5×3 60.1×3 73.1×3 66.3×3 69.6×3 71.3×3",
			capacity.Found{Rate: 69.6, Confirmed: true, Beyond: 71.3, Why: capacity.Missed}},
		"too little anywhere": {100, 10, 200, func(context.Context, float64, int) (capacity.Verdict, error) {
			return capacity.TooFew, nil
		}, "100×1 200×1", capacity.Found{}},
		// One unlucky trial below the capacity, one lucky trial above it: three
		// trials each put it right.
		"an unlucky trial": {100, 1, 1e6, func(_ context.Context, rate float64, trials int) (capacity.Verdict, error) {
			if trials == 1 {
				return upTo(120)(t.Context(), rate, 0)
			}
			return upTo(200)(t.Context(), rate, 0)
		}, "100×1 200×1 141×1 119×1 130×1 124×1 119×3 124×3 135×3 159×3 221×3 187×3 203×3 195×3",
			capacity.Found{Rate: 195, Confirmed: true, Beyond: 203, Why: capacity.Missed}},
		"nothing to confirm with": {100, 1, 1e6, func(_ context.Context, rate float64, trials int) (capacity.Verdict, error) {
			if trials > 1 {
				return capacity.Unfit, nil
			}
			return upTo(120)(t.Context(), rate, 0)
		}, "100×1 200×1 141×1 119×1 130×1 124×1 119×3 114×3 105×3 89.1×3",
			capacity.Found{Rate: 119, Beyond: 124, Why: capacity.Missed}},
		"a lucky trial": {100, 1, 1e6, func(_ context.Context, rate float64, trials int) (capacity.Verdict, error) {
			if trials == 1 {
				return upTo(120)(t.Context(), rate, 0)
			}
			return upTo(105)(t.Context(), rate, 0)
		}, "100×1 200×1 141×1 119×1 130×1 124×1 119×3 114×3 105×3 109×3",
			capacity.Found{Rate: 105, Confirmed: true, Beyond: 109, Why: capacity.Missed}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := ""
			o := capacity.Options{Start: test.start, Least: test.least, Most: test.most, Within: 0.05, Trials: 3}
			got, err := capacity.Search(t.Context(), o, func(ctx context.Context, rate float64, trials int) (capacity.Verdict, error) {
				path += fmt.Sprintf(" %.3g×%d", rate, trials)
				return test.probe(ctx, rate, trials)
			})
			if err != nil || got != test.want {
				t.Errorf("found %+v (%v), want %+v", got, err, test.want)
			}
			if path != " "+test.path {
				t.Errorf("path%s\nwant %s", path, test.path)
			}
		})
	}
}

// Whatever the capacity and the start, it lies in a bracket of 5 %, after no more
// probes than were promised.
func TestAnyCapacityIsBracketed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		truth := math.Exp(rng.Float64() * math.Log(1e6))
		o := options(math.Exp(rng.Float64() * math.Log(1e6)))
		n := map[int]int{}
		got, err := capacity.Search(t.Context(), o, func(ctx context.Context, rate float64, trials int) (capacity.Verdict, error) {
			n[trials]++
			if rate < o.Least || rate > o.Most {
				t.Fatalf("%v was tried", rate)
			}
			return upTo(truth)(ctx, rate, trials)
		})
		switch {
		case err != nil || n[1] > o.Bound() || n[3] > o.Bound():
			t.Fatalf("from %v to %v: %v probes, %d are enough (%v)", o.Start, truth, n, o.Bound(), err)
		case !got.Confirmed || got.Rate > truth || got.Beyond == 0 && got.Rate != o.Most:
			t.Fatalf("from %v: %+v, the truth is %v", o.Start, got, truth)
		case got.Beyond > 0 && (got.Beyond <= truth || got.Beyond > got.Rate*1.0500001):
			t.Fatalf("from %v: %+v, the truth is %v", o.Start, got, truth)
		}
	}
}

// A system whose answers are pure chance is given up after as few probes.
func TestChanceIsBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		o := options(math.Exp(rng.Float64() * math.Log(1e6)))
		probes := 0
		_, err := capacity.Search(t.Context(), o, func(context.Context, float64, int) (capacity.Verdict, error) {
			probes++
			return capacity.Verdict(rng.IntN(4)), nil
		})
		if err != nil || probes > 2*o.Bound() {
			t.Fatalf("%d probes, %d are enough (%v)", probes, 2*o.Bound(), err)
		}
	}
}

// responseAbove is P(T > t) of M/M/c: e^{−μt} + Cμ(e^{−μt} − e^{−θt})/(θ−μ),
// θ = cμ−λ, C = Erlang's C.
func responseAbove(t, lambda, mu float64, c int) float64 {
	a := lambda / mu
	if a >= float64(c) {
		return 1
	}
	blocked := 1.0 // Erlang's B, by its recursion
	for k := 1; k <= c; k++ {
		blocked = a * blocked / (float64(k) + a*blocked)
	}
	waits := blocked / (1 - a/float64(c)*(1-blocked))
	theta := float64(c)*mu - lambda
	if math.Abs(theta-mu) < 1e-9*mu {
		return math.Exp(-mu*t) * (1 + waits*mu*t)
	}
	return math.Exp(-mu*t) + waits*mu*(math.Exp(-mu*t)-math.Exp(-theta*t))/(theta-mu)
}

// trueCapacity is the rate at which q of the calls take limit.
func trueCapacity(limit, q, mu float64, c int) float64 {
	low, high := 0.0, mu*float64(c)
	for range 100 {
		if middle := (low + high) / 2; responseAbove(limit, middle, mu, c) < 1-q {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// p99 is that of a trial of M/M/c, first come, first served, after a warm-up: the
// recursion of Kiefer and Wolfowitz.
func p99(rng *rand.Rand, lambda, mu float64, c, calls int) float64 {
	free := make([]float64, c)
	responses := make([]float64, 0, calls)
	at := 0.0
	for i := range calls + calls/10 {
		at += rng.ExpFloat64() / lambda
		next := 0
		for w := range free {
			if free[w] < free[next] {
				next = w
			}
		}
		free[next] = max(at, free[next]) + rng.ExpFloat64()/mu
		if i >= calls/10 {
			responses = append(responses, free[next]-at)
		}
	}
	slices.Sort(responses)
	return responses[int(math.Ceil(0.99*float64(calls)))-1]
}

// The capacity of M/M/c is known. Searches with simulated trials, whose p99 is
// noisy, find it within 5 % and the bracket's width.
func TestQueues(t *testing.T) {
	if testing.Short() {
		t.Skip("very many draws, in one goroutine")
	}
	if got := trueCapacity(-math.Log(0.01)/40, 0.99, 200, 1); math.Abs(got-160) > 1e-6 {
		t.Fatalf("M/M/1: %v, want 160", got) // t_p = −ln(1−p)/(μ−λ)
	}
	for _, c := range []int{1, 2, 8} {
		for _, limit := range []float64{0.08, 0.2} { // μ = 100: an empty system has p99 0.046
			t.Run(fmt.Sprintf("c=%d,p99<%v", c, limit), func(t *testing.T) {
				truth := trueCapacity(limit, 0.99, 100, c)
				for seed := range uint64(5) {
					rng := rand.New(rand.NewPCG(seed, uint64(c)))
					got, err := capacity.Search(t.Context(), options(20), func(_ context.Context, rate float64, trials int) (capacity.Verdict, error) {
						var of []float64
						for range trials {
							of = append(of, p99(rng, rate, 100, c, 40_000))
						}
						slices.Sort(of)
						if of[len(of)/2] < limit {
							return capacity.Met, nil
						}
						return capacity.Missed, nil
					})
					if err != nil || !got.Confirmed || got.Beyond > got.Rate*1.0500001 {
						t.Fatalf("%+v, %v", got, err)
					}
					if middle := math.Sqrt(got.Rate * got.Beyond); math.Abs(middle/truth-1) > 0.05 {
						t.Errorf("seed %d: %+v, the truth is %.4g", seed, got, truth)
					}
				}
			})
		}
	}
}

// What was found before an error, or an interruption, is kept.
func TestKeepsWhatItHas(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		after int // probes
		want  capacity.Found
	}{
		{0, capacity.Found{}},
		{1, capacity.Found{Rate: 100}},
		{4, capacity.Found{Rate: 400, Beyond: 800, Why: capacity.Missed}},
		{8, capacity.Found{Rate: 497, Beyond: 519, Why: capacity.Missed}},
		{9, capacity.Found{Rate: 497, Confirmed: true}},
	}
	for _, test := range tests {
		probes := 0
		got, err := capacity.Search(t.Context(), options(100), func(ctx context.Context, rate float64, trials int) (capacity.Verdict, error) {
			if probes++; probes > test.after {
				return capacity.Met, broken
			}
			return upTo(500)(ctx, rate, trials)
		})
		if !errors.Is(err, broken) || got != test.want {
			t.Errorf("after %d: %+v (%v), want %+v", test.after, got, err, test.want)
		}
	}
	// Three trials refute what single ones have shown, but not all of it.
	probes := 0
	got, err := capacity.Search(t.Context(), options(100), func(ctx context.Context, rate float64, trials int) (capacity.Verdict, error) {
		if probes++; probes > 10 {
			return capacity.Met, broken
		}
		return upTo(map[int]float64{1: 500, 3: 150}[trials])(ctx, rate, trials)
	})
	if want := (capacity.Found{Rate: 400, Beyond: 476, Why: capacity.Missed}); !errors.Is(err, broken) || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	probes = 0
	_, err = capacity.Search(ctx, options(100), func(context.Context, float64, int) (capacity.Verdict, error) {
		if probes++; probes == 2 {
			cancel()
		}
		return capacity.Met, nil
	})
	if !errors.Is(err, context.Canceled) || probes != 2 {
		t.Errorf("%d probes, %v", probes, err)
	}
}
