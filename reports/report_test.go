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
	"github.com/grpcbench/grpcbench/reports/stats"
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
		r := single(t)
		r.Validity = result.Validity{Verdict: verdict}
		text := render(t, Table, r, Options{Color: true})
		if !strings.Contains(text, want+"measurement "+string(verdict)+"\x1b[0m") {
			t.Errorf("%s is not coloured: %q", verdict, text)
		}
	}
}

func TestFormats(t *testing.T) {
	var names []string
	r := outage(t)
	texts := documents(t, r)
	for _, f := range Formats() {
		names = append(names, f.Name)
		if f.Doc == "" || !strings.HasPrefix(f.Extension, ".") {
			t.Errorf("%s has no doc or no extension", f.Name)
		}
		if (f.Render == nil) == (f.Parts == nil) || f.Parts != nil && f.Together != nil {
			t.Errorf("%s must be one document or several parts", f.Name)
		}
		if f.Parts != nil {
			parts, _ := f.Parts(r, Options{})
			for _, part := range parts {
				if err := part.Write(broken{}); !errors.Is(err, errBroken) {
					t.Errorf("%s/%s hides a writer's error: %v", f.Name, part.Name, err)
				}
			}
			continue
		}
		if text := texts[f.Name]; !strings.Contains(text, "UNAVAILABLE") && !strings.Contains(text, "exponential") {
			t.Errorf("%s shows nothing of the result: %s", f.Name, text)
		}
		if err := f.Render(broken{}, r, Options{}); !errors.Is(err, errBroken) {
			t.Errorf("%s hides a writer's error: %v", f.Name, err)
		}
		if f.Together == nil {
			continue
		}
		var one, two strings.Builder
		if err := f.Together(&one, []*result.Result{r}, Options{}); err != nil || one.String() != texts[f.Name] {
			t.Errorf("%s: one result together is not that result alone (%v)", f.Name, err)
		}
		if err := f.Together(&two, []*result.Result{r, single(t)}, Options{}); err != nil || two.Len() <= one.Len() {
			t.Errorf("%s: two results are not more than one (%v)", f.Name, err)
		}
		if err := f.Together(broken{}, []*result.Result{r, r}, Options{}); !errors.Is(err, errBroken) {
			t.Errorf("%s together hides a writer's error: %v", f.Name, err)
		}
	}
	want := []string{
		"table", "markdown", "json", "html", "svg", "png", "csv", "gobench", "hlog", "hgrm", "junit", "github", "action-benchmark", "openmetrics",
	}
	if diff := cmp.Diff(want, names); diff != "" {
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
	if shown := fit(all, 170); len(shown) != len(all) {
		t.Errorf("%d of %d columns at 170", len(shown), len(all))
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

func TestFaults(t *testing.T) {
	get := result.Load{Method: "user.v1.UserService/GetUser"}
	for where, want := range map[string]bool{
		"": true, "GetUser": true, "user.v1.UserService/GetUser": true, "/user.v1.UserService/GetUser": true,
		"ListUsers": false, "other.Service/GetUser": false, "User": false,
	} {
		f := result.FaultWindow{Method: where}
		if got := f.Touches(get.Method); got != want {
			t.Errorf("a fault of %q touches GetUser: %v", where, got)
		}
	}
	for want, f := range map[string]result.FaultWindow{
		"down throughout":                    {Kind: "down"},
		"down of b0 from 2 s":                {Name: "down", Kind: "down", AtNS: 2e9, Backends: []int{0}},
		"flap (down) 2–2.5 s and every 3 s":  {Name: "flap", Kind: "down", AtNS: 2e9, ForNS: 5e8, EveryNS: 3e9},
		"outage (down) of b1, b2 2–5.5 s":    {Name: "outage", Kind: "down", AtNS: 2e9, ForNS: 35e8, Backends: []int{1, 2}},
		"outage (down) of 5 backends −1–1 s": {Name: "outage", Kind: "down", AtNS: -1e9, ForNS: 2e9, Backends: []int{1, 2, 3, 4, 5}},
	} {
		if got := faultName(f) + " " + faultTime(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	flap := chartFault{from: -4, to: -3.5, every: 3} // open from 2 to 2.5 s, from 5 to 5.5 s, …
	for at, want := range []bool{false, false, true, false, false, true, false} {
		if got := flap.marks(float64(at), float64(at+1)); got != want {
			t.Errorf("second %d marked: %v", at, got)
		}
	}
	outage, bad := result.FaultWindow{Name: "outage", Kind: "down", AtNS: 1e9}, result.FaultWindow{Name: "bad", Kind: "status"}
	table := table{rows: []row{{label: "a"}, {label: "b"}, {label: "c"}}}
	table.rows[0].faults = []result.FaultWindow{outage}
	table.rows[1].faults = []result.FaultWindow{outage, bad}
	want := []note{{noteFaults, "outage (down) from 1 s not in c"}, {noteFaults, "bad (status) throughout only in b"}}
	if diff := cmp.Diff(want, table.faultNotes(), cmp.AllowUnexported(note{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i := range 6 {
		many := result.FaultWindow{Kind: "down", AtNS: int64(i) * 1e9, ForNS: 1e9}
		table.rows[2].faults = append(table.rows[2].faults, many)
	}
	if got := table.faultNotes(); len(got) != 5 || got[4].text != "4 more faults in some variants" {
		t.Errorf("many: %v", got)
	}
}

func TestUnended(t *testing.T) {
	figures := func(label string, unfinished, dropped int64) row {
		return row{label: label, figures: stats.Figures{Unfinished: unfinished, Dropped: dropped}}
	}
	for want, rows := range map[string][]row{
		"": {figures("a", 0, 0), figures("b", 0, 0)},
		"1 unfinished call (still running when the drain ended)":                                                 {figures("a", 1, 0)},
		"414 unfinished calls (still running when the drain ended) and 294 dropped ones (max_in_flight reached)": {figures("a", 414, 294)},
		"300–414 dropped ones a variant (max_in_flight reached)":                                                 {figures("a", 0, 414), figures("b", 0, 300)},
		"unfinished calls (still running when the drain ended): 9 in b, 1 in a":                                  {figures("a", 1, 0), figures("b", 9, 0)},
		"dropped ones (max_in_flight reached): 9 in e, 8 in d, 7 in c and 1 more": {
			figures("a", 0, 0), figures("b", 0, 6), figures("c", 0, 7), figures("d", 0, 8), figures("e", 0, 9),
		},
	} {
		table := table{rows: rows}
		got := ""
		for _, n := range table.unended() {
			got += strings.TrimPrefix(n.text, "failed % includes ")
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The begin of a hash is cut between characters, whatever a damaged result has there.
func TestSourceIsWhole(t *testing.T) {
	for hash, want := range map[string]string{"5a7c0f": "x.yaml 5a7c", "5": "x.yaml 5", "": "x.yaml", "漢字漢字漢字": "x.yaml 漢字漢字"} {
		if got := source(result.Scenario{File: "x.yaml", SHA256: hash}); got != want {
			t.Errorf("%q: %q, want %q", hash, got, want)
		}
	}
}

// What was asked of the intervals, and what they came to.
func TestReached(t *testing.T) {
	share := func(v float64) *float64 { return &v }
	for want, s := range map[string]result.Scenario{
		"": {Trials: 7},
		"intervals within ±4.1 %, ±5 % asked for, after 9 trials":         {Trials: 9, Precision: 0.05, Reached: share(0.041)},
		"intervals within ±6.3 % after 30 trials: ±5 % were asked for":    {Trials: 30, Precision: 0.05, Reached: share(0.063)},
		"intervals within ±1,021 % after 7 trials: ±0.5 % were asked for": {Trials: 7, Precision: 0.005, Reached: share(10.2144)},
		"intervals within ±0 %, ±5 % asked for, after 6 trials":           {Trials: 6, Precision: 0.05, Reached: share(0)},
		"intervals within ±5 % were asked for, and are not known":         {Trials: 30, Precision: 0.05},
	} {
		if got := reached(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// samplesOf is trials as a row has them.
func samplesOf(trials []result.Trial) (samples []stats.Sample) {
	for i := range trials {
		samples = append(samples, stats.Sample{Trial: &trials[i]})
	}
	return samples
}

// How soon variants recover stands in a column of its own, where any needed more
// than a moment.
func TestRecoveryColumn(t *testing.T) {
	after := func(seconds int64) result.Trial {
		ns := seconds * int64(time.Second)
		return result.Trial{State: result.Recovered, RecoveryNS: &ns}
	}
	never := result.Trial{State: result.NotRecovered, MeasuredNS: 20e9}
	table := func(trials ...[]result.Trial) *table {
		var t table
		for _, of := range trials {
			faults := []result.FaultWindow{{Name: "outage", AtNS: 5e9, ForNS: 3e9}}
			t.rows = append(t.rows, row{variant: &result.Variant{Faults: faults}, samples: samplesOf(of)})
		}
		return &t
	}
	stuck := result.Trial{State: result.Metastable, MeasuredNS: 90e9}
	c, shown := table([]result.Trial{after(7), after(9), never}, []result.Trial{never, never, after(3)}, []result.Trial{stuck, stuck, never},
		[]result.Trial{{State: result.InFault}}).backColumn()
	if diff := cmp.Diff([]string{"9 s", "not by 12 s", "metastable", blank}, c.cells); diff != "" || !shown || c.head != "recovery" {
		t.Errorf("shown %v, %q (-want +got):\n%s", shown, c.head, diff)
	}
	// One that was cut short is known by its whole seconds.
	cut := result.Trial{State: result.NotRecovered, MeasuredNS: 12_554_896_123}
	if c, _ := table([]result.Trial{cut}).backColumn(); c.cells[0] != "not by 4 s" {
		t.Errorf("cut short: %q", c.cells[0])
	}
	if _, shown := table([]result.Trial{after(0), after(0)}, []result.Trial{after(0)}).backColumn(); shown {
		t.Error("shown where all recovered at once")
	}
	if _, shown := table([]result.Trial{{State: result.Steady}}).backColumn(); shown {
		t.Error("shown without a fault")
	}
}
