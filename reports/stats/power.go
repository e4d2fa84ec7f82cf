package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// CouldShow is the ratio that k trials of m comparisons show in 9 of 10 runs,
// where a figure's trials vary by that coefficient of variation: the 90 %
// quantile of how far the interval of a comparison without a difference reaches
// below it, over simulated runs of normal logarithms. The draws are always the
// same. +Inf where so few trials can show nothing.
func CouldShow(k, m int, cv float64) float64 {
	c := SignedRankC(k, FamilyLevel(m))
	if c == 0 {
		return math.Inf(1)
	}
	// As many runs as take well below a second, for any k.
	runs := max(200, min(4000, 400_000/(k*k)))
	rng := rand.New(rand.NewPCG(uint64(k), uint64(m)))
	sigma := math.Sqrt(2 * math.Log1p(cv*cv)) // of a difference of two trials
	reach := make([]float64, runs)
	d := make([]float64, k)
	for i := range reach {
		for j := range d {
			d[j] = sigma * rng.NormFloat64()
		}
		reach[i] = -walshAverages(d)[c-1]
	}
	slices.Sort(reach)
	return math.Exp(reach[runs*9/10])
}
