package stats

import (
	"math"
	"slices"
)

// walshAverages is the k(k+1)/2 averages (dᵢ + dⱼ)/2, i ≤ j, ascending.
func walshAverages(d []float64) []float64 {
	walsh := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i := range d {
		for _, e := range d[i:] {
			walsh = append(walsh, d[i]/2+e/2)
		}
	}
	slices.Sort(walsh)
	return walsh
}

// signedRankChances is P(W = w), w = 0 … k(k+1)/2, of the signed-rank statistic
// of k differences without a true one: each of the ranks 1 … k counts with
// chance 1/2 (Wilcoxon 1945). Exact but for the rounding of float64.
func signedRankChances(k int) []float64 {
	chance := make([]float64, k*(k+1)/2+1)
	chance[0] = 1
	top := 0
	for rank := 1; rank <= k; rank++ {
		top += rank
		for w := top; w >= 0; w-- {
			chance[w] /= 2
			if w >= rank {
				chance[w] += chance[w-rank] / 2
			}
		}
	}
	return chance
}

// SignedRankC is the C for which the C-th smallest and the C-th largest Walsh
// average of k differences enclose the true one with at least that confidence:
// the largest with P(W ≤ C−1) ≤ (1−level)/2. It is 0 where k differences
// cannot give that confidence at all. At 95 %: 6→1, 8→4, 10→9, 12→14, 15→26,
// 20→53.
func SignedRankC(k int, level float64) int {
	if k < 1 {
		return 0
	}
	// A hair of slack for limits that are hit exactly, as 0.05 is not a float.
	limit := (1 - level) / 2 * (1 + 1e-9)
	sum := 0.0
	for c, p := range signedRankChances(k) {
		sum += p
		if sum > limit {
			return c
		}
	}
	return 0
}

// SignedRank is the Hodges–Lehmann estimate of the differences and the exact
// interval that belongs to it. Without enough differences for the level the
// interval is infinite.
func SignedRank(d []float64, level float64) (estimate float64, i Interval) {
	walsh := walshAverages(d)
	estimate, i = middle(walsh), Interval{Low: math.Inf(-1), High: math.Inf(1)}
	if c := SignedRankC(len(d), level); c > 0 {
		i = Interval{Low: walsh[c-1], High: walsh[len(walsh)-c]}
	}
	return estimate, i
}

// FamilyLevel is the level of each of m intervals that hold together at Level
// (Bonferroni): 1 − 0.05/m.
func FamilyLevel(m int) float64 { return 1 - (1-Level)/float64(max(1, m)) }

// TrialsNeeded is the fewest trials with which m simultaneous comparisons can
// show anything: k = ⌈1 + log₂(m/0.05)⌉, below which SignedRankC is 0. 1 → 6,
// 3 → 7, 15 → 10.
func TrialsNeeded(m int) int {
	if m < 1 {
		return 1
	}
	return int(math.Ceil(1 + math.Log2(float64(m)/(1-Level)) - 1e-9))
}

// What a run is meant to find unless its scenario says otherwise: a figure a
// tenth higher, where trials vary by 3 %, in 9 of 10 runs.
const (
	defaultDifference = 1.10
	defaultVariation  = 0.03
	defaultPower      = 0.90
)

// DefaultTrials is how many trials m simultaneous comparisons get where a
// scenario does not say: TrialsNeeded, or one more. With the fewest, all
// differences must have one sign, which k normal ones of mean ln 1.10 and
// standard deviation σ = √(2·ln(1 + 0.03²)) have with chance Φ(ln 1.10 ÷ σ)^k =
// 0.988^k: less than 90 % from 9 trials on. One more lets the odd one differ.
func DefaultTrials(m int) int {
	k := TrialsNeeded(m)
	sigma := math.Sqrt(2 * math.Log1p(defaultVariation*defaultVariation))
	oneSign := 0.5 * math.Erfc(-math.Log(defaultDifference)/sigma/math.Sqrt2)
	if math.Pow(oneSign, float64(k)) < defaultPower {
		k++
	}
	return k
}
