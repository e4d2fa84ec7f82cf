package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/capacity"
)

// probe is one rate of one variant being measured and judged.
type probe struct {
	*capacityRun
	base    *scenario.Variant
	variant scenario.Variant // at the rate
	out     result.CapacityProbe
	trials  []result.Trial // that count
}

func (c *capacityRun) probe(v *scenario.Variant, rate float64) *probe {
	return &probe{capacityRun: c, base: v, variant: v.AtRate(c.Load, c.plan.Measure, rate), out: result.CapacityProbe{RatePerS: rate}}
}

// judge makes n trials and judges them together. A single one has the draws of
// block 0, so that the rates of a search meet the same arrivals, scaled; several
// have those of blocks 1 and on, which no search was guided by. So have those of
// every variant.
func (p *probe) judge(ctx context.Context, n int) (capacity.Verdict, error) {
	first := 1
	if n == 1 {
		first = 0
	}
	for block := first; block < first+n; block++ {
		limit, err := p.measure(ctx, block)
		if err != nil {
			return capacity.Unfit, err
		}
		switch p.out.Limit = limit; limit {
		case "":
		case result.LimitInFlight:
			return capacity.Missed, nil
		case result.LimitTooFew:
			return capacity.TooFew, nil
		default:
			return capacity.Unfit, nil
		}
	}
	met, err := p.meets(p.trials)
	if err != nil {
		return capacity.Unfit, err
	}
	p.out.Gates = met.gates
	switch p.out.Limit, p.out.Detail = met.limit, met.detail; met.limit {
	case "":
		return capacity.Met, nil
	case result.LimitTooFew:
		return capacity.TooFew, nil
	}
	return capacity.Missed, nil
}

// measure makes a trial that counts. One in which the generator was at its limit,
// or that is INVALID, may have met a moment in which the machine was busy: it is
// made again, and what it says is believed the last time only.
func (p *probe) measure(ctx context.Context, block int) (result.CapacityLimit, error) {
	for try := 1; ; try++ {
		t, err := p.runner.trial(ctx, block, &p.variant)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil:
			return "", err
		}
		limit, detail := unfit(t)
		if limit == "" {
			alone, err := p.meets([]result.Trial{*t})
			if err != nil {
				return "", err
			}
			if alone.limit != "" {
				limit, detail = strained(t, alone.gates, p.slo)
			}
		}
		switch {
		case limit == "":
			p.trials = append(p.trials, *t)
			p.out.Trials++
			return "", nil
		case limit == result.LimitInFlight || limit == result.LimitTooFew || try == capacityTries:
			p.out.Detail = detail
			return limit, nil
		}
		p.out.Again++
	}
}

// ofGenerator are the findings that are about whatever makes the load.
func ofGenerator() []string {
	return []string{"lag_p99", "sent_share", "arrivals", "generator_cpu", "gc_share", "cpu_throttled", "cpu_steal"}
}

// unfit says why a trial does not count, whatever it shows: it is INVALID, or the
// generator used so much of its cores that it may be what was measured. One that
// is INVALID only because as many calls as allowed were under way, and others
// dropped, speaks of the system.
func unfit(t *result.Trial) (limit result.CapacityLimit, detail string) {
	dropped := slices.ContainsFunc(t.Series, func(s result.Series) bool { return s.Dropped > 0 })
	for _, r := range t.Validity.Reasons {
		switch {
		case r.Code == "no_calls":
			return result.LimitTooFew, r.Detail
		case r.Verdict == result.Invalid && !slices.Contains(ofGenerator(), r.Code):
			return result.LimitInvalid, told(r)
		case r.Code == "sent_share" && dropped:
			if limit == "" {
				limit, detail = result.LimitInFlight, "more calls than max_in_flight would have been under way"
			}
		case r.Verdict == result.Invalid || r.Code == "generator_cpu":
			limit, detail = result.LimitGenerator, told(r)
		}
	}
	return limit, detail
}

// told is a reason in a line.
func told(r result.Reason) string {
	text := r.Code + ": " + r.Detail
	if r.Code == "lag_p99" {
		text += fmt.Sprintf(", by a p99 of %v", time.Duration(r.Figure).Round(10*time.Microsecond))
	}
	return text
}

// slo is the response time within which a call of a load entry is in its SLO; 0 is
// no limit.
func (p *probe) slo(load string) time.Duration {
	for _, l := range p.variant.Scenario.Load {
		if l.Name == load {
			return cmp.Or(l.SLO, p.variant.CallTimeout(l.Method()))
		}
	}
	return 0
}

