package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
)

// edited is a copy of a stored result with something changed.
func edited(t *testing.T, stored string, edit func(*result.Result)) string {
	t.Helper()
	r := readJSON(t, filepath.Join(stored, resultName))
	edit(r)
	path := filepath.Join(t.TempDir(), "edited.json")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each exit code of gates, and which goes before which.
func TestReportGates(t *testing.T) {
	stored := storedResult(t) // two trials of none and immediate; 30 % of attempts fail
	invalid := edited(t, stored, func(r *result.Result) { r.Validity.Verdict = result.Invalid })
	const passes, fails, open = "in_slo{variant=immediate} > 90%", "in_slo{variant=none} > 90%", "attempts <= baseline + 5%"
	for name, test := range map[string]struct {
		args []string
		code int
		want string // of the table and of standard error
	}{
		"passed":                    {[]string{stored, "--gate", passes}, exitOK, "gate passed: " + passes},
		"failed":                    {[]string{stored, "--gate", fails}, exitGate, "gate failed: " + fails},
		"inconclusive":              {[]string{stored, "--gate", open}, exitInconclusive, "2 trials cannot show a difference: 6 are needed"},
		"inconclusive, accepted":    {[]string{stored, "--gate", open, "--inconclusive=pass"}, exitOK, "gate inconclusive"},
		"failed and inconclusive":   {[]string{stored, "--gate", open, "--gate", fails}, exitGate, "gate failed"},
		"failed, the rest accepted": {[]string{stored, "--gate", open, "--gate", fails, "--inconclusive=pass"}, exitGate, "gate failed"},
		"INVALID":                   {[]string{invalid, "--gate", fails}, exitInvalid, "gate not judged"},
		"INVALID and another":       {[]string{stored, invalid, "--gate", fails}, exitInvalid, "gate failed"},
		"as Markdown":               {[]string{stored, "--gate", fails, "--format", "markdown"}, exitGate, "❌ **failed**"},
		"as a step summary":         {[]string{stored, "--gate", passes, "--format", "github"}, exitOK, "✅ 1 gate passed"},
		"as JUnit":                  {[]string{stored, "--gate", fails, "--format", "junit"}, exitGate, "<failure message="},
		"as JSON":                   {[]string{stored, "--gate", fails, "--format", "json"}, exitGate, `"outcome": "failed"`},
		"as a page":                 {[]string{stored, "--gate", fails, "--format", "html"}, exitGate, `<span class="chip bad">failed</span>`},
	} {
		code, stdout, stderr := command(t, append([]string{"report"}, test.args...)...)
		if code != test.code || !strings.Contains(strings.Join(strings.Fields(stdout), " "), test.want) {
			t.Errorf("%s: code %d, want %d and %q\n%s%s", name, code, test.code, test.want, stdout, stderr)
		}
		if failed := strings.Contains(stderr, "gate failed"); failed != (test.code == exitGate || name == "INVALID and another") {
			t.Errorf("%s: standard error says %q", name, stderr)
		}
	}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no such gate":     {[]string{"--gate", "p99 < 20"}, "--gate: must be a duration"},
		"no such variant":  {[]string{"--gate", "p99{variant=immediat} < 20ms"}, "did you mean immediate?"},
		"no such baseline": {[]string{"--gate", "p99 < @main", "--baselines", t.TempDir()}, `there is no baseline "main"`},
		"no gate":          {[]string{"--inconclusive", "pass"}, "--inconclusive is for --gate, and none is given"},
		"no gate's name":   {[]string{"--baselines", t.TempDir()}, "--baselines is for --gate, and none is given"},
		"no such choice":   {[]string{"--gate", passes, "--inconclusive", "maybe"}, `--inconclusive must be pass or fail (got "maybe")`},
	} {
		code, stdout, stderr := command(t, append([]string{"report", stored}, test.args...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: code %d, %q, want %q", name, code, stderr, test.want)
		}
	}
}

// A run judges the document's gates and those of the command line, keeps what
// came of them, and renders it again.
func TestRunGates(t *testing.T) {
	file := write(t, "gated.yaml", small+"gates: ['in_slo{variant=none} > 90%', 'errors < 90%']\n")
	out := t.TempDir()
	code, stdout, stderr := inVirtualTime(t, "run", file, "--out", out, "--gate", "attempts <= baseline + 5%")
	if code != exitGate || !strings.Contains(stderr, "grpcbench: gate failed: in_slo{variant=none} > 90%: retry=none reads: ") {
		t.Errorf("code %d\n%s", code, stderr)
	}
	r := readJSON(t, filepath.Join(out, resultName))
	var outcomes []string
	for _, g := range r.Gates {
		outcomes = append(outcomes, string(g.Outcome))
	}
	if got := strings.Join(outcomes, ", "); got != "failed, passed, inconclusive" {
		t.Errorf("the result has %s", got)
	}
	if code, again, _ := command(t, "report", out); code != exitOK || again != stdout || !strings.Contains(again, "gate failed") {
		t.Errorf("report does not repeat the run's table (code %d):\n%s", code, again)
	}
	if code, _, stderr := inVirtualTime(t, "run", smallScenario(t), "--out", t.TempDir(), "--gate", "attempts <= baseline + 5%"); code != exitInconclusive {
		t.Errorf("inconclusive: code %d\n%s", code, stderr)
	}
	if code, _, stderr := inVirtualTime(t, "run", smallScenario(t), "--out", t.TempDir(), "--gate", "errors < 90%"); code != exitOK {
		t.Errorf("passed: code %d\n%s", code, stderr)
	}
	// What is wrong is told before anything is run.
	for _, gate := range []string{"p99 < 20", "p99{load=raeds} < 20ms", "p99 < @nobody"} {
		out := filepath.Join(t.TempDir(), "out")
		if code, _, stderr := inVirtualTime(t, "run", smallScenario(t), "--out", out, "--gate", gate); code != exitUsage {
			t.Errorf("%s: code %d, %s", gate, code, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s was run", gate)
		}
	}
}

// An interruption goes before a gate that failed, which is judged all the same.
func TestInterruptedBeforeAGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var out, errs bytes.Buffer
		dir := t.TempDir()
		code := runWith(ctx, []string{"run", smallScenario(t), "--out", dir, "--gate", "errors < 1%", "--quiet"}, &out, &errs, deps{
			Listen: network.Listen,
			Dial:   func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) },
		})
		if r := readJSON(t, filepath.Join(dir, resultName)); code != exitInterrupted || !r.Partial || r.Gates[0].Outcome != result.GateFailed {
			t.Errorf("code %d, partial %v, %+v\n%s", code, r.Partial, r.Gates, &errs)
		}
	})
}

