package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// document is a scenario with something added to it.
func document(lines ...string) []byte {
	return []byte(`
name: x
fleet: {backends: 3}
client: {retry: {attempts: 5, base: 20ms}}
load:
  - {name: reads, call: GetUser, rate: 500/s}
  - {call: ListUsers, workers: 2}
` + strings.Join(lines, "\n") + "\n")
}

func read(t *testing.T, opts Options, lines ...string) *Plan {
	t.Helper()
	plan, err := Read("x.yaml", document(lines...), opts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// fails returns the message of a document that must not be read.
func fails(t *testing.T, opts Options, lines ...string) string {
	t.Helper()
	_, err := Read("x.yaml", document(lines...), opts)
	if err == nil {
		t.Fatal("it was read without an error")
	}
	return err.Error()
}

func names(p *Plan) []string {
	var all []string
	for _, v := range p.Variants {
		all = append(all, v.Name)
	}
	return all
}

func TestDefaults(t *testing.T) {
	plan, err := Read("some/dir/y.yaml", []byte("fleet: {}\nload: [{call: GetUser, rate: 2/ms}, {call: SyncUsers, workers: 2}]"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := plan.Variants[0].Scenario
	got := []any{
		s.Name, s.Seed, s.Warmup, s.Measure, s.Drain, s.Fleet.Backends, s.Fleet.Isolation, s.Client.Pool.Size, s.Client.Keepalive != nil,
		plan.Variants[0].Name, plan.Trials,
		s.Load[0].Name, s.Load[0].Rate, s.Load[0].Arrivals.Name(), s.Load[0].MaxInFlight, s.Load[0].Messages, s.Load[0].Method(), s.Load[0].Kind(), s.Load[0].Loop(),
		s.Load[1].Name, s.Load[1].Rate, s.Load[1].Arrivals.Name(), s.Load[1].MaxInFlight, s.Load[1].Messages, s.Load[1].Method(), s.Load[1].Kind(), s.Load[1].Loop(),
	}
	want := []any{
		"y", uint64(1), 2 * time.Second, 10 * time.Second, 5 * time.Second, 1, "process", 5, true,
		"default", 1,
		"getuser", 2000.0, "poisson", 10000, 0, "user.v1.UserService/GetUser", s.Load[0].Kind(), s.Load[0].Loop(),
		"syncusers", 0.0, "", 0, 10, "user.v1.UserService/SyncUsers", s.Load[1].Kind(), s.Load[1].Loop(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if kinds := []string{string(s.Load[0].Kind()), string(s.Load[1].Kind()), string(s.Load[0].Loop()), string(s.Load[1].Loop())}; !slices.Equal(kinds,
		[]string{"unary", "bidi_stream", "open", "closed"}) {
		t.Errorf("kinds and loops: %q", kinds)
	}
	if s := read(t, Options{}, "").Variants[0].Scenario; s.Client.Retry.Max != 30*time.Second || s.Client.Retry.Attempts != 5 {
		t.Errorf("settings that are left out keep their defaults: %+v", s.Client.Retry)
	}

	target, err := Read("y.yaml", []byte("target: localhost:1\nload: [{call: GetUser, workers: 1}]"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := target.Base; s.Client.Keepalive != nil || s.Fleet != nil {
		t.Errorf("a target gets no keepalive pings unless they are set: %+v", s)
	}
}

func TestExpansion(t *testing.T) {
	plan := read(t, Options{},
		"compare:",
		"  client.pool.size: [1, 4]",
		"  backoff:",
		"    none: {client.retry: none}",
		"    quick: {client: {retry: {backoff: fixed, base: 5ms}, timeout: 1s}}",
		"  load.listusers.workers: [2, 3]",
		"  fleet.service_time: [{fixed: 1ms}, {exponential: 1ms}]",
		"baseline: {pool.size: 4, backoff: none, fleet.service_time: {fixed: 1ms}}")
	if len(plan.Variants) != 16 {
		t.Fatalf("%d variants, want 16", len(plan.Variants))
	}
	if got, want := names(plan)[:3], []string{
		"pool.size=1,backoff=none,load.listusers.workers=2,fleet.service_time={fixed: 1ms}",
		"pool.size=1,backoff=none,load.listusers.workers=2,fleet.service_time={exponential: 1ms}",
		"pool.size=1,backoff=none,load.listusers.workers=3,fleet.service_time={fixed: 1ms}",
	}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	want := []Dimension{
		{"pool.size", []string{"1", "4"}, "4"},
		{"backoff", []string{"none", "quick"}, "none"},
		{"load.listusers.workers", []string{"2", "3"}, ""},
		{"fleet.service_time", []string{"{fixed: 1ms}", "{exponential: 1ms}"}, "{fixed: 1ms}"},
	}
	if diff := cmp.Diff(want, plan.Dimensions); diff != "" {
		t.Errorf("dimensions (-want +got)\n%s", diff)
	}
	if m := plan.Comparisons(); m != 7 || plan.Trials != stats.DefaultTrials(7) {
		t.Errorf("%d comparisons within one table and %d trials", m, plan.Trials)
	}
	last := plan.Variants[15]
	if s := last.Scenario; s.Client.Pool.Size != 4 || s.Load[1].Workers != 3 || s.Fleet.ServiceTime.Name() != "exponential" {
		t.Errorf("the last variant is %+v", s)
	}
	// Overlays merge: what they do not name stays as the document has it.
	if r := last.Scenario.Client.Retry; r.Backoff.Fixed == nil || r.Base != 5*time.Millisecond || r.Attempts != 5 {
		t.Errorf("its retry is %+v", r)
	}
	if first := plan.Variants[0].Scenario; !first.Client.Retry.Off || first.Client.Timeout != 30*time.Second {
		t.Errorf("the first variant is %+v", first)
	}
	if diff := cmp.Diff(map[string]string{"pool.size": "4", "backoff": "quick", "load.listusers.workers": "3",
		"fleet.service_time": "{exponential: 1ms}"}, last.Settings); diff != "" {
		t.Errorf("settings (-want +got)\n%s", diff)
	}
}

func TestTargetsCanBeCompared(t *testing.T) {
	plan, err := Read("x.yaml", []byte("compare: {target: [\"a:1\", \"b:1\"]}\nload: [{call: GetUser, workers: 1}]"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(plan); !slices.Equal(got, []string{"target=a:1", "target=b:1"}) || plan.Variants[1].Scenario.Target != "b:1" {
		t.Errorf("variants %q", got)
	}
}

// An overlay without settings is the document as it is.
func TestEmptyOverlay(t *testing.T) {
	plan := read(t, Options{}, "compare: {retry: {as_is: {}, also: {client.retry: {}}, off: {client.retry: none}}}")
	for i := range 2 {
		if r := plan.Variants[i].Scenario.Client.Retry; r.Off || r.Attempts != 5 {
			t.Errorf("%s: %+v", plan.Variants[i].Name, r)
		}
	}
	if plan.Dimensions[0].Baseline != "as_is" {
		t.Errorf("the first value is the baseline, not %s", plan.Dimensions[0].Baseline)
	}
}

// All mistakes are reported at once, each where it was written.
func TestAllMistakesAtOnce(t *testing.T) {
	got := fails(t, Options{},
		"warmup: -1s",
		"compare:",
		"  client.pool.size: [0, 1]",
		"  backoff: {a: {client.retry.base: -1ms}, b: {client.retri: none}}",
		"baseline: {backoff: c}")
	for _, want := range []string{
		"x.yaml:8:1: warmup: must be >= 0",
		"x.yaml:10:22: client.pool.size: must be between",
		"x.yaml:11:17: client.retry.base: must be > 0 (got -1ms) (in variant pool.size=0,backoff=a and 1 more)",
		"x.yaml:11:47: compare.backoff.b.client.retri: unknown key",
		"x.yaml:12:12: baseline.backoff: backoff has no value",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "x.yaml:"); n != 5 {
		t.Errorf("%d errors, want 5:\n%s", n, got)
	}
}

// Conditions do not count as comparisons: each has its own table and baseline.
func TestConditions(t *testing.T) {
	plan := read(t, Options{}, "compare: {client.pool.size: [1, 2, 3], client.timeout: [1s, 2s]}", "baseline: {client.timeout: 2s}")
	if m := plan.Comparisons(); m != 1 || plan.Trials != 6 {
		t.Errorf("%d comparisons and %d trials, want 1 and 6", m, plan.Trials)
	}
	if table := plan.table(plan.Variants[2]); table != "pool.size=2" {
		t.Errorf("the third variant is in table %q", table)
	}
	if plan.isBaseline(plan.Variants[2]) || !plan.isBaseline(plan.Variants[3]) {
		t.Error("the baseline of a table is timeout=2s")
	}
}

func TestTrials(t *testing.T) {
	for m, want := range map[int]int{0: 1, 1: 6, 3: 7, 4: 8, 15: 10} {
		if got := TrialsNeeded(m); got != want {
			t.Errorf("%d comparisons need %d trials, want %d", m, got, want)
		}
	}
	few := read(t, Options{}, "compare: {client.pool.size: [1, 2, 3, 4]}", "trials: 3")
	if few.Trials != 3 || !slices.Equal(few.Warnings, []string{"3 trials cannot show a difference: 3 comparisons need 7"}) {
		t.Errorf("%d trials, warnings %q", few.Trials, few.Warnings)
	}
	if enough := read(t, Options{Trials: 9}, "compare: {client.pool.size: [1, 2, 3, 4]}", "trials: 3"); enough.Trials != 9 || len(enough.Warnings) > 0 {
		t.Errorf("%d trials, warnings %q", enough.Trials, enough.Warnings)
	}
}

func TestBlocks(t *testing.T) {
	plan := read(t, Options{Trials: 40}, "compare: {client.pool.size: [1, 2, 3, 4]}")
	blocks := plan.Blocks()
	if diff := cmp.Diff(blocks, plan.Blocks()); diff != "" {
		t.Errorf("not the same twice:\n%s", diff)
	}
	if len(blocks) != 40 {
		t.Fatalf("%d blocks, want 40", len(blocks))
	}
	firsts := make(map[int]int)
	for _, order := range blocks {
		if !slices.Equal(slices.Sorted(slices.Values(order)), []int{0, 1, 2, 3}) {
			t.Fatalf("%v is no order of four variants", order)
		}
		firsts[order[0]]++
	}
	for v := range 4 {
		if firsts[v] < 3 {
			t.Errorf("variant %d comes first in %d of 40 blocks", v, firsts[v])
		}
	}
	// What a seed means does not change.
	if want := [][]int{{3, 1, 2, 0}}; !slices.EqualFunc(blocks[:1], want, slices.Equal[[]int]) {
		t.Errorf("the first block is %v, want %v", blocks[0], want[0])
	}
	other := read(t, Options{Trials: 40, Set: []string{"seed=2"}}, "compare: {client.pool.size: [1, 2, 3, 4]}")
	if cmp.Equal(blocks, other.Blocks()) {
		t.Error("another seed gives the same order")
	}
}

func TestSet(t *testing.T) {
	const compare = "compare: {client.pool.size: [1, 4], backoff: {none: {client.retry: none}, fixed: {client.retry.backoff: fixed}}}"
	plain := read(t, Options{}, compare)
	if plain.Document != string(document(compare)) {
		t.Error("the document is not the file's text")
	}
	opts := Options{
		Set:     []string{"client.timeout=3s", "compare.client.pool.size=[2, 3, 8]", "load.reads.rate=7/s", "client.retry.base=1ms", "client.balance=pick_first"},
		Measure: 3 * time.Second,
	}
	set := read(t, opts, compare)
	s := set.Base
	if s.Client.Timeout != 3*time.Second || s.Load[0].Rate != 7 || s.Client.Balance.PickFirst == nil || set.Measure != 3*time.Second {
		t.Errorf("%+v", s)
	}
	if got := set.Dimensions[0].Values; !slices.Equal(got, []string{"2", "3", "8"}) {
		t.Errorf("values %q", got)
	}
	// The document that was run says it all: reading it gives the same plan.
	again, err := Read("x.yaml", []byte(set.Document), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(again), names(set)) || again.SHA256 != set.SHA256 || set.SHA256 == plain.SHA256 {
		t.Errorf("not what was run:\n%s", set.Document)
	}
	if diff := cmp.Diff(strict.Print(set.Variants[0].Node), strict.Print(again.Variants[0].Node)); diff != "" {
		t.Errorf("(-set +again)\n%s", diff)
	}
}

func TestSetMistakes(t *testing.T) {
	const compare = "compare: {client.pool.size: [1, 4]}"
	for _, c := range []struct{ set, want string }{
		{"client.pool.sise=4", "--set client.pool.sise=4: client.pool.sise: unknown key, did you mean size?"},
		{"client.timeout=-4s", "--set client.timeout=-4s: client.timeout: must be >= 0"},
		{"client.timeout", "--set client.timeout: must be path=value"},
		{"=4", "--set =4: must be path=value"},
		{"client.pool.size=2", "is compared, so that setting it does nothing: set compare.client.pool.size instead"},
		{"client.pool={size: 2}", ""},
		{"load.nobody.rate=4/s", "no item of that name"},
	} {
		_, err := Read("x.yaml", document(compare), Options{Set: []string{c.set}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.set, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", c.set, err, c.want)
		}
	}
}

func TestOnly(t *testing.T) {
	compare := []string{"compare: {client.pool.size: [1, 4], backoff: {none: {client.retry: none}, fixed: {client.retry.backoff: fixed}}}",
		"baseline: {backoff: none}"}
	for _, c := range []struct {
		only     []string
		want     []string
		baseline string
		trials   int
		warnings int
	}{
		{nil, []string{"pool.size=1,backoff=none", "pool.size=1,backoff=fixed", "pool.size=4,backoff=none", "pool.size=4,backoff=fixed"}, "none", 6, 0},
		{[]string{"pool.size=4,backoff=fixed"}, []string{"pool.size=4,backoff=fixed"}, "fixed", 1, 0},
		{[]string{"backoff=fixed,pool.size=4"}, []string{"pool.size=4,backoff=fixed"}, "fixed", 1, 0},
		{[]string{"backoff=fixed"}, []string{"pool.size=1,backoff=fixed", "pool.size=4,backoff=fixed"}, "fixed", 1, 1},
		{[]string{"fixed"}, []string{"pool.size=1,backoff=fixed", "pool.size=4,backoff=fixed"}, "fixed", 1, 1},
		{[]string{"pool.size=4"}, []string{"pool.size=4,backoff=none", "pool.size=4,backoff=fixed"}, "none", 6, 0},
		{[]string{"pool.size=1,none", "pool.size=4,fixed"}, []string{"pool.size=1,backoff=none", "pool.size=4,backoff=fixed"}, "none", 1, 0},
	} {
		plan := read(t, Options{Only: c.only}, compare...)
		if got := names(plan); !slices.Equal(got, c.want) || plan.Dimensions[1].Baseline != c.baseline || plan.Trials != c.trials || len(plan.Warnings) != c.warnings {
			t.Errorf("--only %q: %q, baseline %s, %d trials, warnings %q", c.only, got, plan.Dimensions[1].Baseline, plan.Trials, plan.Warnings)
		}
		if plan.Base != plan.Variants[0].Scenario {
			t.Errorf("--only %q: the base is not the first variant", c.only)
		}
	}
	for only, want := range map[string]string{
		"fixd":        "--only fixd: no variant is named so, did you mean fixed?",
		"pool.size=2": "did you mean pool.size=1?",
		"something":   "there are pool.size=1,backoff=none, pool.size=1,backoff=fixed",
	} {
		if got := fails(t, Options{Only: []string{only}}, compare...); !strings.Contains(got, want) {
			t.Errorf("--only %s: %s, want %s", only, got, want)
		}
	}
}

func TestCallTimeout(t *testing.T) {
	plan := read(t, Options{Set: []string{"client.timeout=1s", "client.methods={GetUser: {timeout: 2s}, user.v1.UserService/ListUsers: {timeout: 3s}}"}})
	for method, want := range map[string]time.Duration{
		"GetUser": 2 * time.Second, "user.v1.UserService/GetUser": 2 * time.Second,
		"ListUsers": 3 * time.Second, "user.v1.UserService/ListUsers": 3 * time.Second,
		"SyncUsers": time.Second, "Unknown": time.Second,
	} {
		if got := plan.Variants[0].CallTimeout(method); got != want {
			t.Errorf("%s: %v, want %v", method, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		set  string
		want string
	}{
		{"fleet.faults=[{at: 10s, inject: down}]", "fault down begins at 10s, when the measurement of 10s is over: it never happens"},
		{"fleet.faults=[{name: early, at: -9s, for: 2s, inject: down}]", "fault early ends before the warm-up of 2s begins: it never happens"},
		{"fleet.faults=[{name: early, at: -1s, for: 1s, inject: down}]", "fault early ends before the measurement begins: it happens in the warm-up only"},
		{"fleet={concurrency: 4, service_time: {fixed: 30ms}}", "125 % utilisation is more than a backend can serve: calls wait longer and longer"},
		{"load.reads.slo=40s", "the slo of reads, 40s, is longer than the timeout of a call, 30s"},
		{"load.reads.request=5MiB", "requests of reads carry 5MiB, more than client.messages.max_send (4MiB): every call fails"},
		{"load.reads.response=5MiB", "responses of reads carry 5MiB, more than client.messages.max_receive (4MiB): every call fails"},
		{"client.methods={SyncUsers: {timeout: 1s}}", "client.methods.SyncUsers does nothing: no load entry calls SyncUsers"},
		{"load.reads.request={lognormal: {p50: 1KiB, p99: 512KiB}}", "requests of reads carry up to 5MiB, more than client.messages.max_send (4MiB): calls with more fail"},
		{"load.reads.response={exponential: {mean: 1MiB}}", "responses of reads carry up to 20MiB, more than client.messages.max_receive (4MiB): calls with more fail"},
		{"load.reads.response={exponential: {mean: 100KiB}}", ""},
		{"fleet.faults=[{at: -1s, inject: disconnect}]", "fault disconnect ends before the measurement begins: it happens in the warm-up only"},
		{"fleet.faults=[{at: -9s, inject: disconnect}]", "fault disconnect ends before the measurement begins: it happens in the warm-up only"},
		{"fleet.faults=[{at: -1s, every: 4s, inject: disconnect}]", ""},
		{"fleet={backends: 3, faults: [{at: -1s, stagger: 1s, inject: disconnect}]}", ""},
		{"churn=[{at: 10s, leave: [0]}]", "churn has a change at 10s, when the measurement of 10s is over: it never happens"},
		{"churn=[{at: 9s, leave: [0]}]", ""},
		{"fleet.xds={changes: [{at: 1m, backends: [1]}]}", "fleet.xds has a change at 1m0s, when the measurement of 10s is over: it never happens"},
		{"fleet.lookaside={changes: [{at: 11s, backends: [1]}]}", "fleet.lookaside has a change at 11s, when the measurement of 10s is over: it never happens"},
		{"fleet.faults=[{at: 9s, for: 2s, inject: down}]", ""},
		{"fleet.faults=[{name: early, at: -9s, for: 1s, every: 3s, inject: down}]", ""},
		{"fleet={backends: 4, faults: [{name: early, at: -9s, for: 1s, stagger: 3s, inject: down}]}", ""},
		{"fleet={backends: 3, faults: [{name: early, at: -9s, for: 1s, stagger: 3s, inject: down}]}",
			"fault early ends before the warm-up of 2s begins: it never happens"},
		{"fleet.faults=[{where: {method: BatchCreateUsers}, inject: hang}]", "fault hang never happens: no load entry makes calls that it is for"},
		{"fleet.faults=[{where: {kind: bidi_stream}, inject: hang}]", "fault hang never happens: no load entry makes calls that it is for"},
		{"fleet.faults=[{where: {kind: server_stream}, inject: {slow_read: {after: 0}}}]", ""},
		{"fleet.faults=[{where: {kind: client_stream}, inject: {truncate: {code: ABORTED}}}]", "fault truncate never happens: no load entry makes calls that it is for"},
		{"fleet.faults=[{inject: {reset: {code: CANCEL}}}]", ""},
		{"fleet.faults=[{where: {metadata: {tenant: a}}, inject: hang}]", "fault hang never happens: no load entry makes calls that it is for"},
		{"fleet.faults=[{inject: {oversize: {size: 4MiB}}}]",
			"fault oversize sends 4MiB, no more than client.messages.max_receive (4MiB): the client takes it"},
		{"fleet.faults=[{inject: {oversize: {size: 5MiB}}}]", ""},
	} {
		plan := read(t, Options{Set: []string{c.set}})
		switch {
		case c.want == "" && len(plan.Warnings) > 0:
			t.Errorf("%s: %q", c.set, plan.Warnings)
		case c.want != "" && !slices.Equal(plan.Warnings, []string{c.want}):
			t.Errorf("%s: %q, want %q", c.set, plan.Warnings, c.want)
		}
	}
	plan := read(t, Options{Trials: 6}, "compare: {fleet.concurrency: [1, 4]}")
	if len(plan.Warnings) > 0 {
		t.Errorf("without a service time nothing is busy: %q", plan.Warnings)
	}
	plan = read(t, Options{Set: []string{"fleet.service_time.fixed=9ms"}}, "compare: {fleet.concurrency: [1, 4]}")
	if want := []string{"150 % utilisation is more than a backend can serve: calls wait longer and longer (variant fleet.concurrency=1)"}; !slices.Equal(plan.Warnings, want) {
		t.Errorf("warnings %q, want %q", plan.Warnings, want)
	}
}

// nth and burst count the calls of each session: what never comes to pass, or does in
// every one, is told.
func TestWarningsOfSessions(t *testing.T) {
	for select_, want := range map[string]string{
		"nth: 6":                                                   "", // the other entry has no sessions
		"nth: 5, where: {method: GetUser}":                         "",
		"nth: 6, where: {method: GetUser}":                         "fault hang never happens: no load entry makes calls that it is for",
		"burst: {size: 3, every: 5}":                               "",
		"burst: {size: 3, every: 6}":                               "fault hang counts to 6 among the calls of each session of reads, which are 5: it meets the first 3 of every one",
		"burst: {size: 9, every: 10}":                              "fault hang counts to 10 among the calls of each session of reads, which are 5: it meets the first 5 of every one",
		"burst: {size: 3, every: 100}, where: {method: GetUser}":   "fault hang counts to 100 among the calls of each session of reads, which are 5: it meets the first 3 of every one",
		"burst: {size: 3, every: 100}, where: {method: ListUsers}": "",
	} {
		plan := read(t, Options{Set: []string{"load.reads.sessions={calls: 5}", "load.reads.rate=1/s", "fleet.faults=[{" + select_ + ", inject: hang}]"}})
		if got := strings.Join(plan.Warnings, "\n"); got != want {
			t.Errorf("%s: %q, want %q", select_, got, want)
		}
	}
}

// What nobody could make, or count, is no load.
func TestLoadsBeyondAllBounds(t *testing.T) {
	for entry, want := range map[string]string{
		"{call: GetUser, rate: 1e15/s}":   "load[0].rate: must come to at most 10,000,000/s at its peak (got 1e+15/s)",
		"{call: GetUser, rate: 1e300/s}":  "load[0].rate: must come to at most 10,000,000/s",
		"{call: GetUser, rate: 20000/ms}": "load[0].rate: must come to at most 10,000,000/s at its peak (got 2e+07/s)",
		"{call: GetUser, rate: 90000/s, shape: {spike: {times: 1000, at: 1s, for: 1s}}}":           "load[0].rate: must come to at most 10,000,000/s at its peak (got 9e+07/s)",
		"{call: GetUser, rate: 9999999/s}":                                                         "",
		"{call: GetUser, workers: 1000001}":                                                        "load[0].workers: must be at most 1000000 (got 1000001)",
		"{call: GetUser, workers: 1000000}":                                                        "",
		"{call: GetUser, workers: 2, shape: {ramp: {from: 0, to: 0.2}}}":                           "load[0].shape: comes to no worker: at its peak to 0.4 of one",
		"{call: GetUser, workers: 2, shape: {ramp: {from: 0, to: 0.25}}}":                          "",
		"{call: GetUser, workers: 1000, shape: {spike: {times: 1000, at: 1s, for: 1s}}}":           "",
		"{call: GetUser, workers: 1001, shape: {spike: {times: 1000, at: 1s, for: 1s}}}":           "load[0].shape: comes to more than 1000000 workers",
		"{mix: {GetUser: 1, ListUsers: 1}, rate: 1e9/s}":                                           "load[0].rate: must come to at most 10,000,000/s",
		"{call: GetUser, rate: 10/s, arrivals: {bursts: {size: 100000}}, sessions: {calls: 1000}}": "load[0].rate: must come to at most 10,000,000/s at its peak (got 1e+08/s)",
	} {
		switch _, err := Read("x.yaml", []byte("fleet: {}\nload: ["+entry+"]\n"), Options{}); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", entry, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", entry, err, want)
		}
	}
}

// TestOutages: who is left of three backends, at the worst time.
func TestOutages(t *testing.T) {
	for faults, want := range map[string]int{
		"{inject: down}":                                                  0,
		"{where: {backends: [1]}, inject: down}":                          2,
		"{where: {backends: [2, 0]}, inject: down}":                       1,
		"{for: 2s, stagger: 3s, inject: down}":                            2,
		"{for: 2s, stagger: 2s, inject: down}":                            2,
		"{for: 3s, stagger: 2s, inject: down}":                            1,
		"{for: 2s, stagger: 1ms, inject: down}":                           0,
		"{for: 3s, stagger: 1s, where: {backends: [1, 2]}, inject: down}": 1,
	} {
		plan := read(t, Options{Set: []string{"fleet={backends: 3, faults: [" + faults + "]}"}})
		if got := plan.Base.outages(); len(got) != 1 || got[0].survivors != want {
			t.Errorf("%s: %+v, want %d survivors", faults, got, want)
		}
	}
}

// TestCallByFullName: a method may be called by its short or its full name, and
// two entries of one method need names however they write it.
func TestCallByFullName(t *testing.T) {
	const text = "fleet: {}\nload:\n  - {call: user.v1.UserService/GetUser, rate: 10/s}\n"
	plan, err := Read("x.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l := plan.Base.Load[0]; l.Method() != "user.v1.UserService/GetUser" || l.Name != "getuser" {
		t.Errorf("%+v", l)
	}
	if _, err := Read("x.yaml", []byte(text+"  - {call: GetUser, rate: 10/s}\n"), Options{}); err == nil || !strings.Contains(err.Error(), "needs a name") {
		t.Errorf("two entries without a name: %v", err)
	}
	if _, err := Read("x.yaml", []byte("name: ''\n"+text), Options{}); err == nil || !strings.Contains(err.Error(), "x.yaml:1:1: name:") {
		t.Errorf("an empty name: %v", err)
	}
}
