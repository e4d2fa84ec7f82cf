package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// quickFormats is all formats, but for pictures under the race detector: one goroutine
// draws them, and their millions of pixels would take it minutes.
func quickFormats() []Format {
	return slices.DeleteFunc(slices.Clone(Formats()), func(f Format) bool { return raceEnabled && f.Name == "png" })
}

// documents renders the result in every format: by the format's name, and the
// part's behind a slash.
func documents(t testing.TB, r *result.Result) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, f := range quickFormats() {
		var b bytes.Buffer
		if f.Parts == nil {
			if err := f.Render(&b, r, Options{}); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			out[f.Name] = b.String()
			continue
		}
		parts, err := f.Parts(r, Options{})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		for _, part := range parts {
			b.Reset()
			if err := part.Write(&b); err != nil {
				t.Errorf("%s: %s: %v", f.Name, part.Name, err)
			}
			name := f.Name + "/" + part.Name
			if _, twice := out[name]; twice || part.Name == "" || safe(part.Name) != part.Name {
				t.Errorf("%s: a bad name for a file", name)
			}
			out[name] = b.String()
		}
	}
	return out
}

// encoded is HDR data: what compression makes of it is not ours to keep.
var encoded = regexp.MustCompile(`HISTF[A-Za-z0-9+/=]+`)

func TestMachineGoldens(t *testing.T) {
	texts := documents(t, overlays(t))
	for name, file := range map[string]string{
		"csv": "overlays.csv", "gobench": "overlays.bench.txt", "hlog": "overlays.hlog", "junit": "overlays.xml",
		"hgrm/traffic=strict": "overlays-strict.hgrm", "openmetrics": "overlays.prom.txt", "github": "overlays.github.md",
		"action-benchmark/smaller-is-better": "overlays-smaller.json", "action-benchmark/bigger-is-better": "overlays-bigger.json",
	} {
		golden(t, file, []byte(encoded.ReplaceAllString(texts[name], "HISTF…")))
	}
}

// Gates of an INVALID result share a line.
func TestGatesNotJudged(t *testing.T) {
	r := single(t)
	for _, text := range []string{"p99 < 20ms", "errors < 1%"} {
		r.Gates = append(r.Gates, result.Gate{Text: text, Outcome: result.GateNotJudged, Reason: "the measurement is INVALID"})
	}
	if text := render(t, Table, r, Options{Columns: 100}); !strings.Contains(text, "2 gates not judged, the measurement is INVALID: p99 < 20ms · errors < 1%\n") {
		t.Error(text)
	}
}

// hostileEverywhere is hostile, with text that begins like a formula too.
func hostileEverywhere(t testing.TB) *result.Result {
	r := hostile(t)
	const formula = "=HYPERLINK(\"http://evil\")"
	r.Environment.CPUModel, r.Environment.Go, r.Note = nasty, nasty, nasty
	r.Labels = map[string]string{nasty: nasty, "formula": formula}
	r.Scenario.About, r.Scenario.Document = nasty, "name: x\n"+nasty+"\n```\n</details>\n<img src=x onerror=alert(1)>\n"
	for i := range r.Variants {
		v := &r.Variants[i]
		v.Settings["formula"] = formula
		for j := range v.Trials {
			t := &v.Trials[j]
			t.Validity.Reasons = append(t.Validity.Reasons, result.Reason{Code: nasty, Verdict: nasty, Detail: nasty})
			t.Client.Picks = []result.Picks{{Backend: nasty, Picks: 3}, {Backend: formula, Picks: 4}}
			t.BreakersAtT0 = []result.BreakerChange{{AtNS: -1, Name: nasty, From: nasty, To: nasty}}
			t.Fleet.Backends = []result.Backend{{Name: nasty, Address: nasty, Attempts: map[string]int64{nasty: 3}}}
			s := &t.Series[0]
			s.Origins[nasty] = 2
			s.Codes[formula] = 0
			for k := range t.Intervals {
				t.Intervals[k].Series[0].Codes = map[string]int64{nasty: 1}
				t.Intervals[k].Breakers = []result.BreakerChange{{Name: nasty, From: nasty, To: nasty}}
			}
		}
	}
	r.Scenario.Dimensions = append(r.Scenario.Dimensions, result.Dimension{Name: "formula", Values: []string{formula}})
	return r
}

