package stats

import (
	"math"
	"slices"
)

// Trend is whether values grow or shrink over their order: the two-sided
// p-value of the Mann–Kendall test (Mann 1945), exact for up to 100 values
// without ties, and the Theil–Sen slope, the median of the slopes between any
// two of them (Sen 1968), per step. Both go by order alone: a few wild values
// move neither. With fewer than 3 values the p-value is 1.
func Trend(values []float64) (slope, p float64) {
	n := len(values)
	if n < 3 {
		return 0, 1
	}
	s := 0
	var slopes []float64
	for i := range values {
		for j := i + 1; j < n; j++ {
			switch {
			case values[j] > values[i]:
				s++
			case values[j] < values[i]:
				s--
			}
			slopes = append(slopes, (values[j]-values[i])/float64(j-i))
		}
	}
	slices.Sort(slopes)
	slope = middle(slopes)
	if s == 0 {
		return slope, 1
	}
	if n > mostExact {
		v := float64(n) * float64(n-1) * float64(2*n+5) / 18
		return slope, math.Erfc((math.Abs(float64(s)) - 1) / math.Sqrt(2*v))
	}
	// An order with d pairs out of order has S = pairs − 2d: as extreme are those
	// with at most d of them, and as many at the other end.
	pairs := n * (n - 1) / 2
	if s < 0 {
		s = -s
	}
	d := (pairs - s) / 2
	sum := 0.0
	for _, c := range inversions(n)[:d+1] {
		sum += c
	}
	return slope, min(1, 2*sum)
}

// DependentTrend is Trend of values of which neighbours may be alike: the
// normal score of its p-value is reduced by √((1+r)/(1−r)), by which a
// correlation r of neighbours inflates the test's variance (Hamed and Rao 1998,
// for a first-order autoregression). r is that of the values less their trend,
// corrected for its bias of about −(1+3r)/n, with half its standard error
// √((1−r²)/n) on top, because it is too small as often as too large, and at
// least 0.
func DependentTrend(values []float64) (slope, p float64) {
	slope, p = Trend(values)
	n := float64(len(values))
	if p >= 1 || n < 4 {
		return slope, p
	}
	rest := make([]float64, len(values))
	for i, v := range values {
		rest[i] = v - slope*float64(i)
	}
	mean := Mean(rest)
	var products, squares float64
	for i, v := range rest {
		squares += (v - mean) * (v - mean)
		if i > 0 {
			products += (v - mean) * (rest[i-1] - mean)
		}
	}
	if squares == 0 {
		return slope, p
	}
	r := products / squares
	r = min(0.95, max(0, (n*r+1)/(n-3)))
	r = min(0.95, r+0.5*math.Sqrt((1-r*r)/n))
	z := math.Sqrt2 * math.Erfcinv(p) * math.Sqrt((1-r)/(1+r))
	return slope, math.Erfc(z / math.Sqrt2)
}

// inversions is P(d pairs are out of order) of n values in random order
// (Knuth, The Art of Computer Programming 3, 5.1.1).
func inversions(n int) []float64 {
	chance := []float64{1}
	for k := 2; k <= n; k++ {
		// The k-th value goes before 0 … k−1 of those that are there.
		next := make([]float64, len(chance)+k-1)
		window := 0.0
		for d := range next {
			if d < len(chance) {
				window += chance[d]
			}
			if d >= k {
				window -= chance[d-k]
			}
			next[d] = max(0, window) / float64(k)
		}
		chance = next
	}
	return chance
}
