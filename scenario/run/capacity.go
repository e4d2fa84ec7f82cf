package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/capacity"
)

const (
	// capacityWithin is how far apart, as a share, the ends of a bracket may be.
	capacityWithin = 0.05
	// capacityTrials is how many trials each end of it, and each concurrency of a
	// sweep, is measured with.
	capacityTrials = 3
	// capacityTries is how often a trial is made before it is given up as unfit.
	capacityTries = 3
)

// CapacityOptions is what Capacity is to find.
type CapacityOptions struct {
	// SLO is what a rate has to meet; nothing is searched for without.
	SLO []gate.Gate
	// Load is the load entry to change; empty is all open loops together, or, for
	// Concurrency, the only entry there is.
	Load string
	// Start is the first rate, in calls per second; 0 is the document's. Most is the
	// highest.
	Start, Most float64
	// Concurrency is the workers of the closed loops to fit the Universal
	// Scalability Law to; it is left out without.
	Concurrency []int
	// OnProbe and OnPoint receive each rate and concurrency once it was measured.
	OnProbe func(variant string, p result.CapacityProbe)
	OnPoint func(variant string, p result.CapacityPoint)
}

// Capacity finds the highest rate at which each variant meets the SLO, and how
// its throughput goes with concurrency; CheckCapacity says whether it can. As in
// Run, what was found when ctx ends early comes back, marked partial, with a nil
// error, and an error comes with a result where there was something to lose.
func Capacity(ctx context.Context, plan *scenario.Plan, deps Deps, opts Options, o CapacityOptions) (*result.Result, error) {
	search := o.search(plan, &plan.Variants[0])
	planned := *plan
	planned.Trials, planned.MaxTrials, planned.Precision = search.Bound()*(1+capacityTrials)+len(o.Concurrency)*capacityTrials, 0, 0
	c := &capacityRun{CapacityOptions: o, plan: &planned, opts: opts, res: newResult(&planned, opts), started: time.Now()}
	c.res.Scenario.Trials, c.res.Scenario.Precision = capacityTrials, 0
	c.res.Capacity = &result.Capacity{Load: o.Load, Within: capacityWithin, Trials: capacityTrials, Variants: []result.CapacityVariant{}}
	if len(o.SLO) > 0 {
		c.res.Capacity.MaxRatePerS = o.Most
	}
	for _, g := range o.SLO {
		c.res.Capacity.SLO = append(c.res.Capacity.SLO, g.Text)
	}
	for _, v := range plan.Variants {
		c.res.Capacity.Variants = append(c.res.Capacity.Variants, result.CapacityVariant{Variant: v.Name})
	}
	defer func() { c.res.ElapsedNS = int64(time.Since(c.started)) }()

	backends, err := newBackends(ctx, plan, deps)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("starting the fleet: %w", err)
	}
	if err == nil {
		defer backends.close()
		c.runner = &runner{plan: &planned, deps: deps, opts: opts, backends: backends, progress: newProgress(&planned, nil)}
		err = c.runner.calibrate(ctx, c.res)
		for i := 0; err == nil && i < len(plan.Variants); i++ {
			err = c.variant(ctx, i)
		}
	}
	c.res.Partial = err != nil
	c.summarize()
	switch {
	case err == nil || ctx.Err() != nil:
		return c.res, nil
	case len(c.counted) == 0:
		return nil, err
	}
	return c.res, err
}

// search is where the capacity of a variant is looked for. Trials of less than
// the calls that every quantile of the SLO needs could tell nothing.
func (o CapacityOptions) search(plan *scenario.Plan, v *scenario.Variant) capacity.Options {
	calls := int64(1)
	for _, g := range o.SLO {
		calls = max(calls, g.Calls())
	}
	s := capacity.Options{Start: o.Start, Least: float64(calls) / plan.Measure.Seconds(), Most: o.Most, Within: capacityWithin, Trials: capacityTrials}
	if s.Start == 0 {
		s.Start = v.CallRate(o.Load, plan.Measure)
	}
	s.Least = min(s.Least, s.Most)
	return s
}

// capacityRun is one search under way.
type capacityRun struct {
	CapacityOptions
	*runner
	plan    *scenario.Plan
	opts    Options
	res     *result.Result
	started time.Time
	// counted is all trials that had a say, by variant, and swept those of them that
	// a law was fitted to.
	counted, swept []result.Variant
}

