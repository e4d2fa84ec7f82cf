package run

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/scenario"
)

// CheckCapacity finds what keeps Capacity from being carried out, in words that
// begin with the flag they are about.
func CheckCapacity(plan *scenario.Plan, o CapacityOptions) error {
	if len(o.SLO) == 0 && len(o.Concurrency) == 0 {
		return errors.New("--slo or --concurrency: one of them must be given, such as --slo 'p99 < 20ms, errors < 0.1%'")
	}
	if len(o.SLO) > 0 {
		if err := o.checkRate(plan); err != nil {
			return err
		}
	}
	if len(o.Concurrency) > 0 {
		return o.checkSweep(plan)
	}
	return nil
}

func (o CapacityOptions) checkRate(plan *scenario.Plan) error {
	if err := plan.CheckScaled(o.Load); err != nil {
		flag := "--load"
		if o.Load == "" {
			flag = "--slo"
		}
		return fmt.Errorf("%s: %w", flag, err)
	}
	if !(o.Most > 0) {
		return fmt.Errorf("--max-rate: must be > 0/s (got %v/s)", o.Most)
	}
	if plan.Base.MaxRate > 0 && slices.ContainsFunc(plan.Variants, func(v scenario.Variant) bool { return v.Scenario.ClosedRate() > 0 }) {
		return errors.New("--slo: cannot be with max_rate and closed loops: what they are held to would change with each rate that is tried")
	}
	if room := RoomFor(plan, o.Load); o.Most > room*(1+1e-9) { // it is a sum, which is rounded
		return fmt.Errorf("--max-rate: must be at most %.6g/s, which the scenario's max_rate leaves for it (got %.6g/s)", room, o.Most)
	}
	if o.Start < 0 || o.Start > o.Most {
		return fmt.Errorf("--start: must be > 0/s and at most --max-rate, %v/s (got %v/s)", o.Most, o.Start)
	}
	judged := map[string]bool{}
	for _, g := range o.SLO {
		if err := o.checkCondition(plan, g, judged); err != nil {
			return scenario.GateError("--slo", g.Text, err)
		}
	}
	for _, v := range plan.Variants {
		if !judged[v.Name] {
			return fmt.Errorf("--slo: no condition is about variant %s: keep others with --only", v.Name)
		}
	}
	return nil
}

// RoomFor is the highest rate, in calls per second on average over the
// measurement, at which the named load, or all open loops together, is within the
// scenario's max_rate in every variant; +Inf without one.
func RoomFor(plan *scenario.Plan, named string) float64 {
	room := math.Inf(1)
	for i := range plan.Variants {
		room = min(room, plan.Variants[i].Room(named, plan.Measure))
	}
	return room
}

// checkCondition finds what a rate cannot be judged by.
func (o CapacityOptions) checkCondition(plan *scenario.Plan, g gate.Gate, judged map[string]bool) error {
	cases, err := g.Cases(plan.Subject())
	if err != nil {
		return err
	}
	share := g.Metric.Kind == gate.InSLO
	switch {
	case g.Bound.Reference != "":
		return errors.New("must be a limit of its own, such as p99 < 20ms: rates are not compared with anything")
	case slices.Contains([]gate.Kind{gate.Goodput, gate.Rate}, g.Metric.Kind):
		return fmt.Errorf("%s grows with the rate: there is no highest one by it", g.Metric)
	case share && !g.Op.Above():
		return fmt.Errorf("%s gets worse as it falls: it must be above a limit, such as in_slo > 99%%", g.Metric)
	case !share && g.Op.Above():
		return fmt.Errorf("%s gets worse as it grows: it must be below a limit, such as p99 < 20ms", g.Metric)
	}
	for _, c := range cases {
		judged[c.Variant] = true
		v := plan.Variants[slices.IndexFunc(plan.Variants, func(v scenario.Variant) bool { return v.Name == c.Variant })]
		if v.Scales(o.Load, c.Load) {
			continue
		}
		// The rate of others stays as it is: what cannot be judged never will be.
		if calls, open := v.Calls(c.Load, plan.Measure); open && calls < float64(g.Calls()) {
			return fmt.Errorf("a trial needs %d calls of %s for that and has %.0f, at a rate that stays: measure for longer, or select another (%s{load=NAME})",
				g.Calls(), c.Load, calls, g.Metric)
		}
	}
	return nil
}

// fewestConcurrencies determine the law.
const fewestConcurrencies = 3

func (o CapacityOptions) checkSweep(plan *scenario.Plan) error {
	if plan.Base.MaxRate > 0 {
		return errors.New("--concurrency: cannot be with max_rate: held to it, closed loops would show nothing but that rate")
	}
	if _, err := plan.SweptEntry(o.Load); err != nil {
		return fmt.Errorf("--load: %w", err)
	}
	if len(o.Concurrency) < fewestConcurrencies {
		return fmt.Errorf("--concurrency: must be at least %d numbers of workers, such as 1,2,4,8 (got %d)", fewestConcurrencies, len(o.Concurrency))
	}
	for i, n := range o.Concurrency {
		if n < 1 || n > scenario.MaxWorkers {
			return fmt.Errorf("--concurrency: must be from 1 to %d workers (got %d)", scenario.MaxWorkers, n)
		}
		if i > 0 && n <= o.Concurrency[i-1] {
			return fmt.Errorf("--concurrency: must grow from one number to the next (got %d after %d)", n, o.Concurrency[i-1])
		}
	}
	return nil
}
