package stats

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Scale is how two values of a metric are compared.
type Scale int

// The scales. Latencies are compared as ratios, through their logarithms: what
// doubles one and what halves it are the same distance. Shares are compared as
// differences, because 0.1 % against 0.2 % of calls is no factor of two to act
// on.
const (
	Ratio  Scale = iota // variant ÷ baseline; 1 is no difference
	Points              // variant − baseline, as shares; 0 is no difference
)

// Metric is a figure of a trial that is compared from block to block.
type Metric struct {
	// Name is as a document would write it: p99, in_slo.
	Name  string
	Scale Scale
	// of reads the figure. counts is false for a trial that has no say, known
	// is false for one that stands against any comparison.
	of func(Sample) (v float64, counts, known bool)
}

// ResponseAt is quantile q of response. A trial with too few planned calls to
// show it has no say; one in which it lands on a call that failed is not
// known: its variant is not compared.
func ResponseAt(q Quantile) Metric {
	return Metric{Name: q.String(), Scale: Ratio, of: func(s Sample) (float64, bool, bool) {
		if s.Series.Planned < MinSamples(float64(q)) {
			return 0, false, true
		}
		ns := q.Of(s.Series.Latency[result.Response])
		if ns == nil || *ns <= 0 { // 0 has no logarithm
			return 0, true, false
		}
		return float64(*ns), true, true
	}}
}

// InSLO is the share of planned calls that ended well in time.
func InSLO() Metric {
	return Metric{Name: "in_slo", Scale: Points, of: func(s Sample) (float64, bool, bool) { return s.Series.InSLO, true, true }}
}

// Failed is the share of planned calls that did not end OK.
func Failed() Metric {
	return Metric{Name: "failed", Scale: Points, of: func(s Sample) (float64, bool, bool) {
		return float64(s.Series.Failed()) / float64(s.Series.Planned), true, true
	}}
}

// scaled is v where differences are taken: the logarithm of what is compared
// as a ratio.
func (s Scale) scaled(v float64) float64 {
	if s == Ratio {
		return math.Log(v)
	}
	return v
}

// unscaled is the inverse, of a difference too.
func (s Scale) unscaled(v float64) float64 {
	if s == Ratio {
		return math.Exp(v)
	}
	return v
}

// perBlock is the scaled figure by block; ok is false where a trial stands
// against any comparison.
func (m Metric) perBlock(samples []Sample) (values map[int]float64, ok bool) {
	values = map[int]float64{}
	for _, s := range samples {
		v, counts, known := m.of(s)
		if !known {
			return nil, false
		}
		if counts {
			values[s.Block] = m.Scale.scaled(v)
		}
	}
	return values, true
}
