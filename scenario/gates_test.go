package scenario

import (
	"fmt"
	"strings"
	"testing"
)

const gated = `
name: gated
fleet: {backends: 3}
load: [{name: reads, call: GetUser, rate: 100/s}]
compare:
  retry:
    none: {client.retry: none}
    fixed: {client.retry: {backoff: fixed}}
    immediate: {client.retry: {backoff: immediate}}
`

// Gates ask for as many trials as an interval needs, and only --only may leave a
// gate without anything to be about.
func TestGatesOfAPlan(t *testing.T) {
	single := strings.Split(gated, "compare:")[0]
	for name, test := range map[string]struct {
		text     string
		options  Options
		gates    string
		trials   int
		warnings int
	}{
		"none":                    {gated, Options{}, "[]", 7, 0},
		"one variant, a latency":  {single + "gates: [p99 < 20ms]", Options{}, "[p99 < 20ms]", 6, 0},
		"one variant, a count":    {single + "gates: [in_slo > 99%]", Options{}, "[in_slo > 99%]", 1, 0},
		"against a stored result": {single, Options{Gates: []string{"p99 <= @main + 5%"}}, "[p99 <= @main + 5%]", 6, 0},
		"document and options":    {gated + "gates: [p99 < 20ms]", Options{Gates: []string{"errors < 1%"}}, "[p99 < 20ms errors < 1%]", 7, 0},
		"two comparisons, two": {
			gated + "gates: [p99 <= baseline + 5%]", Options{Trials: 3}, "[p99 <= baseline + 5%]", 3, 2, // tables and gates
		},
		"--only leaves it nothing": {gated + "gates: ['p99{retry=fixed} < 20ms', errors < 1%]", Options{Only: []string{"none"}}, "[errors < 1%]", 1, 1},
	} {
		plan, err := Read("gated.yaml", []byte(test.text), test.options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := fmt.Sprint(plan.Gates); got != test.gates || plan.Trials != test.trials || len(plan.Warnings) != test.warnings {
			t.Errorf("%s: gates %s, %d trials, warnings %q", name, got, plan.Trials, plan.Warnings)
		}
	}
	_, err := Read("gated.yaml", []byte(gated), Options{Gates: []string{"p99 < 20", "p99{load=raeds} < 20ms"}})
	want := "--gate: must be a duration, such as 20ms for p99 (got \"20\")\n  p99 < 20\n        ^\n" +
		"--gate: there is no load entry \"raeds\", did you mean reads?\n  p99{load=raeds} < 20ms\n           ^"
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}

// What is measured has a digest of its own: gates, words, comments and layout do
// not change it, everything else does.
func TestWorkloadSum(t *testing.T) {
	sum := func(text string, o Options) string {
		t.Helper()
		plan, err := Read("gated.yaml", []byte(text), o)
		if err != nil {
			t.Fatal(err)
		}
		return plan.WorkloadSHA256
	}
	usual := sum(gated, Options{})
	for name, same := range map[string]string{
		"gates": gated + "gates: [p99 < 20ms]", "about": gated + "about: Why?", "trials": gated + "trials: 9",
		"a comment": "# hello\n" + gated, "layout": strings.Replace(gated, "{backends: 3}", "\n  backends: 3", 1),
	} {
		if sum(same, Options{}) != usual {
			t.Errorf("%s changes it", name)
		}
	}
	if sum(gated, Options{Trials: 3}) != usual {
		t.Error("--trials changes it")
	}
	for name, other := range map[string]string{
		"the fleet": strings.Replace(gated, "3", "4", 1), "measure": gated + "measure: 3s", "the seed": gated + "seed: 9",
	} {
		if sum(other, Options{}) == usual {
			t.Errorf("%s does not change it", name)
		}
	}
	if sum(gated, Options{Set: []string{"client.timeout=3s"}}) == usual {
		t.Error("--set does not change it")
	}
}
