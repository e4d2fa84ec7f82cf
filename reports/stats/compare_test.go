package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// experiment is the samples of some variants over blocks. Each trial's p99 is
// 10 ms, times what its block does to all, times noise of that coefficient of
// variation, times the variant's own factor.
func experiment(rng *rand.Rand, blocks int, cv float64, factors ...float64) [][]Sample {
	sigma := math.Sqrt(math.Log1p(cv * cv))
	out := make([][]Sample, len(factors))
	for block := range blocks {
		together := math.Exp(0.2 * rng.NormFloat64())
		for i, factor := range factors {
			s := p99(block, 1000, int64(1e7*together*factor*math.Exp(sigma*rng.NormFloat64())))
			s.Series.InSLO = 0.99 + 0.001*rng.NormFloat64()
			out[i] = append(out[i], s)
		}
	}
	return out
}

func same(n int) []float64 {
	factors := make([]float64, n)
	for i := range factors {
		factors[i] = 1
	}
	return factors
}

// A/A: of 1,000 experiments in which nothing differs, at most 5 % raise any
// alarm: a variant shown to differ from the baseline, or one shown to be the
// best of all.
func TestFalseAlarms(t *testing.T) {
	withoutRace(t)
	const experiments = 1000
	limit := 0.05 + 3*math.Sqrt(0.05*0.95/experiments)
	for _, n := range []int{2, 4, 16} {
		rng := rand.New(rand.NewPCG(uint64(n), 99))
		for name, m := range map[string]Metric{"p99": ResponseAt(P99), "in SLO": InSLO()} {
			alarms := 0
			for range experiments {
				variants := experiment(rng, DefaultTrials(n-1), 0.03, same(n)...)
				if anyShown(Against(variants, 0, m)) || shownBest(variants, m) {
					alarms++
				}
			}
			if got := float64(alarms) / experiments; got > limit {
				t.Errorf("%d variants, %s: %.3f with a false alarm, at most %.3f", n, name, got, limit)
			}
		}
	}
}

func anyShown(comparisons []*Comparison) bool {
	for _, c := range comparisons {
		if c != nil && c.Shown() {
			return true
		}
	}
	return false
}

// shownBest says whether the variant with the lowest p99 (or, in SLO, the
// first) was shown to differ from all others.
func shownBest(variants [][]Sample, m Metric) bool {
	best := 0
	for i := range variants {
		if m.Scale == Ratio && Response(variants[i], P99).NS < Response(variants[best], P99).NS {
			best = i
		}
	}
	for i, c := range Against(variants, best, m) {
		if i != best && (c == nil || !c.Shown()) {
			return false
		}
	}
	return true
}

// +10 % at a coefficient of variation of 3 %, with the default trials.
func TestRealDifferencesAreFound(t *testing.T) {
	withoutRace(t)
	const experiments = 1000
	for _, n := range []int{2, 16} {
		rng := rand.New(rand.NewPCG(uint64(n), 3))
		factors := same(n)
		factors[n-1] = 1.10
		found, closest := 0, 0.0
		for range experiments {
			c := Against(experiment(rng, DefaultTrials(n-1), 0.03, factors...), 0, ResponseAt(P99))[n-1]
			if c.More() {
				found++
			}
			closest += math.Log(c.Estimate) / experiments
		}
		if got := float64(found) / experiments; got < 0.90 {
			t.Errorf("%d variants: found in %.3f, at least 0.90", n, got)
		}
		if math.Abs(math.Exp(closest)-1.10) > 0.005 {
			t.Errorf("%d variants: the estimates are around %.3f", n, math.Exp(closest))
		}
	}
}

// What a run says it could have shown, it would have: moved so far that far,
// an interval that held no difference does not any more.
func TestDetectable(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 300 {
		variants := experiment(rng, 7, 0.05, 1, 1)
		for _, m := range []Metric{ResponseAt(P99), InSLO()} {
			c := Against(variants, 0, m)[1]
			least := c.Detectable()
			for _, sign := range []float64{1, -1} {
				moved := *c
				if c.Scale == Ratio {
					by := math.Pow(least*1.0001, sign) / c.Estimate
					moved.Interval = Interval{c.Interval.Low * by, c.Interval.High * by}
				} else {
					by := sign*least*1.0001 - c.Estimate
					moved.Interval = Interval{c.Interval.Low + by, c.Interval.High + by}
				}
				if !moved.Shown() {
					t.Fatalf("%+v could not have shown %v", c, least)
				}
			}
		}
	}
	// Too few blocks: nothing could have been shown.
	if c := Against(experiment(rng, 5, 0.001, 1, 2), 0, ResponseAt(P99))[1]; c.Shown() || c.Possible() || !math.IsInf(c.Detectable(), 1) {
		t.Errorf("five blocks: %+v", c)
	}
}

func TestComparisonWords(t *testing.T) {
	c := Comparison{Scale: Ratio, Estimate: 2, Interval: Interval{1.6, 2.5}, Family: 1}
	if !c.More() || c.Less() || !c.Reverse().Less() || c.Reverse().Estimate != 0.5 || c.Reverse().Interval != (Interval{0.4, 0.625}) {
		t.Errorf("%+v, reversed %+v", c, c.Reverse())
	}
	d := Comparison{Scale: Points, Estimate: -0.02, Interval: Interval{-0.03, -0.01}, Family: 1}
	if !d.Less() || !d.Reverse().More() || d.Reverse().Interval != (Interval{0.01, 0.03}) {
		t.Errorf("%+v, reversed %+v", d, d.Reverse())
	}
	touching := Comparison{Scale: Points, Interval: Interval{0, 0.1}, Family: 1}
	if touching.Shown() {
		t.Error("an interval that ends in zero contains it")
	}
}

func TestAgainst(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	variants := experiment(rng, 8, 0.01, 1, 0.5, 1)
	variants[2][3].Series.Planned, variants[2][3].Series.Latency = 1000, nil // a null p99
	got := Against(variants, 0, ResponseAt(P99))
	if got[0] != nil || got[2] != nil || got[1] == nil || !got[1].Less() || got[1].Family != 2 || got[1].Blocks != 8 {
		t.Errorf("%+v", got)
	}
	if s := Against(variants, 0, InSLO()); s[2] == nil || s[2].Scale != Points {
		t.Errorf("in SLO is not compared: %+v", s)
	}
	for q, want := range map[Quantile]string{P50: "p50", P999: "p99.9"} {
		if got := ResponseAt(q).Name; got != want {
			t.Errorf("%v is named %q", float64(q), got)
		}
	}
}

func TestFailedShare(t *testing.T) {
	var a, b []Sample
	for block := range 6 {
		for share, to := range map[int64]*[]Sample{3: &a, 10: &b} {
			s := p99(block, 1000, 0)
			s.Series.Codes = map[string]int64{"OK": 1000 - share}
			*to = append(*to, s)
		}
	}
	c, ok := Compare(b, a, Failed(), 1)
	if !ok || !c.More() || math.Abs(c.Estimate-0.007) > 1e-12 {
		t.Errorf("%+v, %v", c, ok)
	}
}
