package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

func TestQuantileRanks(t *testing.T) {
	for _, c := range []struct {
		n    int64
		q    float64
		l, u int64
	}{
		{100_000, 0.999, 99880, 99920},
		{100_000, 0.99, 98938, 99062},
		{10_000, 0.999, 9983, 9997},
		{6, 0.5, 1, 6}, // the fewest trials whose median has an interval
		{5, 0.5, 0, 6},
		{368, 0.99, 360, 368},
		{367, 0.99, 359, 368}, // no upper bound
		{1, 0.99, 1, 2},
		{0, 0.99, 0, 1},
	} {
		if l, u := QuantileRanks(c.n, c.q, 0.95); l != c.l || u != c.u {
			t.Errorf("n=%d, q=%v: (%d, %d), want (%d, %d)", c.n, c.q, l, u, c.l, c.u)
		}
	}
}

// The definition, rank by rank.
func TestQuantileRanksByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	for range 60 {
		n, q, level := 1+rng.Int64N(400), rng.Float64(), 0.5+rng.Float64()*0.499
		alpha := 1 - level
		l, u := int64(0), n+1
		for r := n; r >= 1; r-- {
			p := pmfAtMost(n, r-1, q)
			if l == 0 && p <= alpha/2 {
				l = r
			}
			if p >= 1-alpha/2 {
				u = r
			}
		}
		if gotL, gotU := QuantileRanks(n, q, level); gotL != l || gotU != u {
			t.Errorf("n=%d, q=%v, level %v: (%d, %d), want (%d, %d)", n, q, level, gotL, gotU, l, u)
		}
	}
}

func TestQuantileInterval(t *testing.T) {
	h := result.NewHistogram()
	const n = 10_000
	for i := range int64(n) {
		h.Record((i + 1) * 1_000_000 / n * 1000) // 100 ns steps: rank r is r·100 µs ÷ 1000
	}
	near := func(got, want float64) bool { return got == want || math.Abs(got/want-1) < 2e-3 }
	for name, c := range map[string]struct {
		planned   int64
		effective float64
		low, high float64
	}{
		"all":                       {n, n, 998.3e6, 999.7e6},
		"more than planned":         {n, 2 * n, 998.3e6, 999.7e6},
		"worth a fifth":             {n, n / 5, 995.5e6, 1000e6}, // n=2000: 1994 − …: bounded by what follows
		"too few for a bound above": {n, 3000, 0, math.Inf(1)},
		"failed calls rank last":    {n + 5, n + 5, 998.8e6, math.Inf(1)},
		"nothing":                   {0, 0, 0, math.Inf(1)},
	} {
		if name == "worth a fifth" || name == "too few for a bound above" {
			// The ranks of the effective size, stretched.
			l, u := QuantileRanks(int64(c.effective), 0.999, 0.95)
			c.low, c.high = math.Floor(float64(l)*n/c.effective)*1e5, math.Inf(1)
			if u <= int64(c.effective) {
				c.high = math.Ceil(float64(u)*n/c.effective) * 1e5
			}
		}
		got := QuantileInterval(h, c.planned, c.effective, 0.999, 0.95)
		if !near(got.Low, c.low) || !near(got.High, c.high) {
			t.Errorf("%s: %+v, want %v to %v", name, got, c.low, c.high)
		}
	}
}

func TestAcross(t *testing.T) {
	trials := func(ns ...int64) []Sample {
		var out []Sample
		for i, v := range ns {
			out = append(out, p99(i, 1000, v))
		}
		return out
	}
	for name, c := range map[string]struct {
		in   []Sample
		want Interval
		ok   bool
	}{
		"six trials: the range":      {trials(3, 1, 2, 6, 5, 4), Interval{1, 6}, true},
		"five give none":             {trials(1, 2, 3, 4, 5), Interval{}, false},
		"nine leave out the extreme": {trials(9, 8, 7, 6, 5, 4, 3, 2, 1), Interval{2, 8}, true},
		"a null trial ranks last":    {trials(3, 1, 2, 0, 5, 4), Interval{1, math.Inf(1)}, true},
		"too few calls":              {append(trials(1, 2, 3), p99(3, 5, 1), p99(4, 5, 1), p99(5, 5, 1)), Interval{}, false},
	} {
		if got, ok := Across(c.in, P99, Level); got != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v; want %v, %v", name, got, ok, c.want, c.ok)
		}
	}
}

// Of 2,000 simulated trials of independent calls, as many intervals hold the
// true quantile as theory says, exactly.
func TestCoverageOfIndependentCalls(t *testing.T) {
	withoutRace(t)
	const trials = 2000
	for _, c := range []struct {
		n int64
		q float64
	}{{500, 0.5}, {2000, 0.9}, {4000, 0.99}, {8000, 0.999}} {
		rng := rand.New(rand.NewPCG(uint64(c.n), 1))
		l, u := QuantileRanks(c.n, c.q, Level)
		held := 0
		for range trials {
			// Whether the interval between two ranks holds the quantile is decided
			// by how many calls are below it.
			below := int64(0)
			for range c.n {
				if rng.Float64() < c.q {
					below++
				}
			}
			if l <= below && below < u {
				held++
			}
		}
		want := Coverage(c.n, c.q, Level)
		got, sigma := float64(held)/trials, math.Sqrt(want*(1-want)/trials)
		if want < Level || math.Abs(got-want) > 3*sigma {
			t.Errorf("n=%d, q=%v: covers %.4f, exactly %.4f ± %.4f", c.n, c.q, got, want, 3*sigma)
		}
	}
}

// Where the interval is narrower than a bucket of the histogram, it is all of the
// bucket: nobody knows where in it the quantile lies.
func TestCoverageWithinABucket(t *testing.T) {
	const trials, n = 400, 20_000
	rng := rand.New(rand.NewPCG(5, 1))
	for _, q := range []float64{0.5, 0.9} {
		truth := 2e6 * math.Exp(0.01*normalQuantile(q))
		held := 0
		for range trials {
			h := result.NewHistogram()
			for range n {
				h.Record(int64(2e6 * math.Exp(0.01*rng.NormFloat64())))
			}
			i := QuantileInterval(h, n, n, q, Level)
			if i.Contains(truth) {
				held++
			}
			if i.High/i.Low > 1.005 {
				t.Fatalf("q=%v: %v", q, i)
			}
		}
		if got := float64(held) / trials; got < Level-3*math.Sqrt(Level*(1-Level)/trials) {
			t.Errorf("q=%v: covers %.4f", q, got)
		}
	}
}
