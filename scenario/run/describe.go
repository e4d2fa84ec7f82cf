package run

import (
	"maps"
	"path/filepath"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// describe copies into the result what a reader needs to know of the plan.
func describe(plan *scenario.Plan) result.Scenario {
	first := &plan.Variants[0]
	s := result.Scenario{
		Name:           plan.Base.Name,
		File:           filepath.Base(plan.File),
		About:          plan.Base.About,
		SHA256:         plan.SHA256,
		WorkloadSHA256: plan.WorkloadSHA256,
		Document:       plan.Document,
		Trials:         plan.Trials,
		Precision:      plan.Precision,
		Until:          plan.Base.MeasureUntil.String(),
		WarmupNS:       int64(plan.Warmup),
		MeasureNS:      int64(plan.Measure),
		DrainNS:        int64(plan.Drain),
		Isolation:      "target",
		MaxRatePerS:    plan.Base.MaxRate,
	}
	if !plan.Targets() {
		s.Target = first.Scenario.Target
	}
	for _, v := range plan.Variants {
		s.Unverified = s.Unverified || v.Scenario.Client.TLS != nil && v.Scenario.Client.TLS.InsecureSkipVerify
	}
	for _, d := range plan.Dimensions {
		s.Dimensions = append(s.Dimensions, result.Dimension{Name: d.Name, Values: d.Values, Baseline: d.Baseline})
	}
	if fleet := first.Scenario.Fleet; fleet != nil {
		s.Isolation = fleet.Isolation
	}
	return s
}

// describeVariant is the variant, without trials yet.
func describeVariant(v *scenario.Variant) result.Variant {
	d := result.Variant{
		Name: v.Name, Settings: map[string]string{},
		Loads: []result.Load{}, Faults: []result.FaultWindow{}, Trials: []result.Trial{},
	}
	maps.Copy(d.Settings, v.Settings)
	for _, l := range v.Scenario.Load {
		d.Loads = append(d.Loads, describeLoad(v, l))
	}
	for _, m := range v.Scenario.Memberships() {
		d.Churn = append(d.Churn, result.Churn{AtNS: int64(m.At), Members: m.Members})
	}
	if fleet := v.Scenario.Fleet; fleet != nil {
		d.Faults = describeFaults(fleet)
	}
	return d
}

func describeLoad(v *scenario.Variant, l scenario.Load) result.Load {
	d := result.Load{
		Name: l.Name, Method: l.Method(), Kind: l.Kind(), Loop: result.Closed,
		SLONS: int64(l.SLO), TimeoutNS: int64(v.CallTimeout(l.Method())),
		Messages: l.Messages, MessageEveryNS: int64(l.Every()), RequestB: l.Request, ResponseB: l.Response,
		RequestSizes: l.RequestSizes.String(), ResponseSizes: l.ResponseSizes.String(), Keys: l.Keys.Name(), Shape: l.ShapeText(),
	}
	if l.Expect != nil {
		d.Expect = l.Expect.Word()
	}
	if l.RequestSizes.Name() != "" {
		d.RequestB = l.RequestSizes.Mean()
	}
	if l.ResponseSizes.Name() != "" {
		d.ResponseB = l.ResponseSizes.Mean()
	}
	if l.Open() {
		d.Loop, d.Arrivals, d.RatePerS, d.MaxInFlight = result.Open, l.Arrivals.Name(), l.Rate, l.MaxInFlight
		if l.Sessions != nil {
			d.SessionCalls, d.ThinkNS = l.Sessions.Calls, int64(l.Sessions.Think)
		}
	} else {
		d.Workers, d.ThinkNS = l.Workers, int64(l.Think)
	}
	return d
}

// describeFaults is the windows of the fleet's rules. One that is staggered
// has a window for each backend.
func describeFaults(fleet *scenario.Fleet) []result.FaultWindow {
	windows := []result.FaultWindow{}
	for i, label := range fault.Labels(fleet.Faults) {
		rule := fleet.Faults[i]
		d := result.FaultWindow{Name: label, Kind: rule.Inject.Kind(), AtNS: int64(rule.At), ForNS: int64(rule.For),
			Moment: rule.Momentary(), EveryNS: int64(rule.Every), Method: rule.Where.Method, Backends: rule.Where.Backends}
		if rule.Stagger == 0 {
			windows = append(windows, d)
			continue
		}
		for b := range fleet.Backends {
			if own, concerned := rule.ForBackend(b); concerned {
				d.AtNS, d.Backends = int64(own.At), []int{b}
				windows = append(windows, d)
			}
		}
	}
	return windows
}
