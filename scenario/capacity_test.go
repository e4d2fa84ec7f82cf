package scenario

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// scenarioOf reads a scenario of one variant.
func scenarioOf(t *testing.T, format string, args ...any) *Scenario {
	t.Helper()
	plan, err := Read("x.yaml", fmt.Appendf(nil, format, args...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan.Base
}

// A share is of what the fleet can serve of that method: Σ concurrency ÷ mean
// time in a slot.
func TestRateAsShare(t *testing.T) {
	for _, c := range []struct {
		what, fleet, load string
		want              float64
	}{
		{"one backend", "backends: 1, concurrency: 4, service_time: {exponential: 10ms}", "call: GetUser, rate: 60%", 240},
		{"three", "backends: 3, concurrency: 4, service_time: {fixed: 10ms}", "call: GetUser, rate: 100%", 1200},
		{"more than there is", "backends: 1, concurrency: 1, service_time: {fixed: 10ms}", "call: GetUser, rate: 150 %", 150},
		{"speeds", "backends: [{speed: 0.5}, {}, {}], concurrency: 1, service_time: {fixed: 10ms}", "call: GetUser, rate: 100%", 250},
		{"a backend of its own kind", "backends: [{concurrency: 2, service_time: {fixed: 4ms}}, {}], concurrency: 1, service_time: {fixed: 10ms}",
			"call: GetUser, rate: 10%", 60},
		{"a method", "backends: 1, concurrency: 1, service_time: {fixed: 10ms}, methods: {CreateUser: {service_time: {fixed: 40ms}}}",
			"call: CreateUser, rate: 100%", 25},
		{"messages", "backends: 1, concurrency: 1, service_time: {fixed: 10ms}, message_time: {fixed: 1ms}", "call: ListUsers, messages: 30, rate: 100%", 25},
		{"as many messages as when left out", "backends: 1, concurrency: 1, message_time: {fixed: 1ms}", "call: SyncUsers, rate: 100%", 100},
		{"users who make five calls each", "backends: 1, concurrency: 4, service_time: {fixed: 10ms}", "call: GetUser, rate: 60%, sessions: {calls: 5}", 48},
	} {
		s := scenarioOf(t, "fleet: {%s}\nload: [{%s}]\n", c.fleet, c.load)
		if got := s.Load[0].Rate; math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v/s, want %v/s", c.what, got, c.want)
		}
	}
	// It is the document's text that is compared.
	plan, err := Read("x.yaml", []byte(`
fleet: {backends: 2, concurrency: 2, service_time: {fixed: 10ms}}
load: [{name: reads, call: GetUser, rate: 10%}]
compare: {load.reads.rate: [50%, 90%, 10/s]}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{200, 360, 10} {
		if got := plan.Variants[i].Scenario.Load[0].Rate; got != want {
			t.Errorf("%s: %v/s, want %v/s", plan.Variants[i].Name, got, want)
		}
	}
	if got := plan.Variants[0].Name; got != "load.reads.rate=50%" {
		t.Errorf("the variant is %s", got)
	}
}

func TestUtilisationOfEachBackend(t *testing.T) {
	for _, c := range []struct{ fleet, more, want string }{
		{"backends: 3, concurrency: 4, service_time: {fixed: 10ms}", "", "50 % of each backend"},
		{"backends: [{speed: 0.5}, {}, {}], concurrency: 4, service_time: {fixed: 10ms}", "", "100 % of b0, 50 % of b1 and b2"},
		{"backends: [{}, {concurrency: 8}, {service_time: {fixed: 1ms}}], concurrency: 4, service_time: {fixed: 10ms}", "", "50 % of b0, 25 % of b1, 5 % of b2"},
		{"backends: 1, concurrency: 12, service_time: {fixed: 10ms}", "", "50 %"},
		{"backends: 3, concurrency: 4", "", "no service time: only this machine limits the fleet"},
		{"backends: [{concurrency: 1}, {}], service_time: {fixed: 1ms}", "", "no limit (concurrency is not set)"},
		{"backends: 3, concurrency: 4, service_time: {fixed: 10ms}, front: l4", "client: {pool: {size: 2}}", "75 % of 2 backends at best"},
		{"backends: 3, concurrency: 4, service_time: {fixed: 10ms}, faults: [{at: 1s, for: 1s, where: {backends: [0]}, inject: restart}]", "",
			"50 % of each backend; 75 % of the 2 left in restart"},
	} {
		if got := scenarioOf(t, "fleet: {%s}\n%s\nload: [{call: GetUser, rate: 600/s}]\n", c.fleet, c.more).utilisationText(); got != c.want {
			t.Errorf("{%s}: %s, want %s", c.fleet, got, c.want)
		}
	}
}

// A list stands for as many backends as it has items, in paths too; a number
// that is written over it is a number again.
func TestBackendsAsList(t *testing.T) {
	const document = "fleet: {backends: [{speed: 0.5}, {}, {}], service_time: {fixed: 1ms}}\nload: [{call: GetUser, rate: 1/s}]\n"
	s := scenarioOf(t, "%s", document)
	if s.Fleet.Backends != 3 || len(s.Fleet.Each) != 3 || s.Fleet.Each[0].Speed != 0.5 || s.Fleet.Each[1].Speed != 0 {
		t.Errorf("%d backends, %+v", s.Fleet.Backends, s.Fleet.Each)
	}
	for set, want := range map[string]string{
		"fleet.backends[1].speed=2":    "fleet.backends[0] {speed: 0.5} fleet.backends[1] {speed: 2} fleet.backends[2] {}",
		"fleet.backends=4":             "fleet.backends 4",
		"fleet.backends=[{speed: 3}]":  "fleet.backends[0] {speed: 3}",
		"fleet.network.bandwidth=1B/s": "",
	} {
		plan, err := Read("x.yaml", []byte(document), Options{Set: []string{set}})
		if want == "" {
			if err == nil {
				t.Errorf("%s: no error", set)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", set, err)
			continue
		}
		var got []string
		for _, x := range plan.Base.settings() {
			if strings.HasPrefix(x.path, "fleet.backends") {
				got = append(got, x.path+" "+x.text)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", set, text, want)
		}
	}
}

// A path reaches into the backends, whether a number of them is written or a list.
func TestPathsIntoBackends(t *testing.T) {
	const document = "fleet: {backends: 3, service_time: {fixed: 1ms}, concurrency: 1}\nload: [{call: GetUser, rate: 10%%}]\n%s"
	plan, err := Read("x.yaml", fmt.Appendf(nil, document, "compare:\n  fleet.backends[1].speed: [1, 0.5]"), Options{Set: []string{"fleet.backends[2].speed=2"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, 0.5} {
		v := plan.Variants[i]
		each := v.Scenario.Fleet.Each
		if v.Scenario.Fleet.Backends != 3 || len(each) != 3 || each[0].Speed != 0 || each[1].Speed != want || each[2].Speed != 2 {
			t.Errorf("%s: %d backends, %+v", v.Name, v.Scenario.Fleet.Backends, each)
		}
		if name := fmt.Sprintf("fleet.backends[1].speed=%v", want); v.Name != name {
			t.Errorf("variant %s, want %s", v.Name, name)
		}
	}
	again, err := Read("x.yaml", []byte(plan.Document), Options{})
	if err != nil || again.SHA256 != plan.SHA256 {
		t.Errorf("the document that was run reads as another: %v\n%s", err, plan.Document)
	}
	for compare, want := range map[string]string{
		"compare: {fleet.backends[1].speed: [1, 0.5]}":                                            "a key with [ ] in it needs quotes",
		"compare: {fleet.backends.3.speed: [1, 0.5]}":                                             "no such item: name it by its number, from 0 to 2",
		"compare: {fleet.backends.1.sped: [1, 0.5]}":                                              "unknown key, did you mean speed?",
		"compare: {fleet.backends.1.speed: [1, -1]}":                                              "must be > 0",
		"compare: {fleet.backends.1.speed: [1, 2], slow: {it: {'fleet.backends[1].speed': 0.5}}}": "two dimensions must not set the same thing",
		"compare: {fleet.backends.1.speed: [1, 2], fleet.backends: [3, 4]}":                       "two dimensions must not set the same thing",
	} {
		if _, err := Read("x.yaml", fmt.Appendf(nil, document, compare), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", compare, err, want)
		}
	}
}

// Quantiles come from a file beside the scenario, and the rate follows from
// them.
func TestQuantilesFromFile(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "latency.csv"), []byte("quantile,ms\np50,10\np99,10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := Read(filepath.Join(folder, "x.yaml"), []byte(`
fleet: {backends: 1, concurrency: 2, service_time: {quantiles: {file: latency.csv}}, faults: [{inject: {slow: {speed: 50%}}}]}
load: [{call: GetUser, rate: 50%}]
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if mean := plan.Base.Fleet.ServiceTime.Mean(); mean < 9*time.Millisecond || mean > 11*time.Millisecond {
		t.Errorf("the mean is %v, want about 10 ms", mean)
	}
	if rate := plan.Base.Load[0].Rate; rate < 90 || rate > 110 {
		t.Errorf("%v/s, want about 100/s", rate)
	}
}