func TestBaselines(t *testing.T) {
	stored, dir := storedResult(t), filepath.Join(t.TempDir(), "kept")
	if code, stdout, _ := command(t, "baseline", "list", "--dir", dir); code != exitOK || stdout != "" {
		t.Errorf("an empty list: code %d, %q", code, stdout)
	}
	if code, stdout, stderr := command(t, "baseline", "save", "release/v1.2", stored, "--dir", dir); code != exitOK || stdout != filepath.Join(dir, "release", "v1.2.json")+"\n" {
		t.Fatalf("save: code %d, %q, %s", code, stdout, stderr)
	}
	if code, stdout, _ := command(t, "baseline", "list", "--dir", dir); code != exitOK || !strings.Contains(stdout, "release/v1.2  small ") {
		t.Errorf("list: code %d, %q", code, stdout)
	}
	_, table, _ := command(t, "report", stored)
	if code, stdout, stderr := command(t, "baseline", "show", "release/v1.2", "--dir", dir); code != exitOK || stdout != table {
		t.Errorf("show: code %d, %s\n%s", code, stderr, stdout)
	}
	// Against itself nothing fails.
	if code, _, stderr := command(t, "report", stored, "--gate", "in_slo >= @release/v1.2 - 1pp", "--baselines", dir); code != exitInconclusive || !strings.Contains(stderr, "2 trials against 2 cannot show a difference") {
		t.Errorf("against itself: code %d, %s", code, stderr)
	}
	invalid := edited(t, stored, func(r *result.Result) { r.Validity.Verdict = result.Invalid })
	partial := edited(t, stored, func(r *result.Result) { r.Partial = true })
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"INVALID":         {[]string{"save", "x", invalid}, "is INVALID"},
		"partial":         {[]string{"save", "x", partial}, "is partial"},
		"escaping":        {[]string{"save", "x/../../y", stored}, "a baseline's name must be"},
		"absolute":        {[]string{"save", "/x", stored}, "a baseline's name must be"},
		"nearly":          {[]string{"show", "release/v1.3"}, `did you mean "release/v1.2"?`},
		"nothing":         {[]string{}, "want save NAME RESULT"},
		"too much":        {[]string{"list", "x"}, "want save NAME RESULT"},
		"no such command": {[]string{"drop", "x"}, "want save NAME RESULT"},
		"force a list":    {[]string{"list", "--force"}, "--force is of save"},
	} {
		code, _, stderr := command(t, append(append([]string{"baseline"}, test.args...), "--dir", dir)...)
		if code != exitUsage || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: code %d, %q", name, code, stderr)
		}
	}
	if code, _, stderr := command(t, "baseline", "save", "x", invalid, "--dir", dir, "--force"); code != exitOK {
		t.Errorf("--force: code %d, %s", code, stderr)
	}
}

