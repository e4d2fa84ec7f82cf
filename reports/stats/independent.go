package stats

import (
	"math"
	"slices"
)

// mostExact is the number of values of two samples together up to which their
// exact distribution is computed. Beyond, the normal one is as good.
const mostExact = 100

// MannWhitney is the two-sided p-value of the Mann–Whitney U test: the chance
// of samples at least as far apart when both come from one distribution. Equal
// values share their ranks. It is exact, ties included, up to 100 values, and
// the normal approximation with correction for ties and continuity beyond; 1
// where a sample is empty.
func MannWhitney(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	ranks, ties := doubledRanks(a, b)
	sum := 0
	for _, r := range ranks[:len(a)] {
		sum += r
	}
	if len(ranks) <= mostExact {
		return exactRankSum(ranks, len(a), sum)
	}
	n1, n2 := float64(len(a)), float64(len(b))
	n := n1 + n2
	u := float64(sum)/2 - n1*(n1+1)/2
	variance := n1 * n2 / 12 * (n + 1 - ties/(n*(n-1)))
	if variance == 0 {
		return 1
	}
	z := max(0, math.Abs(u-n1*n2/2)-0.5) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// doubledRanks is twice the rank of each value of a, then of b, among all:
// equal ones share theirs, and halves come out whole. ties is Σ(t³−t) over the
// groups of equal values.
func doubledRanks(a, b []float64) (ranks []int, ties float64) {
	all := slices.Concat(a, b)
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case all[i] < all[j]:
			return -1
		case all[i] > all[j]:
			return 1
		}
		return 0
	})
	ranks = make([]int, len(all))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && all[order[to]] == all[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = from + 1 + to
		}
		t := float64(to - from)
		ties += t*t*t - t
		from = to
	}
	return ranks, ties
}

// exactRankSum is the two-sided p-value of the sum of n of the ranks, when
// every choice of n is as likely.
func exactRankSum(ranks []int, n, sum int) float64 {
	most := 0
	for _, r := range ranks {
		most += r
	}
	// ways[k][s] is how many choices of k ranks add up to s.
	ways := make([][]float64, n+1)
	for k := range ways {
		ways[k] = make([]float64, most+1)
	}
	ways[0][0] = 1
	so := 0 // the sum of the ranks so far: no choice of them adds up to more
	for i, r := range ranks {
		so += r
		for k := min(i+1, n); k >= 1; k-- {
			for s := so; s >= r; s-- {
				ways[k][s] += ways[k-1][s-r]
			}
		}
	}
	var below, above, all float64
	for s, w := range ways[n] {
		all += w
		if s <= sum {
			below += w
		}
		if s >= sum {
			above += w
		}
	}
	return min(1, 2*min(below, above)/all)
}

// mannWhitneyC is the C for which the C-th smallest and largest of the n1·n2
// differences between two samples enclose the shift between them with at least
// that confidence: the largest with P(U ≤ C−1) ≤ (1−level)/2; 0 where the
// samples are too small for it.
func mannWhitneyC(n1, n2 int, level float64) int {
	limit := (1 - level) / 2 * (1 + 1e-9)
	if n1+n2 > mostExact {
		mean := float64(n1) * float64(n2) / 2
		sigma := math.Sqrt(mean * float64(n1+n2+1) / 6)
		return max(0, int(math.Floor(mean+normalQuantile(limit)*sigma)))
	}
	// ways[k][u] is the number of orders of which the statistic is u, with k of
	// the first sample among the values so far: each value of the second one
	// stands above all of the first before it.
	ways := make([][]float64, n1+1)
	for k := range ways {
		ways[k] = make([]float64, n1*n2+1)
	}
	// With no value of the second sample there is one order for each k.
	for k := range ways {
		ways[k][0] = 1
	}
	for range n2 {
		// One more of the second sample: w(k, j) = w(k−1, j) + w(k, j−1) shifted by k.
		for k := range ways {
			for u := n1 * n2; u >= 0; u-- {
				w := 0.0
				if u >= k {
					w = ways[k][u-k]
				}
				if k > 0 {
					w += ways[k-1][u]
				}
				ways[k][u] = w
			}
		}
	}
	var all, sum float64
	for _, w := range ways[n1] {
		all += w
	}
	for c, w := range ways[n1] {
		sum += w
		if sum/all > limit {
			return c
		}
	}
	return 0
}

// CompareIndependent compares variants of two results, which share no blocks:
// the Hodges–Lehmann estimate of the shift between their trials, the exact
// interval that belongs to the Mann–Whitney test, at the level at which
// `family` comparisons hold together, and the p-value of that test. ok is false
// where they are not compared: a trial of either has a null figure, or none
// counts.
func CompareIndependent(variant, other []Sample, m Metric, family int) (c Comparison, p float64, ok bool) {
	a, ok1 := m.values(variant)
	b, ok2 := m.values(other)
	if !ok1 || !ok2 || len(a) == 0 || len(b) == 0 {
		return Comparison{}, 1, false
	}
	var d []float64
	for _, x := range a {
		for _, y := range b {
			d = append(d, x-y)
		}
	}
	slices.Sort(d)
	i := Interval{Low: math.Inf(-1), High: math.Inf(1)}
	if at := mannWhitneyC(len(a), len(b), FamilyLevel(family)); at > 0 {
		i = Interval{Low: d[at-1], High: d[len(d)-at]}
	}
	return Comparison{
		Scale: m.Scale, Family: family, Estimate: m.Scale.unscaled(middle(d)),
		Interval: Interval{Low: m.Scale.unscaled(i.Low), High: m.Scale.unscaled(i.High)},
	}, MannWhitney(a, b), true
}

// CompareResults compares variants of two results. sameDraws says that they have
// the same seed: then trials of the same block met the same arrivals, service times
// and faults, and are compared block by block as within one result, which is free
// of what the draws do to both. That takes as many blocks as it does there; with
// fewer, or without it, the trials are compared as independent ones.
func CompareResults(variant, other []Sample, m Metric, family int, sameDraws bool) (Comparison, bool) {
	if sameDraws {
		if c, ok := Compare(variant, other, m, family); ok && c.Blocks >= TrialsNeeded(family) {
			return c, true
		}
	}
	c, _, ok := CompareIndependent(variant, other, m, family)
	return c, ok
}

// values is the scaled figures of the trials that have a say.
func (m Metric) values(samples []Sample) (values []float64, ok bool) {
	for _, s := range samples {
		v, counts, known := m.of(s)
		if !known {
			return nil, false
		}
		if counts {
			values = append(values, m.Scale.scaled(v))
		}
	}
	return values, true
}
