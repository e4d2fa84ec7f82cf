package run_test

import (
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestHealthyTrialsAreValid: over 1,000 trials of the whole stack in which nothing
// is wrong, none has anything against it. What a virtual clock cannot show, the
// use of CPU, is in TestFitnessIsSilentOverHealthyTrials.
func TestHealthyTrialsAreValid(t *testing.T) {
	trials := 900
	if testing.Short() {
		trials = 20
	}
	check := func(t *testing.T, r *result.Result, want int) {
		t.Helper()
		mustBeExact(t, r)
		if got := len(r.Variants[0].Trials); got != want || r.Validity.Verdict != result.Valid || len(r.Validity.Reasons) > 0 {
			t.Errorf("%d trials of %d: %+v", got, want, r.Validity)
		}
	}
	t.Run("fleet", func(t *testing.T) {
		inWorld(t, func(w *world) {
			check(w.T, w.run(w.plan(`
fleet: {backends: 2, isolation: inprocess, service_time: {exponential: 2ms}, concurrency: 4}
load:
  - {name: reads, call: GetUser, arrivals: poisson, rate: 20/s}
  - {name: sync, call: SyncUsers, workers: 1, messages: 2, think: 1s}
trials: %d
warmup: 0s
measure: 5s
`, trials)), trials)
		})
	})
	t.Run("target", func(t *testing.T) {
		inWorld(t, func(w *world) {
			var service counting
			w.serve("a:1", &service)
			check(w.T, w.run(w.plan(`
target: static:///a:1
load: [{name: reads, call: GetUser, arrivals: constant, rate: 20/s}]
trials: %d
warmup: 0s
measure: 5s
`, trials/9)), trials/9)
		})
	})
}
