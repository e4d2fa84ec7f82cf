package run

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// beyondDoubt is how many times stricter than its interval a difference must be shown
// for a run to end early with it.
const beyondDoubt = 4

// another says whether the run goes on with that block, counted from 0. With
// `trials: auto` that is until every interval is narrow enough.
//
// Blocks that happen to agree make an interval narrow and keep it from zero at once.
// Of runs without a difference that looked after each block, and ended with the
// first narrow interval, up to 7 % would show one. (Chow and Robbins 1965 have 95 %
// in the limit only.) So a run ends early with a difference only where it is shown
// at 1/4 of the interval's level, too; else it goes on, until the difference is
// beyond doubt, gone, or there are max_trials. TestAutoTrialsFalseAlarms has what
// comes of it: less than 5 %.
func (r *runner) another(res *result.Result, block int) bool {
	plan := r.plan
	if plan.MaxTrials == 0 || block < plan.Trials {
		return block < plan.Trials
	}
	reach, known := precision(res)
	if known {
		res.Scenario.Reached = &reach
	}
	if block == plan.MaxTrials || known && reach <= plan.Precision && !doubtful(res) {
		return false
	}
	res.Scenario.Trials = block + 1
	return true
}

// doubtful says whether a difference to the baseline is shown that would not be
// at a stricter level.
func doubtful(res *result.Result) bool {
	for _, t := range tables(res) {
		samples, control := t.samples(res)
		if control < 0 {
			continue
		}
		for _, m := range []stats.Metric{stats.ResponseAt(stats.P99), stats.InSLO()} {
			for i, c := range stats.Against(samples, control, m) {
				if c == nil || !c.Shown() {
					continue
				}
				if strict, ok := stats.Compare(samples[i], samples[control], m, beyondDoubt*c.Family); !ok || !strict.Shown() {
					return true
				}
			}
		}
	}
	return false
}

// precision is how far the widest interval reaches from what it is around, as
// a share; known is false while one cannot be told. Of each load entry that is
// the interval of p99 against the baseline, or, where a p99 falls on failed
// calls, that of the share in SLO; of a variant that is compared with nothing,
// the interval of its own p99.
func precision(res *result.Result) (reach float64, known bool) {
	known = true
	add := func(v float64, ok bool) {
		reach, known = max(reach, v), known && ok && !math.IsInf(v, 0)
	}
	for _, t := range tables(res) {
		samples, control := t.samples(res)
		if control < 0 || len(samples) < 2 {
			for _, s := range samples {
				add(ownReach(s))
			}
			continue
		}
		p99 := stats.Against(samples, control, stats.ResponseAt(stats.P99))
		slo := stats.Against(samples, control, stats.InSLO())
		for i := range samples {
			switch {
			case i == control:
			case p99[i] != nil:
				add(p99[i].Detectable()-1, true)
			case slo[i] != nil:
				add(slo[i].Detectable(), true)
			default:
				add(0, false)
			}
		}
	}
	return reach, known
}

// ownReach is how far the interval of a variant's own p99 reaches from it. One
// that is failed or n/a has none: nothing more is to be learned of it.
func ownReach(samples []stats.Sample) (float64, bool) {
	l := stats.Response(samples, stats.P99)
	if !l.Known() {
		return 0, true
	}
	i, ok := stats.Across(samples, stats.P99, stats.Level)
	return max(i.High/l.NS-1, 1-i.Low/l.NS), ok
}

// comparedTable is the variants of one load entry that share every condition.
type comparedTable struct {
	entry    string
	variants []*result.Variant
}

// samples is those of each variant, and which of them is the baseline's; −1 where
// none is.
func (t *comparedTable) samples(res *result.Result) (samples [][]stats.Sample, control int) {
	control = -1
	for i, v := range t.variants {
		samples = append(samples, stats.Samples(v, t.entry))
		if isBaseline(res, v) {
			control = i
		}
	}
	return samples, control
}

// tables groups as reports do.
func tables(res *result.Result) []comparedTable {
	var out []comparedTable
	at := map[[2]string]int{}
	for i := range res.Variants {
		v := &res.Variants[i]
		conditions := ""
		for _, d := range res.Scenario.Dimensions {
			if d.Baseline == "" {
				conditions += d.Name + "=" + v.Settings[d.Name] + "\n"
			}
		}
		for _, l := range v.Loads {
			key := [2]string{l.Name, conditions}
			place, seen := at[key]
			if !seen {
				place = len(out)
				at[key] = place
				out = append(out, comparedTable{entry: l.Name})
			}
			out[place].variants = append(out[place].variants, v)
		}
	}
	return out
}

// isBaseline says whether others in its table are compared with v.
func isBaseline(res *result.Result, v *result.Variant) bool {
	compared := false
	for _, d := range res.Scenario.Dimensions {
		if d.Baseline == "" {
			continue
		}
		compared = true
		if v.Settings[d.Name] != d.Baseline {
			return false
		}
	}
	return compared
}
