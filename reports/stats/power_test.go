package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What a plan could show is found in 9 of 10 experiments of that noise.
func TestCouldShow(t *testing.T) {
	withoutRace(t)
	for _, c := range []struct{ k, m int }{{6, 1}, {7, 3}, {10, 15}, {20, 3}} {
		ratio := CouldShow(c.k, c.m, 0.03)
		rng := rand.New(rand.NewPCG(uint64(c.k), 77))
		const experiments = 1000
		found := 0
		for range experiments {
			factors := same(c.m + 1)
			factors[1] = ratio
			if Against(experiment(rng, c.k, 0.03, factors...), 0, ResponseAt(P99))[1].More() {
				found++
			}
		}
		if got := float64(found) / experiments; math.Abs(got-0.9) > 0.04 {
			t.Errorf("%d trials of %d comparisons: ×%.3f is found in %.3f", c.k, c.m, ratio, got)
		}
	}
	if CouldShow(6, 1, 0.03) != CouldShow(6, 1, 0.03) || CouldShow(6, 1, 0.06) <= CouldShow(6, 1, 0.03) || CouldShow(30, 1, 0.03) >= CouldShow(6, 1, 0.03) {
		t.Error("more noise shows more, or more trials less")
	}
	if !math.IsInf(CouldShow(5, 1, 0.03), 1) {
		t.Error("five trials show something")
	}
}

// The default trials find what they are meant to in at least 90 % of runs, for
// any number of comparisons; and one fewer would not, or show nothing at all.
func TestDefaultTrials(t *testing.T) {
	withoutRace(t)
	power := func(k, m int) float64 {
		c := SignedRankC(k, FamilyLevel(m))
		if c == 0 {
			return 0
		}
		rng := rand.New(rand.NewPCG(uint64(k), uint64(c)))
		sigma := math.Sqrt(2 * math.Log1p(0.03*0.03))
		const runs = 5000
		found := 0
		d := make([]float64, k)
		for range runs {
			for j := range d {
				d[j] = math.Log(1.10) + sigma*rng.NormFloat64()
			}
			if walshAverages(d)[c-1] > 0 {
				found++
			}
		}
		return float64(found) / runs
	}
	type run struct{ k, c int }
	least := map[run]float64{} // of the same kind, one is as good as the other
	at := func(k, m int) float64 {
		r := run{k, SignedRankC(k, FamilyLevel(m))}
		if _, known := least[r]; !known {
			least[r] = power(k, m)
		}
		return least[r]
	}
	for m := 1; m <= 63; m++ {
		k := DefaultTrials(m)
		if got := at(k, m); got < 0.90 {
			t.Errorf("%d comparisons, %d trials: +10 %% is found in %.3f", m, k, got)
		}
		if got := at(k-1, m); got >= 0.90 {
			t.Errorf("%d comparisons: %d trials are one too many, %.3f", m, k, got)
		}
	}
	for m, want := range map[int]int{0: 1, 1: 6, 3: 7, 6: 8, 7: 10, 15: 11, 63: 13} {
		if got := DefaultTrials(m); got != want {
			t.Errorf("%d comparisons get %d trials, want %d", m, got, want)
		}
	}
}
