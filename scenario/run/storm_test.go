package run_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// TestRetryStorm runs the shipped scenario as it is, but for the number of
// trials: after a freeze of 2 s one attempt recovers in about 8 s, three never
// do, three with a budget recover like one.
func TestRetryStorm(t *testing.T) {
	if raceEnabled {
		t.Skip("20,000 attempts")
	}
	text, err := os.ReadFile("../../scenarios/retry-storm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inWorld(t, func(w *world) {
		plan, err := scenario.Read("retry-storm.yaml", text, scenario.Options{Set: []string{"fleet.isolation=inprocess", "trials=5"}})
		if err != nil {
			t.Fatal(err)
		}
		r := w.run(plan)
		mustBeExact(t, r)
		for _, v := range r.Variants {
			var back []time.Duration
			for _, trial := range v.Trials {
				if trial.RecoveryNS != nil {
					back = append(back, time.Duration(*trial.RecoveryNS))
				} else if trial.State == result.Recovered {
					back = append(back, 0)
				}
			}
			slices.Sort(back)
			if v.Settings["retry"] == "three_attempts" {
				// A queue this busy can recover by chance, but not in most trials.
				if len(back) > 1 {
					t.Errorf("%s recovered in %d of 5 trials: %v", v.Name, len(back), back)
				}
				continue
			}
			if len(back) < 3 {
				t.Errorf("%s recovered in %d of 5 trials", v.Name, len(back))
			} else if middle := back[len(back)/2]; middle < 5*time.Second || middle > 11*time.Second {
				t.Errorf("%s recovered within %v, want about 8 s (%v)", v.Name, middle, back)
			}
		}
	})
}
