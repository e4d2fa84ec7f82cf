package stats

import "math"

// Hull is an interval of a variant's quantile of response from fewer trials than
// Across takes: from the lowest to the highest bound of the trials' own intervals
// (see Within). As it holds each of them, it covers the quantile with their level
// at least; how trials differ beyond what their calls explain widens it. ok is
// false where a trial has no interval, or the quantile itself is not known: see
// Response.
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