// strained says that the generator may be why a trial missed the SLO, where gates
// are the conditions as they were judged of it, and slo is the load entries'. Its own
// lateness counts as response time: it can make a trial miss, and not meet; and only
// one that would not have missed without it.
func strained(t *result.Trial, gates []result.Gate, slo func(load string) time.Duration) (limit result.CapacityLimit, detail string) {
	for _, r := range t.Validity.Reasons {
		if !slices.Contains(ofGenerator(), r.Code) || r.Code == "lag_p99" && !matters(t, gates, slo) {
			continue
		}
		return result.LimitGenerator, told(r)
	}
	return "", ""
}

// matters says that one of the missed conditions would have been met had calls not
// left as late as the p99 of lag says.
func matters(t *result.Trial, gates []result.Gate, slo func(load string) time.Duration) bool {
	for _, g := range gates {
		for _, c := range g.Cases {
			if c.Outcome == result.GatePassed || c.Figure == nil {
				continue
			}
			for i := range t.Series {
				s := &t.Series[i]
				lag := s.Latency[result.Lag].P99NS
				if s.Name != c.Load || lag == nil {
					continue
				}
				switch {
				case g.Metric == string(gate.InSLO):
					if within := slo(c.Load); within > 0 && responded(s, within+time.Duration(*lag)) > g.Limit {
						return true
					}
				case g.Unit == gate.Duration.String() && fromDue(g.Metric):
					if *c.Figure-float64(*lag) <= g.Limit {
						return true
					}
				}
			}
		}
	}
	return false
}

// responded is the share of planned calls that ended OK within a time, as well as the
// histogram tells.
func responded(s *result.Series, within time.Duration) float64 {
	h, err := s.Latency[result.Response].Histogram()
	if err != nil {
		return 0
	}
	return float64(h.CountsUpTo([]int64{int64(within)})[0]) / float64(s.Planned)
}

// fromDue says whether a time counts from when a call, or a message, was due, and so
// the generator's lateness with it.
func fromDue(metric string) bool {
	for _, m := range []result.Measure{result.Service, result.AttemptTime, result.FirstMessage, result.MessageGap} {
		if strings.HasPrefix(metric, string(m)+".") {
			return false
		}
	}
	return metric != string(gate.Recovery)
}

// met is whether trials meet the SLO: limit is empty where they do.
type met struct {
	gates  []result.Gate
	limit  result.CapacityLimit
	detail string
}

// meets judges trials together, as gates judge a result. Beside the SLO a rate has
// to be one that the system keeps up with: a trial whose calls in flight grow to
// the end would miss the SLO, were it longer.
func (p *probe) meets(trials []result.Trial) (met, error) {
	var m met
	r := *p.res
	r.Gates, r.Capacity, r.Validity = nil, nil, valid()
	r.Variants = slices.Clone(r.Variants)
	for i := range r.Variants {
		r.Variants[i].Trials = nil
		if r.Variants[i].Name == p.base.Name {
			r.Variants[i].Trials = trials
		}
	}
	gates, err := gate.Judge(&r, p.SLO, gate.Options{})
	if err != nil {
		return m, err
	}
	for i, g := range gates {
		g.Cases = slices.DeleteFunc(g.Cases, func(c result.GateCase) bool { return c.Variant != p.base.Name })
		if len(g.Cases) == 0 {
			continue // it is about other variants
		}
		g.Outcome = result.GatePassed
		for _, c := range g.Cases {
			if c.Outcome == result.GateInconclusive && p.tooFew(p.SLO[i], c, trials) {
				return met{limit: result.LimitTooFew, detail: c.Reason}, nil
			}
			g.Outcome = gate.Worst([]result.Gate{g, {Outcome: c.Outcome}})
		}
		if g.Outcome != result.GatePassed {
			m.limit = result.LimitSLO
		}
		m.gates = append(m.gates, g)
	}
	growing := 0
	for i := range trials {
		if trials[i].State == result.Saturated {
			growing++
		}
	}
	if m.limit == "" && 2*growing > len(trials) {
		m.limit = result.LimitSaturated
		m.detail = fmt.Sprintf("calls in flight grew to the end in %d of %d trials", growing, len(trials))
	}
	return m, nil
}

// tooFew says that a case cannot be judged for want of calls of a load entry whose
// rate is searched for: a higher rate has more.
func (p *probe) tooFew(g gate.Gate, c result.GateCase, trials []result.Trial) bool {
	if !p.base.Scales(p.Load, c.Load) {
		return false
	}
	few := 0
	for _, s := range stats.Samples(&result.Variant{Trials: trials}, c.Load) {
		if s.Series.Planned < g.Calls() {
			few++
		}
	}
	return few > 0
}
