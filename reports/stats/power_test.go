package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What a plan could show is found in 9 of 10 experiments of that noise.
func TestCouldShow(t *testing.T) {
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
