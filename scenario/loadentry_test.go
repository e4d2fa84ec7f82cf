package scenario

import (
	"fmt"
	"github.com/grpcbench/grpcbench/scenario/strict"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// loads reads load entries, one a line.
func loads(t *testing.T, lines ...string) []Load {
	t.Helper()
	text := "fleet: {backends: 2}\nmeasure: 20s\nload:\n"
	for _, l := range lines {
		text += "  - " + l + "\n"
	}
	plan, err := Read("x.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan.Base.Load
}

func TestMixBecomesEntries(t *testing.T) {
	all := loads(t,
		"{name: traffic, mix: {ListUsers: 20, GetUser: 79, CreateUser: 0, SyncUsers: 1}, rate: 1000/s, slo: 1s, messages: 7}",
		"{call: GetUser, rate: 5/s}",
	)
	var got []string
	sum := 0.0
	for _, l := range all {
		got = append(got, l.Name)
		if l.Part == nil {
			continue
		}
		sum += l.Rate
		process, rate, draws := l.Process()
		if rate != 1000 || draws != "traffic" || l.SLO != time.Second || l.Mix != nil || l.Method() == "" {
			t.Errorf("%s: rate %v, draws %q, %+v", l.Name, rate, draws, l)
		}
		if (l.Messages == 7) != (l.Call != "GetUser") {
			t.Errorf("%s: %d messages", l.Name, l.Messages)
		}
		n := 0
		for s := process.Schedule(rate, 1); s.Next() < 20*time.Second; {
			n++
		}
		if math.Abs(float64(n)-20*l.Rate) > 4*math.Sqrt(20*l.Rate) {
			t.Errorf("%s: %d calls in 20 s at %v/s", l.Name, n, l.Rate)
		}
	}
	if diff := cmp.Diff([]string{"traffic.getuser", "traffic.listusers", "traffic.syncusers", "getuser"}, got); diff != "" || math.Abs(sum-1000) > 1e-9 {
		t.Errorf("Σ rates %v; -want +got:\n%s", sum, diff)
	}
}

func TestLoadsAsTheyAreWritten(t *testing.T) {
	all := loads(t,
		"{name: a, call: SyncUsers, rate: 10/s, messages: {count: 600, every: 50ms}, request: {lognormal: {p50: 1KiB, p99: 64KiB}}, response: 2KiB, keys: {zipf: {exponent: 1.1}}}",
		"{name: b, call: GetUser, rate: 10/s, sessions: {calls: 4}, shape: {spike: {times: 5, at: 10s, for: 2s}}}",
		"{name: c, call: GetUser, workers: 8, shape: {stages: [{for: 5s, at: 0.5}, {for: 10s, to: 1}]}, keys: zipf}",
		"{name: d, call: GetUser, rate: 10/s, arrivals: {bursts: {size: 3}}, shape: sine}",
		"{name: e, call: SyncUsers, rate: 10/s, messages: {every: 1s}, arrivals: uniform, shape: constant}",
	)
	a := all[0]
	if a.Messages != 600 || a.Pace.Every != 50*time.Millisecond || a.Request != 10*65536 || a.RequestSizes.Name() != "lognormal" ||
		a.Response != 2048 || a.ResponseSizes.Sampler() != nil || a.Keys.Name() != "zipf" {
		t.Errorf("%+v", a)
	}
	b := all[1]
	// 10/s × 4 calls, with 2 of 20 s at five times that. The last second's sessions
	// make one call each, those of the second before it two.
	if got := b.callRate(20 * time.Second); b.Sessions.Think != time.Second || math.Abs(got-10*(28.0+27+26+25)/20) > 1e-9 {
		t.Errorf("%+v: %v calls a second", b.Sessions, got)
	}
	if text := b.ShapeText(); text != "spike: {times: 5, at: 10s, for: 2s}" {
		t.Errorf("shape %q", text)
	}
	if c := all[2]; c.Shape.Profile().Factor(10) != 0.75 || c.Keys.Zipf.Exponent != 1 {
		t.Errorf("%+v", c)
	}
	if d := all[3]; d.Arrivals.Bursts.Size != 3 || d.ShapeText() != "sine: {period: 10s, swing: 50%}" && !strings.HasPrefix(d.ShapeText(), "sine") {
		t.Errorf("%+v: %q", d, d.ShapeText())
	}
	if e := all[4]; e.Messages != defaultMessages || e.Arrivals.Uniform.Jitter != 1 || e.Shape.Profile() != nil || e.ShapeText() != "" {
		t.Errorf("%+v", e)
	}
}

// A measurement begins without sessions, and with the first of replayed arrivals:
// what is due in it are the calls that there is time for.
func TestCallsThatAreDue(t *testing.T) {
	replay := filepath.Join(t.TempDir(), "arrivals")
	if err := os.WriteFile(replay, []byte("5\n5.5\n6\n8\n14.9\n15\n60\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		load string
		want float64 // in 10 s
	}{
		"sessions":                  {"call: GetUser, rate: 2/s, sessions: {calls: 5, think: 1s}", 2 * (10 + 9 + 8 + 7 + 6)},
		"sessions without a pause":  {"call: GetUser, rate: 2/s, sessions: {calls: 5, think: 0s}", 2 * 50},
		"sessions that never end":   {"call: GetUser, rate: 2/s, sessions: {calls: 1000, think: 4s}", 2 * (10 + 6 + 2)},
		"replayed":                  {"call: GetUser, arrivals: {replay: {file: " + replay + "}}", 5},
		"replayed at twice a speed": {"call: GetUser, arrivals: {replay: {file: " + replay + ", speed: 2}}", 6},
		"replayed sessions":         {"call: GetUser, arrivals: {replay: {file: " + replay + "}}, sessions: {calls: 2, think: 5s}", 5 + 4},
		"a mix of replayed":         {"mix: {GetUser: 1, ListUsers: 3}, arrivals: {replay: {file: " + replay + "}}", 5},
	} {
		t.Run(name, func(t *testing.T) {
			plan := planOf(t, "fleet: {}\nmeasure: 10s\nload: [{"+c.load+"}]\n", Options{})
			rate, _ := plan.Base.offered()
			if math.Abs(10*rate-c.want) > 1e-9 {
				t.Errorf("%v calls, want %v", 10*rate, c.want)
			}
			if text := plan.Base.callsText(10); !strings.HasPrefix(text, fmt.Sprint(c.want)+" due ") {
				t.Errorf("explain says %s, want %v", text, c.want)
			}
			var calls float64
			for _, l := range plan.Base.Load {
				n, _ := plan.Variants[0].Calls(l.Name, plan.Measure)
				calls += n
			}
			if math.Abs(calls-c.want) > 1e-9 {
				t.Errorf("the entries together %v, want %v", calls, c.want)
			}
		})
	}
}

// What was written is what explain prints: the distribution, not its largest.
func TestAlternativesAreExplained(t *testing.T) {
	plan, err := Read("x.yaml", []byte(`
fleet: {}
load: [{name: a, call: SyncUsers, rate: 10/s, messages: {count: 6, every: 50ms}, request: {exponential: {mean: 4KiB}}}]
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Explain(&out, plan, 200); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"{exponential: {mean: 4KiB}}", "{count: 6, every: 50ms}"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("explain lacks %q:\n%s", want, out.String())
		}
	}
}

// Shapes and rates are compared by their paths like anything else.
func TestShapesCompare(t *testing.T) {
	plan, err := Read("x.yaml", []byte(`
fleet: {}
load: [{name: a, call: GetUser, rate: 10/s}]
compare:
  load.a.shape: [constant, {ramp: {over: 5s}}]
  load.a.request: [1KiB, {uniform: {min: 1KiB, max: 2KiB}}]
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range plan.Variants {
		l := v.Scenario.Load[0]
		got = append(got, l.ShapeText()+" "+l.RequestSizes.Name()+" "+strict.ByteText(l.Request))
	}
	want := []string{"  1KiB", " uniform 2KiB", "ramp: {to: 1, over: 5s}  1KiB", "ramp: {to: 1, over: 5s} uniform 2KiB"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// How long a call, or a session of them, takes by plan: what the client paces, or
// the fleet takes if that is longer.
func TestTakes(t *testing.T) {
	fleet := "fleet: {backends: [{service_time: {fixed: 1s}}, {service_time: {fixed: 2s}}], message_time: {fixed: 100ms}, message_gap: 1s}\n"
	for entry, want := range map[string][2]time.Duration{ // with the fleet, of a target
		"{call: GetUser, rate: 1/s}":                                                          {2 * time.Second, 0},
		"{call: GetUser, rate: 1/s, sessions: {calls: 3, think: 5s}}":                         {16 * time.Second, 10 * time.Second},
		"{call: ListUsers, rate: 1/s, messages: 4}":                                           {5400 * time.Millisecond, 0},
		"{call: SyncUsers, rate: 1/s, messages: 4}":                                           {2400 * time.Millisecond, 0},
		"{call: SyncUsers, rate: 1/s, messages: {count: 4, every: 700ms}}":                    {2400 * time.Millisecond, 2100 * time.Millisecond},
		"{call: SyncUsers, rate: 1/s, messages: {count: 4, every: 1s}}":                       {3 * time.Second, 3 * time.Second},
		"{call: SyncUsers, rate: 1/s, messages: {count: 3, every: 2s}, sessions: {calls: 2}}": {9 * time.Second, 9 * time.Second},
	} {
		plan, err := Read("x.yaml", []byte(fleet+"load: ["+entry+"]"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := plan.Base.Load[0]
		if got := [2]time.Duration{l.Takes(plan.Base.Fleet), l.Takes(nil)}; got != want {
			t.Errorf("%s: %v, want %v", entry, got, want)
		}
	}
}

func TestReplayIsReadFromTheScenariosFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "calls.txt"), []byte("0.5\n1\n1.5\n4.5\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	text := "fleet: {}\nmeasure: %s\nload: [{call: GetUser, arrivals: {replay: {file: calls.txt, speed: 2}}}]"
	plan, err := Read(filepath.Join(dir, "x.yaml"), []byte(strings.Replace(text, "%s", "20s", 1)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := plan.Base.Load[0]
	if !l.Open() || math.Abs(l.Rate-0.2) > 1e-12 { // 4 calls in 20 s
		t.Errorf("%+v", l)
	}
	if len(plan.Warnings) != 1 || plan.Warnings[0] != "the arrivals of getuser end after 2s of the measurement's 20s" {
		t.Errorf("warnings %q", plan.Warnings)
	}
	if plan, err = Read(filepath.Join(dir, "x.yaml"), []byte(strings.Replace(text, "%s", "1s", 1)), Options{}); err != nil || len(plan.Warnings) > 0 {
		t.Errorf("%v, %v", plan.Warnings, err)
	}
	_, err = Read(filepath.Join(dir, "x.yaml"), []byte(strings.Replace(strings.Replace(text, "%s", "1s", 1), "calls.txt", "none.txt", 1)), Options{})
	if err == nil || !strings.Contains(err.Error(), "load[0].arrivals.replay.file: open ") {
		t.Errorf("a missing file: %v", err)
	}
}

// Who paces messages is told where the calls cannot end, or not all of them.
func TestPacedCallsMustEnd(t *testing.T) {
	const none = ""
	for _, c := range []struct {
		more, load string
		want       []string
	}{
		// The stream of the issue, with the defaults of everything else.
		{none, "call: SyncUsers, messages: {count: 600, every: 50ms}", []string{
			"the last message of each call of feed is due after 29.95s, and its timeout is 30s: little time is left for the last answer",
			"calls of feed take 29.95s until their last message is due: none ends within the measurement of 10s and its drain of 5s, and all count as unfinished"}},
		{"measure: 1m, client: {timeout: 1m}", "call: SyncUsers, messages: {count: 600, every: 50ms}", []string{
			"calls of feed take 29.95s until their last message is due: those that begin in the last 24.95s of the measurement do not end within its drain of 5s, and count as unfinished"}},
		{"measure: 1m, drain: 30s, client: {timeout: 1m}", "call: SyncUsers, messages: {count: 600, every: 50ms}", nil},
		{"measure: 1m, client: {timeout: 0s}, drain: 10s", "call: BatchCreateUsers, messages: {count: 12, every: 1s}", []string{
			"calls of feed take 11s until their last message is due: those that begin in the last 1s of the measurement do not end within its drain of 10s, and count as unfinished"}},
		{none, "call: SyncUsers, messages: {count: 60, every: 50ms}", nil},
		{none, "call: SyncUsers, messages: {count: 6, every: 1s}", nil},
		{"client: {timeout: 3s}", "call: SyncUsers, messages: {count: 60, every: 50ms}", []string{
			"the last message of each call of feed is due after 2.95s, and its timeout is 3s: little time is left for the last answer"}},
		{"client: {methods: {SyncUsers: {timeout: 2950ms}}}", "call: SyncUsers, messages: {count: 60, every: 50ms}", []string{
			"the last message of each call of feed is due after 2.95s, when its timeout of 2.95s has passed: no call ends well"}},
		{"client: {methods: {SyncUsers: {timeout: 3100ms}}}", "call: SyncUsers, messages: {count: 60, every: 50ms}", nil},
		{none, "call: SyncUsers, messages: 100000", nil},
	} {
		for _, loop := range []string{"rate: 2/s", "workers: 2"} {
			text := "fleet: {}\nload: [{name: feed, " + loop + ", " + c.load + "}]\n"
			if c.more != "" {
				text = "{fleet: {}, load: [{name: feed, " + loop + ", " + c.load + "}], " + c.more + "}"
			}
			plan, err := Read("x.yaml", []byte(text), Options{})
			if err != nil {
				t.Errorf("%s, %s: %v", c.load, c.more, err)
				continue
			}
			if diff := cmp.Diff(c.want, plan.Warnings); diff != "" {
				t.Errorf("%s, %s: -want +got:\n%s", c.load, c.more, diff)
			}
		}
	}
}