// No format lets through what a terminal obeys or what turns text around. The
// page keeps words together with spaces that do not break, and JSON keeps the
// spaces it was given.
func TestHostileTextInEveryFormat(t *testing.T) {
	r := hostileEverywhere(t)
	for name, text := range documents(t, r) {
		if strings.HasPrefix(name, "png/") {
			continue // no text: a picture
		}
		if !utf8.ValidString(text) {
			t.Errorf("%s is not UTF-8", name)
		}
		for i, c := range text {
			if c != '\n' && c != '\t' && (!unicode.IsPrint(c) || c == '\u202e') && !unicode.Is(unicode.Zs, c) {
				t.Errorf("%s: %U at byte %d", name, c, i)
				break
			}
		}
	}
	texts := documents(t, r)
	for _, row := range readCSV(t, texts["csv"]) {
		for column, value := range row {
			for _, text := range []string{column, value} {
				if _, err := strconv.ParseFloat(text, 64); text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) && err != nil {
					t.Fatalf("a formula in the CSV: %q", text)
				}
			}
		}
	}
	checkJUnit(t, texts["junit"])
	checkOpenMetrics(t, texts["openmetrics"])
	if got := readBenchmarks(t, texts["gobench"]); len(got) != 14 {
		t.Errorf("%d benchmark lines, want 14", len(got))
	}
	if got := readLog(t, texts["hlog"]); len(got) != 28 {
		t.Errorf("%d histograms, want 28", len(got))
	}
	if n := strings.Count(texts["github"], "\n</details>\n"); n != 2 { // ours, and one inside a fence
		t.Errorf("%d ends of details", n)
	}
	unfenced := regexp.MustCompile("(?s)\n````yaml\n.*?\n````\n").ReplaceAllString(texts["github"], "\n")
	if strings.Contains(unfenced, "<img") || strings.Contains(unfenced, "<script") {
		t.Error("HTML survived in the summary")
	}
	for _, name := range []string{"action-benchmark/smaller-is-better", "action-benchmark/bigger-is-better"} {
		var entries []actionEntry
		if err := json.Unmarshal([]byte(texts[name]), &entries); err != nil || len(entries) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An interrupted result says so in every format that has words.
func TestInterruptedSaysSoInEveryFormat(t *testing.T) {
	for name, text := range documents(t, interrupted(t)) {
		want := "PARTIAL: interrupted after 13 of 28 trials"
		switch {
		case name == "json":
			want = `"partial": true`
		case name == "csv":
			want = ",true," // the trial that was cut short
		case strings.HasPrefix(name, "png/"):
			continue // it is drawn from what svg has
		case name == "openmetrics":
			want = `grpcbench_partial{scenario="backoffs"} 1 `
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say it is partial: %.300s", name, text)
		}
	}
}

func TestActionBenchmark(t *testing.T) {
	smaller, bigger := actionEntries(interrupted(t))
	by := map[string]actionEntry{}
	for _, e := range append(smaller, bigger...) {
		by[e.Name] = e
		if math.IsNaN(e.Value) || math.IsInf(e.Value, 0) || e.Unit == "" || !strings.Contains(e.Extra, "INVALID") {
			t.Errorf("%+v", e)
		}
	}
	if e := by["backoffs / reads / backoff=immediate / failed"]; e.Value != 100 || e.Unit != "%" {
		t.Errorf("%+v", e)
	}
	if e, there := by["backoffs / reads / backoff=immediate / p99"]; there {
		t.Errorf("a quantile of failed calls has an entry: %+v", e)
	}
	if e := by["backoffs / reads / backoff=none / in SLO"]; math.Abs(e.Value-95.03) > 1e-9 {
		t.Errorf("%+v", e)
	}
}

func TestGitHubIsCut(t *testing.T) {
	r := outage(t)
	whole := render(t, formatNamed("github").Render, r, Options{})
	if !strings.Contains(whole, "## backoffs: ✅ VALID") || strings.Contains(whole, "Cut here") {
		t.Errorf("%.500s", whole)
	}
	// Whatever is cut: what was open is closed, and the notice ends it.
	r.Scenario.Document = strings.Repeat("# ``` a line with 漢字\n", 60_000)
	long := render(t, formatNamed("github").Render, r, Options{})
	if len(long) > maxSummary || len(long) < maxSummary-1000 {
		t.Errorf("%d bytes, want nearly %d", len(long), maxSummary)
	}
	if !strings.HasSuffix(long, "prints all of it.**\n") || !strings.Contains(long, "\n````\n\n</details>\n\n**Cut here: the whole report is ") {
		t.Errorf("the end: %q", long[len(long)-300:])
	}
	for name, text := range map[string]string{
		"one long line": strings.Repeat("漢", 400_000), "lines": strings.Repeat("a line\n", 200_000), "just over": strings.Repeat("x\n", maxSummary/2+1),
	} {
		cut := cutMarkdown(text, maxSummary)
		if len(cut) > maxSummary || !utf8.ValidString(cut) || !strings.Contains(cut, "Cut here") {
			t.Errorf("%s: %d bytes, valid %v", name, len(cut), utf8.ValidString(cut))
		}
	}
	if exact := strings.Repeat("x\n", maxSummary/2); cutMarkdown(exact, maxSummary) != exact {
		t.Error("what just fits was cut")
	}
}

// Gates are in the formats that machines read: a case each, 1, 0 or unknown.
func TestGatesForMachines(t *testing.T) {
	r := gated(t)
	rows, err := csv.NewReader(strings.NewReader(documents(t, r)["csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows[1:] {
		n := len(row)
		if metric := row[n-3]; strings.HasPrefix(metric, "gate ") && !strings.Contains(metric, "script") {
			got = append(got, strings.Join([]string{row[2], row[3], row[4], row[5], metric, row[n-2], row[n-1]}, "|"))
		}
	}
	want := []string{
		"backoff=exponential|exponential|reads||gate in_slo{variant=exponential} > 99%|passed|1",
		"backoff=exponential|exponential|reads||gate in_slo{variant=exponential} > 99%|share|0.9995",
		"backoff=none|none|reads||gate p99 < 100ms|passed|0",
		"backoff=none|none|reads||gate p99 < 100ms|ms|inf",
		"backoff=fixed|fixed|reads||gate p99 < 100ms|passed|",
		"backoff=fixed|fixed|reads||gate p99 < 100ms|ms|99",
		"backoff=immediate|immediate|reads||gate p99 < 100ms|passed|1",
		"backoff=immediate|immediate|reads||gate p99 < 100ms|ms|14.2",
		"backoff=exponential|exponential|reads||gate p99 < 100ms|passed|",
		"backoff=exponential|exponential|reads||gate p99 < 100ms|ms|98.6",
		"backoff=none|none|reads||gate p99 <= baseline + 5%|passed|",
		"backoff=none|none|reads||gate p99 <= baseline + 5%|ratio|",
		"backoff=immediate|immediate|reads||gate p99 <= baseline + 5%|passed|1",
		"backoff=immediate|immediate|reads||gate p99 <= baseline + 5%|ratio|0.14",
		"backoff=exponential|exponential|reads||gate p99 <= baseline + 5%|passed|",
		"backoff=exponential|exponential|reads||gate p99 <= baseline + 5%|ratio|1.01",
		"||||gate errors <= @main + 0.1pp|passed|",
		"backoff=fixed|fixed|||gate imbalance{variant=fixed} < 1.5|passed|1",
		"backoff=fixed|fixed|||gate imbalance{variant=fixed} < 1.5|1|1.12",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}

	text := documents(t, r)["openmetrics"]
	for _, line := range []string{
		`grpcbench_gate{scenario="backoffs",gate="in_slo{variant=exponential} > 99%",variant="backoff=exponential",load="reads",outcome="passed"} 1 `,
		`grpcbench_gate{scenario="backoffs",gate="p99 < 100ms",variant="backoff=none",load="reads",outcome="failed"} 1 `,
		`grpcbench_gate{scenario="backoffs",gate="p99 <= baseline + 5%",variant="backoff=none",load="reads",outcome="inconclusive"} 1 `,
		`grpcbench_gate{scenario="backoffs",gate="errors <= @main + 0.1pp",outcome="inconclusive"} 1 `,
		`grpcbench_gate_figure{scenario="backoffs",gate="p99 < 100ms",variant="backoff=none",load="reads",unit="ms"} +Inf `,
		`grpcbench_gate_figure{scenario="backoffs",gate="p99 < 100ms",variant="backoff=fixed",load="reads",unit="ms"} 99 `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("OpenMetrics lacks %s", line)
		}
	}
}
