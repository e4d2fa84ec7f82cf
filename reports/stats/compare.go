package stats

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Change is how a quantile differs from the baseline's.
type Change struct {
	// Ratio is variant ÷ baseline: e to the Hodges–Lehmann estimate of the
	// per-block differences ln(variant/baseline). A point estimate.
	Ratio float64
	// Blocks is how many blocks both were measured in.
	Blocks int
}

// Compare estimates how the variant's quantile q of response differs from the
// baseline's, block by block. ok is false where it is not compared: a trial of
// either has a null quantile, or no block holds both with enough samples.
func Compare(variant, baseline []Sample, q Quantile) (c Change, ok bool) {
	with, without := logs(variant, q), logs(baseline, q)
	if with == nil || without == nil {
		return Change{}, false
	}
	// In the order of the samples, so that the same result gives the same bits.
	var d []float64
	for _, s := range variant {
		x, here := with[s.Block]
		y, there := without[s.Block]
		if here && there {
			d = append(d, x-y)
		}
	}
	if len(d) == 0 {
		return Change{}, false
	}
	return Change{Ratio: math.Exp(HodgesLehmann(d)), Blocks: len(d)}, true
}

// logs is ln of the quantile by block, of the trials with enough samples; nil
// where one of them is null, or 0, which has no logarithm.
func logs(samples []Sample, q Quantile) map[int]float64 {
	out := map[int]float64{}
	for _, s := range samples {
		if s.Series.Planned < MinSamples(float64(q)) {
			continue
		}
		ns := q.Of(s.Series.Latency[result.Response])
		if ns == nil || *ns <= 0 {
			return nil
		}
		out[s.Block] = math.Log(float64(*ns))
	}
	return out
}
