package stats

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Level is the confidence of intervals that stand alone, and of families of
// them that hold together.
const Level = 0.95

// Interval is what a true value lies in, with the confidence that its maker
// names. A bound that the samples cannot give is infinite.
type Interval struct{ Low, High float64 }

// Contains says whether the interval holds v, its bounds included.
func (i Interval) Contains(v float64) bool { return i.Low <= v && v <= i.High }

// Finite says whether both bounds are known.
func (i Interval) Finite() bool { return !math.IsInf(i.Low, 0) && !math.IsInf(i.High, 0) }

// QuantileRanks is the ranks, from 1, between which quantile q of n independent
// values lies with at least that confidence, whatever their distribution:
// exact order statistics (David and Nagaraja, Order Statistics, 7.1),
//
//	l = max{r: P(Bin(n,q) ≤ r−1) ≤ α/2}, u = min{r: P(Bin(n,q) ≤ r−1) ≥ 1−α/2}.
//
// l is 0 where n is too small for a lower bound, u is n+1 where it is for an
// upper one.
func QuantileRanks(n int64, q, level float64) (l, u int64) {
	alpha := 1 - level
	// The least r with P(Bin ≤ r−1) beyond a limit; n+1 where there is none.
	first := func(beyond func(float64) bool) int64 {
		low, high := int64(1), n+1
		for low < high {
			r := low + (high-low)/2
			if beyond(atMost(n, r-1, q)) {
				high = r
			} else {
				low = r + 1
			}
		}
		return low
	}
	l = first(func(p float64) bool { return p > alpha/2 }) - 1
	u = first(func(p float64) bool { return p >= 1-alpha/2 })
	return l, u
}

// atMost is binomialAtMost for a rank: at r−1 = n the search has run out of
// ranks, which is beyond every limit.
func atMost(n, k int64, q float64) float64 {
	if k >= n {
		return 2
	}
	return binomialAtMost(n, k, q)
}

// Coverage is the exact chance that the ranks of QuantileRanks enclose the
// quantile of a continuous distribution: P(l ≤ Bin(n,q) < u).
func Coverage(n int64, q, level float64) float64 {
	l, u := QuantileRanks(n, q, level)
	return binomialAtMost(n, u-1, q) - binomialAtMost(n, l-1, q)
}

// QuantileInterval is the interval of quantile q within one trial, in
// nanoseconds. h holds the OK calls, which rank before the others of the
// `planned` ones: a bound whose rank lands on a call that failed is +Inf, and
// so is one for which there are too few samples; a lower bound that there are
// too few samples for is 0.
//
// A bound is the outer edge of its bucket of the histogram: all of the bucket that it
// lies in is in the interval, which may be narrower than one.
//
// `effective` is how many independent calls the planned ones are worth (see
// EffectiveSize). The ranks of so many are stretched to the planned ones, as
// Woodruff (1952) does for clustered samples.
func QuantileInterval(h *result.Histogram, planned int64, effective, q, level float64) Interval {
	i := Interval{Low: 0, High: math.Inf(1)}
	n := int64(math.Floor(min(effective, float64(planned))))
	if n < 1 {
		return i
	}
	l, u := QuantileRanks(n, q, level)
	stretch := float64(planned) / float64(n)
	if l >= 1 {
		i.Low = orInf(h.LowAtRanks(max(1, int64(math.Floor(float64(l)*stretch))))[0])
	}
	if u <= n {
		i.High = orInf(h.AtRanks(min(planned, int64(math.Ceil(float64(u)*stretch))))[0])
	}
	return i
}

// Across is the interval of a variant's quantile over its trials: order
// statistics of the trials' quantiles around their median, which holds whatever
// their distribution, and for null ones (+Inf) too. ok is false below 6 trials
// at Level, or where the quantile itself is not known: see Response.
func Across(samples []Sample, q Quantile, level float64) (i Interval, ok bool) {
	values := perTrial(samples, q)
	if 2*len(values) <= len(samples) {
		return Interval{}, false
	}
	n := int64(len(values))
	l, u := QuantileRanks(n, 0.5, level)
	if l < 1 || u > n {
		return Interval{}, false
	}
	return Interval{Low: values[l-1], High: values[u-1]}, true
}
