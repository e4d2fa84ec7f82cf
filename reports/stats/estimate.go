// Package stats holds the estimates that reports show: of a variant over its
// trials, and of one variant against another over their blocks. All of it is
// pure. The trial is the unit of replication; calls of different trials are
// never pooled.
package stats

import (
	"math"
	"slices"
)

// Median is the middle value, or the mean of the two middle ones; NaN of none.
// −Inf ranks first and +Inf last, so a median can be either; it is NaN where
// they are the two middle ones. values is left as it is.
func Median(values []float64) float64 {
	return middle(slices.Sorted(slices.Values(values)))
}

// middle is the median of values that are sorted.
func middle(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	if n%2 == 1 {
		return sorted[n/2]
	}
	low, high := sorted[n/2-1], sorted[n/2]
	switch {
	case low == high:
		return low // also keeps Inf, Inf from becoming NaN
	case math.IsInf(low, 0):
		return low + high // from −Inf no half of the way leads on
	}
	return low + (high-low)/2
}

// Mean is the arithmetic mean; NaN of none.
func Mean(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// HodgesLehmann is the median of the k(k+1)/2 Walsh averages (dᵢ + dⱼ)/2,
// i ≤ j (Hodges and Lehmann 1963): the estimate of location that belongs to
// the signed-rank test. NaN of none.
func HodgesLehmann(d []float64) float64 { return middle(walshAverages(d)) }

// MinSamples is the fewest samples from which quantile q can be shown: the
// smallest n that is not < ln 0.025 / ln q. Below it not even the maximum
// bounds the quantile from above with 97.5 % confidence. 368 for q = 0.99,
// 3,688 for 0.999. q must lie between 0 and 1.
func MinSamples(q float64) int64 {
	return int64(math.Ceil(math.Log(0.025) / math.Log(q)))
}
