package run_test

import (
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestHealthyTrialsAreValid: over 1,000 trials of the whole stack in which nothing
// is wrong, none has anything against it, and each is steady. What a virtual clock cannot show, the
// use of CPU, is in TestFitnessIsSilentOverHealthyTrials.
func TestHealthyTrialsAreValid(t *testing.T) {
	const fleet = "fleet: {backends: 2, isolation: inprocess, service_time: {exponential: 2ms}, concurrency: 4}"
	for name, c := range map[string]struct {
		trials       int
		system, load string
		measure      string
	}{
		"open loop":   {800, fleet, "{call: GetUser, arrivals: poisson, rate: 20/s}", "4s"},
		"closed loop": {100, fleet, "{call: SyncUsers, workers: 2, messages: 2, think: 200ms}", "4s"},
		// Two of the reasons are a target's alone. They take calls and a connection,
		// and no time.
		"target": {1000, "target: static:///a:1", "{call: GetUser, arrivals: constant, rate: 10/s}", "1s"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				c.trials /= 20
			}
			inWorld(t, func(w *world) {
				w.serve("a:1", new(counting))
				r := w.run(w.plan("%s\nload: [%s]\ntrials: %d\nwarmup: 0s\nmeasure: %s\n", c.system, c.load, c.trials, c.measure))
				mustBeExact(w.T, r)
				if got := len(r.Variants[0].Trials); got != c.trials || r.Validity.Verdict != result.Valid || len(r.Validity.Reasons) > 0 {
					w.Errorf("%d trials of %d: %+v", got, c.trials, r.Validity)
				}
				mustBeSteady(w.T, r)
			})
		})
	}
}

func mustBeSteady(t *testing.T, r *result.Result) {
	t.Helper()
	for _, v := range r.Variants {
		for _, trial := range v.Trials {
			if trial.State != result.Steady {
				t.Errorf("%s, trial %d is %s", v.Name, trial.Index, trial.State)
			}
		}
	}
}

// Calls in flight grow to the end of a healthy trial where load does by plan, and
// while none of its streams is to have ended yet.
func TestHealthyGrowthIsSteady(t *testing.T) {
	const fleet = "fleet: {backends: 2, isolation: inprocess, service_time: {fixed: 200ms}}"
	for name, load := range map[string]string{
		"ramp":                "{call: GetUser, arrivals: poisson, rate: 200/s, shape: {ramp: {from: 0.1, to: 1, over: 12s}}}",
		"closed loop, staged": "{call: GetUser, workers: 50, shape: {stages: [{for: 6s, at: 0.4}, {for: 6s, at: 1}]}}",
		"paced streams":       "{call: SyncUsers, arrivals: constant, rate: 3/s, messages: {count: 30, every: 400ms}}",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.run(w.plan("%s\nload: [%s]\ntrials: 1\nwarmup: 0s\nmeasure: 12s\ndrain: 20s\n", fleet, load))
				mustBeExact(w.T, r)
				mustBeSteady(w.T, r)
				s := r.Variants[0].Trials[0].Intervals
				if was, is := s[4].Series[0].InFlight, s[11].Series[0].InFlight; is < was+10 || 2*is < 3*was {
					w.Errorf("%d calls in flight, %d at the end: no growth to be silent about", was, is)
				}
			})
		})
	}
}
