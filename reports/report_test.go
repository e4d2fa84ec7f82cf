package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

func render(t *testing.T, f func(io.Writer, *result.Result, Options) error, r *result.Result, o Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := f(&out, r, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Nothing that a terminal obeys, or that turns text around, reaches the output.
func TestHostileText(t *testing.T) {
	r := hostile(t)
	outputs := map[string]string{"markdown": render(t, Markdown, r, Options{})}
	for _, columns := range []int{40, 80, 120, 200} {
		outputs[fmt.Sprint("table at ", columns)] = render(t, Table, r, Options{Columns: columns})
	}
	for name, text := range outputs {
		for i, c := range text {
			if c != '\n' && (!unicode.IsPrint(c) || c == '\u202e') {
				t.Errorf("%s: %U at byte %d", name, c, i)
			}
		}
	}
	md := outputs["markdown"]
	if strings.Contains(md, "<script>") {
		t.Error("HTML survived")
	}
	// Every row of a table has the cells of its head, and one code block opens
	// and closes.
	unescaped := regexp.MustCompile(`\\.`)
	cells := 0
	for line := range strings.SplitSeq(md, "\n") {
		if !strings.HasPrefix(line, "| ") {
			cells = 0
			continue
		}
		n := strings.Count(unescaped.ReplaceAllString(line, ""), "|")
		if cells != 0 && n != cells {
			t.Errorf("a row of %d bars under a head of %d: %s", n, cells, line)
		}
		cells = n
	}
	if n := strings.Count(unescaped.ReplaceAllString(md, ""), "`"); n != 6 {
		t.Errorf("%d backticks, want the 6 of one code block", n)
	}
}

func TestVerdictColor(t *testing.T) {
	for verdict, want := range map[result.Verdict]string{result.Valid: "\x1b[32m", result.Suspect: "\x1b[33m", result.Invalid: "\x1b[1;31m"} {
		r := base()
		r.Validity.Verdict = verdict
		text := render(t, Table, r, Options{Color: true})
		if !strings.Contains(text, want+"measurement "+string(verdict)+"\x1b[0m") {
			t.Errorf("%s is not coloured: %q", verdict, text)
		}
	}
}

func TestFormats(t *testing.T) {
	var names []string
	r := outage(t)
	for _, f := range Formats() {
		names = append(names, f.Name)
		if f.Doc == "" {
			t.Errorf("%s has no doc", f.Name)
		}
		if text := render(t, f.Render, r, Options{}); !strings.Contains(text, "UNAVAILABLE") && !strings.Contains(text, "exponential") {
			t.Errorf("%s shows nothing of the result: %s", f.Name, text)
		}
		if err := f.Render(broken{}, r, Options{}); !errors.Is(err, errBroken) {
			t.Errorf("%s hides a writer's error: %v", f.Name, err)
		}
	}
	if diff := cmp.Diff([]string{"table", "markdown", "json"}, names); diff != "" {
		t.Error(diff)
	}
}

var errBroken = errors.New("broken pipe")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestJSONReadsBack(t *testing.T) {
	want := outage(t)
	var out bytes.Buffer
	if err := JSON(&out, want); err != nil {
		t.Fatal(err)
	}
	got, err := result.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// What is read back renders the same.
	if diff := cmp.Diff(render(t, Table, want, Options{}), render(t, Table, got, Options{})); diff != "" {
		t.Error(diff)
	}
}

// A report is a function of the result: maps must not show through.
func TestStable(t *testing.T) {
	r := interrupted(t)
	r.Variants[0].Trials[0].Series[0].Codes = map[string]int64{"OK": 9503, "ABORTED": 249, "UNAVAILABLE": 248}
	first := render(t, Markdown, r, Options{})
	for range 50 {
		if again := render(t, Markdown, r, Options{}); again != first {
			t.Fatal(cmp.Diff(first, again))
		}
	}
}

// two makes a result of two variants, a (the baseline) and b.
func two(t *testing.T, a, b shape) *result.Result {
	r := base()
	r.Scenario.Loads = []result.Load{{
		Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open, Arrivals: "poisson", SLONS: 200e6,
	}}
	r.Scenario.Dimensions = make([]result.Dimension, 1)
	r.Scenario.Dimensions[0] = result.Dimension{Name: "policy", Values: []string{"a", "b"}, Baseline: "a"}
	series := result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open}
	r.Variants = []result.Variant{
		{Name: "policy=a", Settings: map[string]string{"policy": "a"}, Trials: a.trials(t, 7, series)},
		{Name: "policy=b", Settings: map[string]string{"policy": "b"}, Trials: b.trials(t, 7, series)},
	}
	return r
}

func TestHeadline(t *testing.T) {
	ms := time.Millisecond
	fast := shape{rate: 100, seconds: 10, p50: 2 * ms, p99: 10 * ms, attempts: 1}
	with := func(change func(*shape)) shape {
		s := fast
		change(&s)
		return s
	}
	slow := with(func(s *shape) { s.p99 = 20 * ms })
	failing := with(func(s *shape) { s.failed, s.code = 0.03, "UNAVAILABLE" })
	few := with(func(s *shape) { s.seconds = 1 })
	for name, c := range map[string]struct {
		a, b shape
		want []string
	}{
		"b is faster": {slow, fast, []string{"b has the lowest p99 of GetUser: 9.78 ms, 50 % below a."}},
		"the baseline is fastest": {fast, slow, []string{
			"a has the lowest p99 of GetUser: 9.78 ms; the highest is b's, 19.4 ms.",
		}},
		"hardly a difference": {fast, with(func(s *shape) { s.p99 = 10200 * time.Microsecond }), []string{
			"the p99 of GetUser hardly differs: 9.78 ms (a) to 9.97 ms (b).",
		}},
		"no difference": {fast, fast, []string{"every variant's p99 of GetUser is 9.78 ms."}},
		"b keeps more": {failing, with(func(s *shape) { s.attempts = 1.04 }), []string{
			"b keeps 100.00 % of GetUser calls in SLO; a 97.00 % (+3.00 points), at 1.04× the load.",
			"b has the lowest p99 too: 9.78 ms, where that of a falls on failed calls.",
		}},
		"the baseline keeps more": {fast, failing, []string{
			"a keeps 100.00 % of GetUser calls in SLO; b 97.00 % (+3.00 points).", "a has the lowest p99 too: 9.78 ms.",
		}},
		"most in SLO and lowest p99 differ": {with(func(s *shape) { s.late = 0.002 }), slow, []string{
			"b keeps 100.00 % of GetUser calls in SLO; a 99.80 % (+0.20 points).", "a has the lowest p99: 9.78 ms.",
		}},
		"both fail": {failing, failing, []string{"GetUser: 97.00 % of calls in SLO in every variant; the p99 falls on failed calls."}},
		"too few":   {few, few, []string{"GetUser: 100.00 % of calls in SLO in every variant; no p99 is known."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := append(c.want, "Point estimates over 7 trials; no intervals yet.")
			got := newPage(two(t, c.a, c.b)).headline
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "\u00a0", " ")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A column that is the same in every row is in the heading, and only there.
func TestEqualColumnsMove(t *testing.T) {
	same := shape{rate: 100, seconds: 10, p50: 2e6, p99: 1e7, attempts: 1}
	s := newPage(two(t, same, same)).sections[0]
	var heads []string
	for _, c := range s.columns {
		heads = append(heads, c.head)
	}
	if diff := cmp.Diff([]string{"policy", "p50 ms", "p90 ms", "p99 ms", "p99 vs a", "CPU µs"}, heads); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	for _, item := range []string{"100.00 % in SLO", "no call failed", "1.00 attempts a call", "100 OK/s"} {
		if !slices.Contains(s.heading[1], item) {
			t.Errorf("the heading lacks %q: %q", item, s.heading)
		}
	}
}

// A rate that is compared is a setting, and stands in no heading.
func TestComparedRate(t *testing.T) {
	r := two(t, shape{rate: 100, seconds: 10, p50: 2e6, p99: 1e7, attempts: 1}, shape{rate: 400, seconds: 10, p50: 2e6, p99: 2e7, attempts: 1})
	r.Scenario.Dimensions[0] = result.Dimension{Name: "load.reads.rate", Values: []string{"100/s", "400/s"}, Baseline: "100/s"}
	for i, rate := range r.Scenario.Dimensions[0].Values {
		r.Variants[i].Settings = map[string]string{"load.reads.rate": rate}
	}
	s := newPage(r).sections[0]
	if !slices.Contains(s.heading[0], "open loop, poisson") {
		t.Errorf("heading %q", s.heading[0])
	}
	at := slices.IndexFunc(s.columns, func(c column) bool { return c.rank == rankOffered })
	if at < 0 || !slices.Equal(s.columns[at].cells, []string{"100", "400"}) {
		t.Errorf("offered is not a column: %+v", s.columns)
	}
}

// Figures are dropped from the end of their ranks, and settings never.
func TestFitDropsByRank(t *testing.T) {
	all := newPage(outage(t)).sections[0].columns
	for columns := leastColumns; columns <= 130; columns++ {
		shown := fit(all, columns)
		if total(shown) > columns {
			t.Errorf("%d columns: %d", columns, total(shown))
		}
		if shown[0].rank != rankSettings || shown[1].rank != rankInSLO {
			t.Errorf("%d columns: begins with ranks %d, %d", columns, shown[0].rank, shown[1].rank)
		}
		if first := shown[0].text(1); !strings.HasPrefix(first, "fix") || !strings.HasSuffix(first, " *") {
			t.Errorf("%d columns: the baseline lost its name or mark: %q", columns, shown[0].cells)
		}
		// Whatever is missing would not fit beside what is shown.
		for _, c := range all {
			if !slices.ContainsFunc(shown, func(s column) bool { return s.rank == c.rank }) && total(shown)+gap+c.width() <= columns {
				t.Errorf("%d columns: %q would fit", columns, c.head)
			}
		}
	}
	if shown := fit(all, 130); len(shown) != len(all) {
		t.Errorf("%d of %d columns at 130", len(shown), len(all))
	}
}

func TestStates(t *testing.T) {
	state := func(name string, states ...result.State) result.Variant {
		v := result.Variant{Name: name}
		for _, s := range states {
			v.Trials = append(v.Trials, result.Trial{State: s})
		}
		return v
	}
	for name, c := range map[string]struct {
		in   []result.Variant
		want []string
	}{
		"the same": {[]result.Variant{state("a", "saturated"), state("b", "saturated")}, []string{"every trial saturated"}},
		"good":     {[]result.Variant{state("a", "steady"), state("b", "recovered")}, []string{"every trial steady or recovered"}},
		"mixed": {[]result.Variant{state("a", "steady", "saturated"), state("b", "not recovered", "saturated", "not recovered")}, []string{
			"a saturated in 1 of 2 trials", "b not recovered in 2 of 3 trials", "b saturated in 1 of 3 trials",
		}},
		"unknown": {[]result.Variant{state("a", "")}, nil},
	} {
		if diff := cmp.Diff(c.want, states(&result.Result{Variants: c.in})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var many []result.Variant
	for i := range 9 {
		many = append(many, state(fmt.Sprint("v", i), "saturated", "steady"))
	}
	if got := states(&result.Result{Variants: many}); len(got) != 7 || got[6] != "3 more findings of state" {
		t.Errorf("many: %q", got)
	}
}

func TestReasonText(t *testing.T) {
	for want, r := range map[string]result.Reason{
		"SUSPECT: lag_p99 1.23 ms (limit 1 ms): late":     {Code: "lag_p99", Verdict: "SUSPECT", Figure: 1.234e6, Limit: 1e6, Detail: "late"},
		"INVALID: sent_share 95 % (limit 99 %)":           {Code: "sent_share", Verdict: "INVALID", Figure: 0.95, Limit: 0.99},
		"INVALID: fleet_died: it ended":                   {Code: "fleet_died", Verdict: "INVALID", Figure: 1, Detail: "it ended"},
		"INVALID: books_attempts 1,002 (limit 1,000): no": {Code: "books_attempts", Verdict: "INVALID", Figure: 1002, Limit: 1000, Detail: "no"},
	} {
		if got := reasonText(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