// compare refuses what differs in more than what is compared, and judges by gates
// with the old result as @old.
func TestCompare(t *testing.T) {
	stored := storedResult(t)
	elsewhere := edited(t, stored, func(r *result.Result) { r.Environment.CPUModel = "Z80\x1b[2J" })
	other := edited(t, stored, func(r *result.Result) { r.Scenario.WorkloadSHA256 = "0" })
	both := edited(t, stored, func(r *result.Result) { r.Scenario.WorkloadSHA256, r.Environment.CPUModel = "0", "Z80\x1b[2J" })
	none := edited(t, stored, func(r *result.Result) { r.Variants = r.Variants[:1] })
	immediate := edited(t, stored, func(r *result.Result) { r.Variants = r.Variants[1:] })
	otherLoad := edited(t, stored, func(r *result.Result) { r.Variants[1].Loads[0].RatePerS++ })
	dir := filepath.Join(t.TempDir(), "kept")
	if code, _, stderr := command(t, "baseline", "save", "main", stored, "--dir", dir); code != exitOK {
		t.Fatal(stderr)
	}
	for name, test := range map[string]struct {
		args []string
		code int
		want string // of either output
	}{
		"itself":             {[]string{stored, stored}, exitOK, "Too few trials to show a change."},
		"a baseline":         {[]string{"@main", stored, "--baselines", dir}, exitOK, "too few trials to show a difference"},
		"as Markdown":        {[]string{stored, stored, "--format", "markdown"}, exitOK, "| variant | figure |"},
		"another machine":    {[]string{elsewhere, stored}, exitUsage, "CPU: Z80\ufffd[2J before, "},
		"another scenario":   {[]string{other, stored}, exitUsage, "scenario: 0 before, "},
		"both":               {[]string{both, stored}, exitUsage, " now\n  CPU: Z80\ufffd[2J before, "},
		"nothing in common":  {[]string{none, immediate}, exitOK, "Nothing was compared:"},
		"another load":       {[]string{otherLoad, stored}, exitUsage, "load: retry=immediate has another reads"},
		"all the same":       {[]string{other, stored, "--force"}, exitOK, "NOT COMPARABLE"},
		"a gate that passes": {[]string{stored, stored, "--gate", "in_slo > 1%"}, exitOK, "gate passed"},
		"a gate that fails":  {[]string{stored, stored, "--gate", "in_slo > 99.9%"}, exitGate, "gate failed"},
		"a gate against old": {[]string{stored, stored, "--gate", "p50 <= @old + 5%"}, exitInconclusive, "2 trials against 2 cannot show"},
		"no such baseline":   {[]string{"@mian", stored, "--baselines", dir}, exitUsage, `did you mean "main"?`},
		"one":                {[]string{stored}, exitUsage, "want OLD and NEW"},
		"nothing to pass":    {[]string{stored, stored, "--inconclusive", "pass"}, exitUsage, "--inconclusive is for --gate, and none is given"},
		"no such format":     {[]string{stored, stored, "--format", "csv"}, exitUsage, "--format must be one of table, markdown, json (got \"csv\")"},
	} {
		code, stdout, stderr := command(t, append([]string{"compare"}, test.args...)...)
		if code != test.code || !strings.Contains(stdout+stderr, test.want) || strings.Contains(stdout+stderr, "\x1b") {
			t.Errorf("%s: code %d, want %d and %q\n%s%s", name, code, test.code, test.want, stdout, stderr)
		}
	}
}

