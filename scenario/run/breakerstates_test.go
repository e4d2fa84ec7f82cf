package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// statesOf is how a trial's breakers stood second by second: closed, open, half
// open. Seconds of the drain are left out.
func statesOf(t *testing.T, trial result.Trial) [][3]int {
	t.Helper()
	var all [][3]int
	for _, i := range trial.Intervals {
		if int64(i.Second+1)*int64(time.Second) > trial.MeasuredNS {
			break
		}
		if i.BreakerStates == nil {
			t.Fatalf("second %d does not say how the breakers stand", i.Second)
		}
		all = append(all, [3]int{i.BreakerStates.Closed, i.BreakerStates.Open, i.BreakerStates.HalfOpen})
	}
	return all
}

// A breaker that opens in the warm-up stays open in the measurement, and the result
// says so in each second, though nothing ever changes.
func TestBreakersThatOpenInTheWarmup(t *testing.T) {
	for scope, c := range map[string]struct {
		name   string
		states [3]int
	}{
		"client":  {"", [3]int{0, 1, 0}},
		"method":  {"user.v1.UserService/GetUser", [3]int{1, 1, 0}},
		"backend": {"b1", [3]int{2, 1, 0}},
	} {
		t.Run(scope, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.run(w.plan(`
fleet:
  backends: 3
  isolation: inprocess
  faults: [{at: -1s, for: 500ms, where: {method: GetUser, backends: [1]}, inject: {status: {code: UNAVAILABLE}}}]
client: {pool: {size: 1}, retry: none, breaker: {failures: 0, rate: 1%%, min_calls: 2, window: 100ms, reset: 60s, scope: %s}}
load:
  - {call: GetUser, arrivals: constant, rate: 100/s}
  - {call: ListUsers, messages: 2, arrivals: constant, rate: 10/s}
warmup: 2s
measure: 4s
trials: 1
`, scope))
				trial := saved(w.T, r).Variants[0].Trials[0]
				states := c.states
				if diff := cmp.Diff([][3]int{states, states, states, states}, statesOf(w.T, trial)); diff != "" {
					w.Errorf("closed, open, half open (-want +got):\n%s", diff)
				}
				if got := changesOf(w.T, trial); got != nil {
					w.Errorf("nothing changed from t0 on, but %q", got)
				}
				if len(trial.BreakersAtT0) != 1 {
					w.Fatalf("not closed at t0: %+v", trial.BreakersAtT0)
				}
				at := trial.BreakersAtT0[0]
				if since := time.Duration(at.AtNS); at.Name != c.name || at.From != "closed" || at.To != "open" || since < -1100*time.Millisecond || since > -500*time.Millisecond {
					w.Errorf("not closed at t0: %+v", at)
				}
			})
		})
	}
}

// A breaker that flaps is told as it stood when each second ended; each client has
// its own.
func TestBreakersThatFlap(t *testing.T) {
	trial := brokenFor(t, "{failures: 3, reset: 400ms, scope: client}", "{}", "{call: GetUser, arrivals: constant, rate: 100/s}")
	if diff := cmp.Diff([][3]int{{1, 0, 0}, {0, 1, 0}, {1, 0, 0}}, statesOf(t, trial)); diff != "" {
		t.Errorf("closed, open, half open (-want +got):\n%s", diff)
	}
	inWorld(t, func(w *world) {
		// Probes take 800 ms, so that some seconds end while there is one.
		r := w.run(w.plan(`
fleet:
  backends: 1
  isolation: inprocess
  faults:
    - {at: -500ms, for: 3s, inject: {status: {code: UNAVAILABLE}}}
    - {at: 500ms, for: 4s, inject: {latency: 800ms}}
client: {count: 2, retry: none, timeout: 2s, breaker: {failures: 3, reset: 1s, scope: client}}
load: [{call: GetUser, arrivals: constant, rate: 100/s}]
warmup: 2s
measure: 6s
trials: 1
`))
		trial := saved(w.T, r).Variants[0].Trials[0]
		// Probes fail at 0.5 and 1.5 s; those of 2.5 s are slow, and succeed.
		if diff := cmp.Diff([][3]int{{0, 2, 0}, {0, 2, 0}, {0, 0, 2}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}}, statesOf(w.T, trial)); diff != "" {
			w.Errorf("closed, open, half open (-want +got):\n%s", diff)
		}
		if changes := changesOf(w.T, trial); len(changes) != 12 {
			w.Errorf("%d changes from t0 on: %q", len(changes), changes)
		}
		if at := trial.BreakersAtT0; len(at) != 2 || at[0].Client != 0 || at[1].Client != 1 || at[0].To != "open" || at[1].To != "open" {
			w.Errorf("not closed at t0: %+v", at)
		}
	})
}
