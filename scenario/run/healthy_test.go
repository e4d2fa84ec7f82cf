package run_test

import (
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestHealthyTrialsAreValid: over 1,000 trials of the whole stack in which nothing
// is wrong, none has anything against it. What a virtual clock cannot show, the
// use of CPU, is in TestFitnessIsSilentOverHealthyTrials.
func TestHealthyTrialsAreValid(t *testing.T) {
	const fleet = "fleet: {backends: 2, isolation: inprocess, service_time: {exponential: 2ms}, concurrency: 4}"
	for name, c := range map[string]struct {
		trials       int
		system, load string
	}{
		"open loop":   {800, fleet, "{call: GetUser, arrivals: poisson, rate: 20/s}"},
		"closed loop": {100, fleet, "{call: SyncUsers, workers: 2, messages: 2, think: 200ms}"},
		"target":      {100, "target: static:///a:1", "{call: GetUser, arrivals: constant, rate: 20/s}"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				c.trials /= 20
			}
			inWorld(t, func(w *world) {
				w.serve("a:1", new(counting))
				r := w.run(w.plan("%s\nload: [%s]\ntrials: %d\nwarmup: 0s\nmeasure: 5s\n", c.system, c.load, c.trials))
				mustBeExact(w.T, r)
				if got := len(r.Variants[0].Trials); got != c.trials || r.Validity.Verdict != result.Valid || len(r.Validity.Reasons) > 0 {
					w.Errorf("%d trials of %d: %+v", got, c.trials, r.Validity)
				}
			})
		})
	}
}
