package stats

import (
	"math"
	"slices"
)

// Hull is a range of a variant's quantile of response from fewer trials than
// Across takes: from the lowest to the highest bound of the trials' own intervals
// (see Within). It has no level of its own: it covers a quantile that is the same
// in all trials with theirs at least, but where trials differ by more than their
// calls explain, that of the median trial as seldom as the trials themselves
// enclose it, three of them in 75 %. ok is false where a trial has no interval, or
// the quantile itself is not known: see Response.
func Hull(samples []Sample, q Quantile) (hull Interval, ok bool) {
	if Response(samples, q).TooFew() {
		return Interval{}, false
	}
	hull = Interval{Low: math.Inf(1), High: math.Inf(-1)}
	for _, s := range samples {
		if s.Series.Planned < MinSamples(float64(q)) {
			continue
		}
		i, ok := Within(s.Trial, s.Series, q)
		if !ok {
			return Interval{}, false
		}
		hull.Low, hull.High = min(hull.Low, i.Low), max(hull.High, i.High)
	}
	return hull, true
}

// Extremes is the range of a variant's quantile of response from its lowest to its
// highest trial. ok is false for a single one, or where the quantile itself is not
// known: see Response.
func Extremes(samples []Sample, q Quantile) (extremes Interval, ok bool) {
	values := perTrial(samples, q)
	if Response(samples, q).TooFew() || len(values) < 2 {
		return Interval{}, false
	}
	return Interval{Low: slices.Min(values), High: slices.Max(values)}, true
}