func TestHistory(t *testing.T) {
	stored := storedResult(t)
	invalid := edited(t, stored, func(r *result.Result) { r.Validity.Verdict = result.Invalid })
	file := filepath.Join(t.TempDir(), "history.jsonl")
	if code, _, stderr := command(t, "history", file); code != exitUsage || !strings.Contains(stderr, "no such file") {
		t.Errorf("without a file: code %d, %s", code, stderr)
	}
	code, stdout, stderr := command(t, "history", file, stored, invalid)
	if code != exitOK || !strings.Contains(stdout, "small · 1 run") || !strings.Contains(stderr, "is left out: an INVALID result") {
		t.Errorf("code %d, %s\n%s", code, stderr, stdout)
	}
	capacity := edited(t, stored, func(r *result.Result) { r.Capacity = &result.Capacity{} })
	if code, shown, stderr := command(t, "history", file, capacity); code != exitOK || shown != stdout || !strings.Contains(stderr, "is left out: a result of grpcbench capacity") {
		t.Errorf("of capacity: code %d, %s\n%s", code, stderr, shown)
	}
	code, again, stderr := command(t, "history", file, stored)
	if code != exitOK || again != stdout || !strings.Contains(stderr, "1 result known already") {
		t.Errorf("again: code %d, %s\n%s", code, stderr, again)
	}
	if code, shown, _ := command(t, "history", file); code != exitOK || shown != stdout {
		t.Errorf("to look at: code %d\n%s", code, shown)
	}
	broken := write(t, "broken.jsonl", "{}\n")
	if code, _, stderr := command(t, "history", broken, stored); code != exitUsage || !strings.Contains(stderr, "line 1 has history_version 0") {
		t.Errorf("broken: code %d, %s", code, stderr)
	}
	if code, _, stderr := command(t, "history"); code != exitUsage || !strings.Contains(stderr, "which history?") {
		t.Errorf("nothing: code %d, %s", code, stderr)
	}
}

// docs/gates.md and list name every figure.
func TestGateFiguresAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/gates.md")
	if err != nil {
		t.Fatal(err)
	}
	_, listed, _ := command(t, "list")
	for _, line := range gate.Doc() {
		name, doc, _ := strings.Cut(line, ": ")
		for _, part := range strings.Split(name, " … ") {
			if !strings.Contains(string(text), "`"+part+"`") {
				t.Errorf("docs/gates.md has no %s", part)
			}
		}
		if !strings.Contains(unwrapped(listed), unwrapped(doc)) {
			t.Errorf("list has no %s", name)
		}
	}
}

// A hopeless run stops, keeps what it has measured and says why.
func TestAbortWhen(t *testing.T) {
	long := strings.Replace(small, "measure: 1s", "measure: 6s", 1)
	file := write(t, "hopeless.yaml", long+"abort_when: ['errors{variant=none} > 10%']\n")
	out := t.TempDir()
	code, stdout, stderr := inVirtualTime(t, "run", file, "--out", out)
	if code != exitGate || !strings.Contains(stderr, "grpcbench: aborted: errors{variant=none} > 10% holds for reads after 3 s of retry=none, block 0") {
		t.Errorf("code %d\n%s", code, stderr)
	}
	if !strings.Contains(strings.Join(strings.Fields(stdout), " "), "PARTIAL: aborted, because errors{variant=none} > 10% holds for reads after 3 s") {
		t.Errorf("the table does not say why:\n%s", stdout)
	}
	r := readJSON(t, filepath.Join(out, resultName))
	last := r.Variants[0].Trials[len(r.Variants[0].Trials)-1]
	if !r.Partial || r.Aborted == "" || !last.Partial || last.MeasuredNS < 3e9 || last.MeasuredNS > 4e9 || r.Validity.Verdict == result.Invalid {
		t.Errorf("partial %v, aborted %q, trial of %d ns, %+v", r.Partial, r.Aborted, last.MeasuredNS, r.Validity)
	}
	// A condition that does not hold, or a measurement that is too short, stops nothing.
	for _, document := range []string{long + "abort_when: [errors > 40%, p50 > 1s]\n", small + "abort_when: [errors > 1%]\n"} {
		if code, _, stderr := inVirtualTime(t, "run", write(t, "hopeful.yaml", document), "--out", t.TempDir()); code != exitOK {
			t.Errorf("code %d\n%s", code, stderr)
		}
	}
}