// variant finds what is asked of one variant.
func (c *capacityRun) variant(ctx context.Context, i int) error {
	v, found := &c.plan.Variants[i], &c.res.Capacity.Variants[i]
	if len(c.SLO) > 0 {
		if err := c.rate(ctx, i, v, found); err != nil {
			return fmt.Errorf("variant %s: %w", v.Name, err)
		}
	}
	if len(c.Concurrency) > 0 {
		if err := c.sweep(ctx, v, found); err != nil {
			return fmt.Errorf("variant %s: %w", v.Name, err)
		}
	}
	return nil
}

// rate searches for the highest rate, and leaves the trials at it, or at the
// lowest that was judged, in the result.
func (c *capacityRun) rate(ctx context.Context, i int, v *scenario.Variant, out *result.CapacityVariant) error {
	trials := map[float64][]result.Trial{} // at each rate, of its last probe
	options := c.search(c.plan, v)
	found, err := capacity.Search(ctx, options, func(ctx context.Context, rate float64, n int) (capacity.Verdict, error) {
		p := c.probe(v, rate)
		verdict, err := p.judge(ctx, n)
		if err != nil {
			return verdict, err
		}
		// What could not be judged stands for no rate that could.
		if len(p.trials) > 0 && (verdict != capacity.Unfit || trials[rate] == nil) {
			trials[rate] = p.trials
		}
		out.Probes = append(out.Probes, p.out)
		if verdict == capacity.Met {
			// As far as it is known: what is saved meanwhile is marked partial.
			out.RatePerS = max(out.RatePerS, rate)
		}
		if c.OnProbe != nil {
			c.OnProbe(v.Name, p.out)
		}
		c.save(p.trials, v.Name)
		return verdict, nil
	})
	out.RatePerS, out.Confirmed, out.BeyondPerS = found.Rate, found.Confirmed, found.Beyond
	switch last := lastProbe(out.Probes, found.Beyond); {
	case last != nil:
		out.Limit, out.Detail = last.Limit, last.Detail
	case found.Rate == options.Most && err == nil:
		out.Limit = result.LimitMaxRate
	case found.Rate == 0 && len(out.Probes) > 0:
		last := out.Probes[len(out.Probes)-1]
		out.Limit, out.Detail = last.Limit, last.Detail
	}
	at := found.Rate
	if at == 0 {
		for rate := range trials {
			if at == 0 || rate < at {
				at = rate
			}
		}
	}
	if at > 0 {
		scaled := v.AtRate(c.Load, c.plan.Measure, at)
		c.res.Variants[i].Loads = describeVariant(&scaled).Loads
		for _, t := range trials[at] {
			t.Index = len(c.res.Variants[i].Trials)
			c.res.Variants[i].Trials = append(c.res.Variants[i].Trials, t)
		}
	}
	return err
}

// lastProbe is the last one of a rate; nil where that was none.
func lastProbe(probes []result.CapacityProbe, rate float64) *result.CapacityProbe {
	for i := range slices.Backward(probes) {
		if probes[i].RatePerS == rate {
			return &probes[i]
		}
	}
	return nil
}

// save keeps trials for the verdict, and hands the result out as it stands.
func (c *capacityRun) save(trials []result.Trial, variant string) {
	if len(trials) > 0 {
		c.counted = append(c.counted, result.Variant{Name: variant, Trials: trials})
	}
	if c.opts.OnTrial == nil {
		return
	}
	c.res.Partial, c.res.ElapsedNS = true, int64(time.Since(c.started))
	c.summarize()
	c.opts.OnTrial(c.res)
	c.res.Partial = false
}

// summarize judges the result by the trials that it rests on: those in it, and
// those of the sweep; where there are none, by all that had a say.
func (c *capacityRun) summarize() {
	rests := result.Result{}
	for _, v := range c.res.Variants {
		if len(v.Trials) > 0 {
			rests.Variants = append(rests.Variants, v)
		}
	}
	rests.Variants = append(rests.Variants, c.swept...)
	if len(rests.Variants) == 0 {
		rests.Variants = c.counted
	}
	summarizeValidity(&rests)
	c.res.Validity = rests.Validity
}
