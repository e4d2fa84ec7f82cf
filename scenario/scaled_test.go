package scenario

import (
	"math"
	"testing"
	"time"
)

const manyLoads = `
fleet: {isolation: inprocess}
measure: 10s
load:
  - {name: reads, call: GetUser, rate: 100/s}
  - {name: mixed, mix: {GetUser: 3, ListUsers: 1}, rate: 40/s}
  - {name: users, call: GetUser, rate: 2/s, sessions: {calls: 5}}
  - {name: rising, call: GetUser, rate: 10/s, shape: {ramp: {from: 1, to: 3, over: 10s}}}
  - {name: loop, call: GetUser, workers: 4, think: 1s, shape: {ramp: {from: 1, to: 2, over: 10s}}}
`

func scaledPlan(t *testing.T) *Plan {
	t.Helper()
	plan, err := Read("test.yaml", []byte(manyLoads), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// At another rate each load that is scaled has its share of it, the rest is as it
// was, and so is the plan.
func TestAtRate(t *testing.T) {
	plan := scaledPlan(t)
	v := &plan.Variants[0]
	// The sessions of the first 6 s make all five calls, those of the last second one.
	const users = 2 * (10. + 9 + 8 + 7 + 6) / 10
	for named, calls := range map[string]float64{"": 100 + 40 + users + 10*2, "reads": 100, "mixed": 40, "users": users, "rising": 20, "loop": 0} {
		if got := v.CallRate(named, plan.Measure); math.Abs(got-calls) > 1e-9 {
			t.Errorf("%q: %v calls/s, want %v", named, got, calls)
		}
		if calls == 0 {
			continue
		}
		twice := v.AtRate(named, plan.Measure, 2*calls)
		if got := twice.CallRate(named, plan.Measure); math.Abs(got-2*calls) > 1e-9 {
			t.Errorf("%q: %v calls/s, want %v", named, got, 2*calls)
		}
		for i, l := range twice.Scenario.Load {
			was := v.Scenario.Load[i]
			factor := 1.0
			if v.Scales(named, l.Name) {
				factor = 2
			}
			_, rate, _ := l.Process()
			_, wasRate, _ := was.Process()
			if math.Abs(l.Rate-factor*was.Rate) > 1e-9 || math.Abs(rate-factor*wasRate) > 1e-9 || l.Workers != was.Workers {
				t.Errorf("%q: %s at %v/s of %v/s", named, l.Name, l.Rate, rate)
			}
		}
	}
	if v.Scales("", "loop") || v.Scales("reads", "mixed.getuser") || !v.Scales("mixed", "mixed.getuser") || v.Scales("mixed.getuser", "mixed.getuser") {
		t.Error("what is scaled is not what was named")
	}
	if calls, open := v.Calls("mixed.listusers", plan.Measure); calls != 100 || !open {
		t.Errorf("%v calls of a quarter of 40/s in 10 s", calls)
	}
	if _, open := v.Calls("loop", plan.Measure); open {
		t.Error("a closed loop's calls are known")
	}
}

// A swept entry is a closed loop from begin to end, whatever it was.
func TestWithWorkers(t *testing.T) {
	plan := scaledPlan(t)
	v := &plan.Variants[0]
	for name, think := range map[string]time.Duration{"reads": 0, "users": 0, "rising": 0, "loop": time.Second} {
		swept := v.WithWorkers(name, 16)
		for i, l := range swept.Scenario.Load {
			process, _, _ := l.Process()
			switch was := v.Scenario.Load[i]; {
			case l.Name != name && (l.Workers != was.Workers || l.Rate != was.Rate):
				t.Errorf("%s: %s was changed", name, l.Name)
			case l.Name == name && (l.Open() || process != nil || l.Shape.Profile() != nil || l.Sessions != nil || l.Workers != 16 || l.Think != think):
				t.Errorf("%s: %+v", name, l)
			}
		}
	}
	if v.Scenario.Load[0].Workers != 0 {
		t.Error("the plan was changed")
	}
}
