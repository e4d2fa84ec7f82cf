package run_test

import (
	"context"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/run"
)

// Trials are added until the intervals are narrow enough, or there are enough.
func TestAutoTrials(t *testing.T) {
	if testing.Short() {
		t.Skip("many calls")
	}
	for name, c := range map[string]struct {
		service    string
		settings   string
		low, high  int // trials
		reached    func(float64) bool
		comparison string
	}{
		"at once, where nothing varies": {
			"{fixed: 2ms}", "", 6, 6, func(r float64) bool { return r <= 0.05 }, "compare: {client.pool.size: [1, 2]}",
		},
		"after some": {
			"{lognormal: {p50: 2ms, p99: 6ms}}", "precision: 8%\nmax_trials: 40", 7, 39, func(r float64) bool { return r > 0 && r <= 0.08 }, "",
		},
		"never, where it is never enough": {
			"{lognormal: {p50: 2ms, p99: 30ms}}", "precision: 0.1%\nmax_trials: 9", 9, 9, func(r float64) bool { return r > 0.001 }, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.run(w.plan("fleet: {backends: 2, isolation: inprocess, service_time: %s}\nload: [{call: GetUser, rate: 400/s, arrivals: constant}]\n"+
					"warmup: 100ms\nmeasure: 1s\ntrials: auto\n%s\n%s", c.service, c.settings, c.comparison))
				mustBeExact(t, r)
				for _, v := range r.Variants {
					if n := len(v.Trials); n < c.low || n > c.high || n != r.Scenario.Trials {
						t.Errorf("%s: %d trials, %d in the scenario, want %d to %d", v.Name, n, r.Scenario.Trials, c.low, c.high)
					}
				}
				if r.Scenario.Reached == nil || !c.reached(*r.Scenario.Reached) || r.Scenario.Precision == 0 || r.Partial {
					t.Errorf("reached %v of %v, partial %v", r.Scenario.Reached, r.Scenario.Precision, r.Partial)
				}
			})
		})
	}
}

// An interrupted run knows how many trials it had come to plan.
func TestAutoTrialsInterrupted(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		plan := w.plan("%s", "fleet: {backends: 1, isolation: inprocess, service_time: {lognormal: {p50: 2ms, p99: 30ms}}}\n"+
			"load: [{call: GetUser, rate: 400/s}]\nwarmup: 100ms\nmeasure: 1s\ntrials: auto\nprecision: 0.01%\n")
		time.AfterFunc(9500*time.Millisecond, cancel)
		r, err := run.Run(ctx, plan, w.deps(), run.Options{})
		if err != nil || !r.Partial || r.Scenario.Trials < 8 || r.Scenario.Trials > 9 || len(r.Variants[0].Trials) != r.Scenario.Trials {
			t.Errorf("%v: %d trials of %d, partial %v", err, len(r.Variants[0].Trials), r.Scenario.Trials, r.Partial)
		}
		if r.Validity.Verdict != result.Valid {
			t.Errorf("%+v", r.Validity)
		}
	})
}

// Through the whole stack: trials end when the fleet is back.
func TestMeasureUntilRecovered(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
fleet: {backends: 2, isolation: inprocess, service_time: {fixed: 2ms}, faults: [{name: gone, at: 2s, for: 1s, where: {backends: [1]}, inject: down}]}
client: {retry: none}
load: [{call: GetUser, rate: 200/s, arrivals: constant}]
warmup: 200ms
measure: {until: recovered + 6s, max: 1m}
trials: 2
`))
		mustBeExact(t, r)
		for _, trial := range r.Variants[0].Trials {
			// The channel is back within a second or so of the outage's end, at 3 s.
			measured := time.Duration(trial.MeasuredNS)
			if measured < 9*time.Second || measured > 13*time.Second || trial.State != result.Recovered || trial.Partial {
				t.Errorf("measured %v, %s", measured, trial.State)
			}
			if s := trial.Series[0]; s.Planned != int64(200*measured.Seconds()) || s.OfferedPerS != 200 {
				t.Errorf("%d planned in %v", s.Planned, measured)
			}
		}
		if r.Scenario.Until != "recovered + 6s" || r.Scenario.MeasureNS != int64(time.Minute) {
			t.Errorf("%+v", r.Scenario)
		}
	})
}
