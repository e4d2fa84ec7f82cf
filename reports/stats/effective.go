package stats

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
)

const (
	// fewestBatches is the fewest stretches of time from which anything can be
	// said of how calls depend on each other.
	fewestBatches = 8
	// mostBatches: beyond it, neighbouring ones are joined, so that what lasts
	// for longer than one falls into one.
	mostBatches = 30
	// dependence is the significance at which calls count as dependent. It is
	// large, because to take dependent calls for independent ones is the worse
	// mistake.
	dependence = 0.25
)

// Batch is the calls of one stretch of a trial, and how many of them were
// slower than some threshold, or failed.
type Batch struct{ Calls, Over float64 }

// EffectiveSize is how many independent calls the trial's planned ones are
// worth where quantile q of response is estimated: calls that meet the same
// queue are slow together, and tell less than as many apart.
//
// The calls are batched by second, each a cluster; with p the share of calls
// over the quantile, the design effect D is the variance of p between clusters
// over the binomial p(1−p)/n (Kish 1965), and the effective size n/D, reduced
// for the few batches that D comes from by (z/t)² of Student's t with as many
// degrees of freedom less one (Korn and Graubard 1998). Where batches differ no
// more than independent calls would (χ² test at 25 %), it is n.
//
// known is false where nothing can be said of how calls depend on each other, and
// n is the planned ones: with fewer than 8 whole seconds, without the seconds'
// spreads, or where all calls lie within a class of them.
func EffectiveSize(t *result.Trial, s *result.Series, q float64) (n float64, known bool) {
	h, err := s.Latency[result.Response].Histogram()
	if err != nil {
		return float64(s.Planned), false
	}
	return effectiveSize(t, s, h, q)
}

// effectiveSize is EffectiveSize with the series' responses.
func effectiveSize(t *result.Trial, s *result.Series, h *result.Histogram, q float64) (n float64, known bool) {
	at := h.Quantiles(s.Planned, q)[0]
	if at == nil { // it lands on failed calls: they are over it, all others are not
		return effective(float64(s.Planned), joined(batches(t, s.Name, math.MaxInt)))
	}
	nearest := result.SpreadEdge(*at)
	for _, edge := range []int{nearest, nearest + 1, nearest - 1} {
		if n, known = effective(float64(s.Planned), joined(batches(t, s.Name, edge))); known {
			break
		}
	}
	return n, known
}

// effective reduces n by what the batches show.
func effective(n float64, batches []Batch) (float64, bool) {
	var calls, over float64
	for _, b := range batches {
		calls, over = calls+b.Calls, over+b.Over
	}
	if len(batches) < fewestBatches || over == 0 || over == calls {
		return n, false
	}
	k, p := float64(len(batches)), over/calls
	var squares float64
	for _, b := range batches {
		d := b.Over - p*b.Calls
		squares += d * d
	}
	design := k / (k - 1) * squares / (calls * p * (1 - p))
	if ChiSquareAbove((k-1)*design, k-1) > dependence {
		return n, true
	}
	const tail = 0.975
	fewer := normalQuantile(tail) / studentQuantile(tail, k-1)
	return max(1, min(n, n/design*fewer*fewer)), true
}

// batches counts, by whole second, the calls and those over an edge of the
// spread: the one that is nearest to the quantile stands for it, or where all
// calls are on one side of that, as those of a fixed time are, the next. It is
// nil where a second has no spread.
func batches(t *result.Trial, series string, edge int) []Batch {
	var out []Batch
	for _, interval := range t.Intervals {
		if interval.Second < 0 || int64(interval.Second+1)*1e9 > t.MeasuredNS {
			continue
		}
		for i := range interval.Series {
			second := &interval.Series[i]
			if second.Name != series {
				continue
			}
			if second.OK > 0 && second.Spread == nil {
				return nil
			}
			calls := second.OK + second.Failed + second.Dropped
			out = append(out, Batch{Calls: float64(calls), Over: float64(calls - second.Spread.AtMost(edge))})
		}
	}
	return out
}

// joined makes at most mostBatches of the batches, neighbours together.
func joined(all []Batch) []Batch {
	per := (len(all) + mostBatches - 1) / mostBatches
	if per <= 1 {
		return all
	}
	var out []Batch
	// The last ones that do not fill a batch join the one before.
	for n := len(all) / per; len(out) < n; {
		from, to := len(out)*per, (len(out)+1)*per
		if len(out) == n-1 {
			to = len(all)
		}
		var sum Batch
		for _, b := range all[from:to] {
			sum.Calls, sum.Over = sum.Calls+b.Calls, sum.Over+b.Over
		}
		out = append(out, sum)
	}
	return out
}

// Within is the interval of quantile q of response within one trial at Level,
// with its calls' dependence on each other allowed for. ok is false where the
// histogram cannot be read, no call was planned, or nothing is known of that
// dependence: see EffectiveSize.
func Within(t *result.Trial, s *result.Series, q Quantile) (i Interval, ok bool) {
	h, err := s.Latency[result.Response].Histogram()
	if err != nil || s.Planned == 0 {
		return Interval{}, false
	}
	n, known := effectiveSize(t, s, h, float64(q))
	if !known {
		return Interval{}, false
	}
	i = QuantileInterval(h, s.Planned, n, float64(q), Level)
	return i, !math.IsInf(i.Low, 1)
}
