package run

import (
	"context"
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
)

// sweep measures the throughput of each concurrency, as a closed loop of so many
// workers, and fits the Universal Scalability Law to those that count.
func (c *capacityRun) sweep(ctx context.Context, v *scenario.Variant, out *result.CapacityVariant) error {
	entry, err := c.plan.SweptEntry(c.Load)
	if err != nil {
		return err
	}
	defer func() { fitLaw(out, c.plan.Seed) }()
	for _, workers := range c.Concurrency {
		point, trials, err := c.point(ctx, v.WithWorkers(entry, workers), entry, workers)
		if err != nil {
			return err
		}
		out.Sweep = append(out.Sweep, point)
		if len(trials) > 0 {
			c.swept = append(c.swept, result.Variant{Name: v.Name, Trials: trials})
		}
		if c.OnPoint != nil {
			c.OnPoint(v.Name, point)
		}
		c.save(trials, v.Name)
	}
	return nil
}

// point measures one concurrency. Trials that do not count are made again.
func (c *capacityRun) point(ctx context.Context, v scenario.Variant, entry string, workers int) (result.CapacityPoint, []result.Trial, error) {
	p := result.CapacityPoint{Workers: workers, PerS: []float64{}}
	var counted []result.Trial
	for block := 1; block <= capacityTrials; block++ {
		for try := 1; ; try++ {
			t, err := c.runner.trial(ctx, block, &v)
			if ctx.Err() != nil {
				return p, counted, ctx.Err()
			}
			if err != nil {
				return p, counted, err
			}
			limit, detail := unfit(t)
			if limit == "" {
				counted = append(counted, *t)
				p.PerS = append(p.PerS, achieved(t, entry))
				break
			}
			if try == capacityTries {
				p.Limit, p.Detail = limit, detail
				return p, counted, nil
			}
		}
	}
	return p, counted, nil
}

// achieved is the throughput of a load entry.
func achieved(t *result.Trial, entry string) float64 {
	for i := range t.Series {
		if t.Series[i].Name == entry {
			return t.Series[i].AchievedPerS
		}
	}
	return 0
}

// fitLaw fits the law to what the points have.
func fitLaw(out *result.CapacityVariant, seed uint64) {
	var loads []stats.Load
	for _, p := range out.Sweep {
		if p.Limit != "" {
			continue
		}
		for _, x := range p.PerS {
			loads = append(loads, stats.Load{N: float64(p.Workers), X: x})
		}
	}
	law, err := stats.FitScalability(loads, stats.Level, seed)
	if err != nil {
		out.NoLaw = err.Error()
		return
	}
	out.Law = &result.ScalabilityLaw{
		Lambda: estimate(law.Lambda, law.LambdaIn, math.Inf(1)), Sigma: estimate(law.Sigma, law.SigmaIn, math.Inf(1)),
		Kappa: estimate(law.Kappa, law.KappaIn, math.Inf(1)), MostN: law.MostN,
	}
	n, err := law.Peak()
	if err != nil {
		if e := estimate(n, law.PeakN, math.Inf(1)); e.Low != nil {
			from := min(*e.Low, 2*law.MostN)
			out.Law.PeakFromN = &from
		}
		return
	}
	x, err := law.At(n)
	if err != nil {
		return
	}
	atN, atX := estimate(n, law.PeakN, 2*law.MostN), estimate(x, law.PeakX, math.Inf(1))
	if atN.High == nil {
		atX.High = nil // it is not known how far it goes up
	}
	out.Law.PeakN, out.Law.PeakPerS = &atN, &atX
}

// estimate is a figure with its interval, whose upper bound is unknown beyond
// most, and both where the fit has none.
func estimate(v float64, i stats.Interval, most float64) result.Estimate {
	e := result.Estimate{Value: v}
	if math.IsInf(i.High, 1) && i.Low == 0 {
		return e
	}
	e.Low = &i.Low
	if i.High <= most && !math.IsInf(i.High, 1) {
		e.High = &i.High
	}
	return e
}
