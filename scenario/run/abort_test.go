package run_test

import (
	"testing"

	"github.com/grpcbench/grpcbench/scenario/run"
)

// What only ends in the drain stops nothing: neither of a measurement of a fixed
// length, nor of one that ends by itself. Every tenth call hangs for the 5 s of its
// timeout, so that few have failed by the measurement's end, and a tenth in the drain.
func TestAbortNotInTheDrain(t *testing.T) {
	for _, measure := range []string{"9s", "{until: recovered, max: 60s}"} {
		t.Run(measure, func(t *testing.T) {
			inWorld(t, func(w *world) {
				plan := w.plan(`
fleet:
  backends: 1
  isolation: inprocess
  faults:
    - {nth: 10, inject: hang}
    - {name: out, at: 2s, for: 100ms, inject: {latency: 10ms}}
client: {timeout: 5s, retry: none}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 100/s}]
trials: 1
warmup: 0s
measure: %s
drain: 6s
abort_when: [errors > 8%%]
`, measure)
				r, err := run.Run(w.Context(), plan, w.deps(), run.Options{Version: "test"})
				if err != nil {
					w.Fatal(err)
				}
				trial := r.Variants[0].Trials[0]
				if r.Partial || r.Aborted != "" || trial.Partial {
					w.Errorf("after %d ns of measurement: %s", trial.MeasuredNS, r.Aborted)
				}
				if s := trial.Series[0]; s.Codes["DEADLINE_EXCEEDED"]*10 != s.Calls {
					w.Errorf("%v of %d", s.Codes, s.Calls)
				}
			})
		})
	}
}
