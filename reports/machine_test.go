package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/HdrHistogram/hdrhistogram-go"
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

// A gate is one case: failed is a failure, inconclusive is skipped, not judged is
// an error.
func TestGatesAreJUnitCases(t *testing.T) {
	r := gated(t)
	r.Gates[4].Outcome, r.Gates[4].Reason = result.GateNotJudged, "the measurement is INVALID"
	text := render(t, formatNamed("junit").Render, r, Options{})
	cases := checkJUnit(t, text)
	for name, want := range map[string]string{
		"in_slo{variant=exponential} > 99%": "", "p99 < 100ms": "failure", "p99 <= baseline + 5%": "skipped",
		"errors <= @main + 0.1pp": "skipped", "imbalance{variant=fixed} < 1.5": "error",
	} {
		one, ok := cases[name]
		got := ""
		for _, child := range one.Children {
			got = child.XMLName.Local
		}
		if !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(text, "backoff=none reads: lands on failed calls, must be &lt; 100 ms") {
		t.Errorf("the failure does not say why:\n%s", text)
	}
}

func TestCSV(t *testing.T) {
	r := interrupted(t)
	rows := readCSV(t, render(t, formatNamed("csv").Render, r, Options{}))
	at := func(row map[string]string, keys ...string) string {
		var out []string
		for _, k := range keys {
			out = append(out, row[k])
		}
		return strings.Join(out, "|")
	}
	seen := map[string]string{}
	for _, row := range rows {
		key := at(row, "variant", "load", "trial", "metric")
		if _, twice := seen[key]; twice {
			t.Errorf("two rows of %s", key)
		}
		seen[key] = row["value"] + " " + row["unit"]
		if row["setting.backoff"] == "" || row["scenario"] != "backoffs" || row["run"] != "2026-03-01T12:00:00Z" {
			t.Fatalf("row %v", row)
		}
		if row["value"] != "" && row["value"] != "inf" {
			if _, err := strconv.ParseFloat(row["value"], 64); err != nil {
				t.Errorf("%s: value %q", key, row["value"])
			}
		}
	}
	s := &r.Variants[0].Trials[4].Series[0]
	for key, want := range map[string]string{
		"backoff=none|reads|4|planned":                   fmt.Sprint(s.Planned, " calls"),
		"backoff=none|reads|4|code.UNAVAILABLE":          fmt.Sprint(s.Codes["UNAVAILABLE"], " calls"),
		"backoff=none|reads|4|response.p50":              fmt.Sprint(float64(*s.Latency[result.Response].P50NS)/1e6, " ms"),
		"backoff=none|reads|4|response.p99":              "inf ms", // it lands on a failed call
		"backoff=immediate|reads|0|response.p50":         "inf ms", // every call failed
		"backoff=fixed|reads|3|response.p99.9":           " ms",    // 500 calls are too few
		"backoff=fixed|reads|3|response.count":           "500 values",
		"backoff=none||4|client.cpu":                     fmt.Sprint(float64(r.Variants[0].Trials[4].Client.CPUNS)/1e9, " s"),
		"backoff=none||4|measured":                       "20 s",
		"backoff=none|reads|0|failed":                    "0.0497 share",
		"backoff=none|reads|0|origin.transport":          "497 calls",
		"backoff=none|reads|0|response.min":              seen["backoff=none|reads|0|response.min"],
		"backoff=none||0|service_time.actual_over_asked": "1.01 ratio",
	} {
		if got, there := seen[key]; !there || got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	// Results of one scenario stand below one head; dimensions of another are
	// columns beside them.
	both := readCSV(t, render(t, func(w io.Writer, r *result.Result, o Options) error {
		return CSV(w, []*result.Result{r, kinds(t)}, o)
	}, r, Options{}))
	first, last := both[0], both[len(both)-1]
	if first["setting.client.pool.size"] != "" || last["setting.client.pool.size"] != "4" || last["setting.backoff"] != "" || last["scenario"] != "pool-sizes" {
		t.Errorf("two results: %v … %v", first, last)
	}
}

func readCSV(t *testing.T, text string) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, head := range all[0] {
			row[head] = cells[i]
		}
		out = append(out, row)
	}
	return out
}

func formatNamed(name string) Format {
	for _, f := range quickFormats() {
		if f.Name == name {
			return f
		}
	}
	panic("no format " + name)
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)",
		"-3": "-3", "+1.5e3": "+1.5e3", "\t=1": "' =1", "  =1": "'  =1", "a=b": "a=b", "\r\n@x": "'  @x", "-": "'-", " x": " x",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
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
			want = `grpcbench_trial_valid{scenario="backoffs",variant="backoff=fixed",trial="0",setting_backoff="fixed"} 0`
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say it is partial: %.300s", name, text)
		}
	}
}

// benchLine is one line of benchmark text as its readers split it.
type benchLine struct {
	name  string
	n     int64
	units map[string]float64
}

func readBenchmarks(t *testing.T, text string) []benchLine {
	t.Helper()
	var out []benchLine
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || !strings.HasPrefix(f[0], "Benchmark") {
			if f := strings.SplitN(line, ":", 2); line != "\n" && line[0] != '#' && !strings.HasPrefix(line, "Unit ") &&
				!slices.Contains([]string{"goos", "goarch", "pkg", "cpu"}, f[0]) {
				t.Errorf("a line that is nothing: %q", line)
			}
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || len(f)%2 != 0 {
			t.Errorf("%v: %q", err, line)
		}
		l := benchLine{f[0], n, map[string]float64{}}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				t.Errorf("%v: %q", err, line)
			}
			l.units[f[i+1]] = v
		}
		out = append(out, l)
	}
	return out
}

func TestGoBench(t *testing.T) {
	lines := readBenchmarks(t, render(t, formatNamed("gobench").Render, kinds(t), Options{}))
	if len(lines) != 2*8*3 {
		t.Fatalf("%d lines", len(lines))
	}
	if got, want := lines[0].name, "BenchmarkPoolSizes/load=reads/pool.size=1/balance=round_robin/reads.rate=200_s-2"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	// A quantile that one trial does not have, no trial shows.
	lines = readBenchmarks(t, render(t, formatNamed("gobench").Render, interrupted(t), Options{}))
	for _, l := range lines {
		_, there := l.units["p99-ns"]
		if want := strings.Contains(l.name, "=fixed"); there != want {
			t.Errorf("%s: p99 there: %v", l.name, there)
		}
	}
	// The trial that was cut short is in none.
	if n := len(lines); n != 7+3+3 {
		t.Errorf("%d lines of an interrupted result, want 13", n)
	}
	// Dimensions whose short names are the same keep their whole names, and
	// values that differ never look the same.
	r := kinds(t)
	r.Scenario.Dimensions[0].Name, r.Scenario.Dimensions[1].Name = "client.rate", "fleet.rate"
	for i := range r.Variants {
		s := r.Variants[i].Settings
		s["client.rate"] = map[string]string{"1": "a b", "4": "a/b"}[s["client.pool.size"]]
		s["fleet.rate"] = s["client.balance"]
	}
	names := map[string]bool{}
	for _, l := range readBenchmarks(t, render(t, formatNamed("gobench").Render, r, Options{})) {
		names[l.name] = true
	}
	if !names["BenchmarkPoolSizes/load=reads/client.rate=a_b/fleet.rate=round_robin/reads.rate=200_s-2"] || len(names) != 16 {
		t.Errorf("%d names: %v", len(names), slices.Sorted(maps.Keys(names)))
	}
}

// benchstat itself compares the variants.
func TestBenchstat(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds benchstat")
	}
	file := filepath.Join(t.TempDir(), "bench.txt")
	if err := os.WriteFile(file, []byte(render(t, formatNamed("gobench").Render, outage(t), Options{})), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "benchstat", "-col", "/backoff", "-row", ".name /load", file).CombinedOutput()
	if err != nil {
		t.Fatalf("benchstat: %v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{"none", "fixed", "immediate", "exponential", "p50-sec", "in-slo-%", "vs base", "n=7", "Backoffs"} {
		if !strings.Contains(text, want) {
			t.Errorf("benchstat does not show %q:\n%s", want, text)
		}
	}
	// One table for each unit, not one for each run.
	if n := len(regexp.MustCompile("(?m)^.*p50-sec.*$").FindAllString(text, -1)); n != 1 {
		t.Errorf("%d tables of p50:\n%s", n, text)
	}
}

func readLog(t *testing.T, text string) []*hdrhistogram.Histogram {
	t.Helper()
	reader := hdrhistogram.NewHistogramLogReader(strings.NewReader(text))
	var out []*hdrhistogram.Histogram
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			return out
		}
		out = append(out, h)
	}
}

// What HdrHistogram's log reader reads is what the result holds.
func TestHLogRoundTrip(t *testing.T) {
	r := kinds(t)
	for i := range r.Variants {
		for j := range r.Variants[i].Trials {
			// Blocks: trial j of all variants, then the next.
			r.Variants[i].Trials[j].Started = r.Started.Add(time.Duration(1500*(j*len(r.Variants)+i)) * time.Millisecond)
		}
	}
	read := map[string][]*hdrhistogram.Histogram{}
	last := int64(0)
	for _, h := range readLog(t, render(t, formatNamed("hlog").Render, r, Options{})) {
		read[h.Tag()] = append(read[h.Tag()], h)
		if h.StartTimeMs() < last {
			t.Errorf("%s begins before the line above it", h.Tag())
		}
		last = h.StartTimeMs()
	}
	want := 0
	for i := range r.Variants {
		v := &r.Variants[i]
		for j := range v.Trials {
			for k := range v.Trials[j].Series {
				s := &v.Trials[j].Series[k]
				for m, l := range s.Latency {
					want++
					tag := safe(v.Name) + "/" + s.Name + "/" + string(m)
					if len(read[tag]) <= j {
						t.Fatalf("no histogram %d of %s", j, tag)
					}
					got := read[tag][j]
					original, err := hdrhistogram.Decode([]byte(l.HDR))
					if err != nil {
						t.Fatal(err)
					}
					if !got.Equals(original) || got.TotalCount() != l.Count {
						t.Errorf("%s, trial %d: the histogram is another", tag, j)
					}
					if start := v.Trials[j].Started.UnixMilli(); got.StartTimeMs() != start || got.EndTimeMs()-start != 2000 {
						t.Errorf("%s, trial %d: from %d to %d, want %d for 2 s", tag, j, got.StartTimeMs(), got.EndTimeMs(), start)
					}
				}
			}
		}
	}
	n := 0
	for _, list := range read {
		n += len(list)
	}
	if n != want {
		t.Errorf("%d histograms, want %d", n, want)
	}
	r.Variants[0].Trials[0].Series[0].Latency[result.Response] = result.Summary{Count: 3, HDR: "x\n0,0,0,HISTF"}
	if err := HLog(io.Discard, r, Options{}); err == nil || !strings.Contains(err.Error(), "hdr is not an encoded histogram") {
		t.Errorf("a broken histogram: %v", err)
	}
}

// The distribution's lines are right: the value at each percentile is what the
// trials' calls together say.
func TestHGRM(t *testing.T) {
	r := outage(t)
	parts, err := HGRM(r, Options{})
	if err != nil || len(parts) != 4 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	var out bytes.Buffer
	if err := parts[1].Write(&out); err != nil {
		t.Fatal(err)
	}
	whole := result.NewHistogram()
	for _, trial := range r.Variants[1].Trials {
		h, err := trial.Series[0].Latency[result.Response].Histogram()
		if err != nil {
			t.Fatal(err)
		}
		whole.Merge(h)
	}
	rows := 0
	lastCount := int64(0)
	for line := range strings.Lines(out.String()) {
		// As the HdrHistogram plotter reads it: four fields, no comment.
		f := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(f) != 4 {
			continue
		}
		value, err := strconv.ParseFloat(f[0], 64)
		if err != nil {
			continue // the heading
		}
		rows++
		n, _ := strconv.ParseInt(f[2], 10, 64)
		want := float64(*whole.Quantiles(whole.Count(), float64(n)/float64(whole.Count()))[0]) / 1e6
		if n < lastCount || math.Abs(value-want) > 0.003*want+0.0011 {
			t.Errorf("%s: %v ms, want %v", f[1], value, want)
		}
		lastCount = n
	}
	if rows < 30 || lastCount != whole.Count() {
		t.Errorf("%d rows up to %d of %d calls:\n%s", rows, lastCount, whole.Count(), out.String())
	}
	if text := out.String(); !strings.Contains(text, "69,902 OK calls of 70,000 planned; failed ones are not in it") {
		t.Errorf("the heading does not say who is missing: %.300s", text)
	}
}

// junitElement is any element of a report, for the check of its structure.
type junitElement struct {
	XMLName  xml.Name
	Attrs    []xml.Attr     `xml:",any,attr"`
	Children []junitElement `xml:",any"`
	Text     string         `xml:",chardata"`
}

// junitSchema is what the usual schema files (of Jenkins and of Ant) say: which
// attributes an element must and may have, and its children in order.
var junitSchema = map[string]struct{ must, may, children string }{
	"testsuites": {"", "name tests failures errors time disabled", "testsuite"},
	"testsuite":  {"name timestamp hostname tests failures errors time", "id package skipped", "properties testcase system-out system-err"},
	"properties": {"", "", "property"},
	"property":   {"name value", "", ""},
	"testcase":   {"name classname time", "", "skipped error failure"},
	"skipped":    {"", "message", ""},
	"error":      {"type", "message", ""},
	"failure":    {"type", "message", ""},
	"system-out": {"", "", ""},
	"system-err": {"", "", ""},
}

// checkJUnit validates a report, and returns its cases by name.
func checkJUnit(t *testing.T, text string) map[string]junitElement {
	t.Helper()
	var root junitElement
	if err := xml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if root.XMLName.Local != "testsuites" {
		t.Errorf("the root is %s", root.XMLName.Local)
	}
	cases := map[string]junitElement{}
	var check func(junitElement)
	check = func(e junitElement) {
		name := e.XMLName.Local
		rule, known := junitSchema[name]
		if !known {
			t.Errorf("no such element: %s", name)
			return
		}
		attrs := map[string]string{}
		for _, a := range e.Attrs {
			attrs[a.Name.Local] = a.Value
			if !slices.Contains(strings.Fields(rule.must+" "+rule.may), a.Name.Local) {
				t.Errorf("%s may not have %s", name, a.Name.Local)
			}
		}
		for _, a := range strings.Fields(rule.must) {
			if _, there := attrs[a]; !there {
				t.Errorf("%s lacks %s", name, a)
			}
		}
		if at, there := attrs["timestamp"]; there && !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`).MatchString(at) {
			t.Errorf("timestamp %q", at)
		}
		for _, a := range []string{"tests", "failures", "errors", "skipped", "time", "id"} {
			if v, there := attrs[a]; there {
				if n, err := strconv.ParseFloat(v, 64); err != nil || n < 0 {
					t.Errorf("%s %s=%q", name, a, v)
				}
			}
		}
		order := strings.Fields(rule.children)
		at := 0
		n := map[string]int{}
		for _, c := range e.Children {
			i := slices.Index(order, c.XMLName.Local)
			if i < at {
				t.Errorf("%s in %s: not here", c.XMLName.Local, name)
			}
			at = max(at, i)
			n[c.XMLName.Local]++
			for _, g := range c.Children {
				if c.XMLName.Local == "testcase" {
					n[g.XMLName.Local]++
				}
			}
			check(c)
		}
		switch name {
		case "testsuite":
			for attr, child := range map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"} {
				if attrs[attr] != strconv.Itoa(n[child]) {
					t.Errorf("%s=%s and there are %d", attr, attrs[attr], n[child])
				}
			}
		case "testcase":
			if len(e.Children) > 1 {
				t.Errorf("%q has %d outcomes", attrs["name"], len(e.Children))
			}
			cases[attrs["name"]] = e
		}
	}
	check(root)
	return cases
}

func TestJUnit(t *testing.T) {
	outcome := func(cases map[string]junitElement, name string) string {
		e, there := cases[name]
		switch {
		case !there:
			return "missing"
		case len(e.Children) == 0:
			return "passed"
		}
		c := e.Children[0]
		out := c.XMLName.Local
		for _, a := range c.Attrs {
			out += " " + a.Value
		}
		return out
	}
	cases := checkJUnit(t, render(t, formatNamed("junit").Render, interrupted(t), Options{}))
	for name, want := range map[string]string{
		"the whole plan is measured":                    "error the result is partial PARTIAL",
		"backoff=none, trial 1 is fit to act on":        "passed",
		"backoff=fixed, trial 1 is fit to act on":       "error INVALID: lag_p99 14.2 ms (limit 10 ms): backoff=fixed, block 1: reads: calls left late by up to 14.2ms (p99); the limit is 10ms INVALID",
		"backoff=fixed, trial 4 is fit to act on":       "skipped interrupted during its measurement",
		"backoff=exponential is measured":               "skipped no trial of it was run",
		"backoff=exponential, trial 1 is fit to act on": "missing",
	} {
		if got := outcome(cases, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if len(cases) != 1+7+4+3+1 {
		t.Errorf("%d cases", len(cases))
	}
	// SUSPECT passes, and two results are two suites.
	var out bytes.Buffer
	if err := JUnit(&out, []*result.Result{single(t), outage(t)}, Options{}); err != nil {
		t.Fatal(err)
	}
	cases = checkJUnit(t, out.String())
	if got := outcome(cases, "default, trial 1 is fit to act on"); got != "passed" || strings.Count(out.String(), "<testsuite ") != 2 {
		t.Errorf("%s:\n%s", got, out.String())
	}
}

var metricLine = regexp.MustCompile(`^([a-z_]+)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*",?)*)\} (\S+) (\d+)$`)

// checkOpenMetrics checks what OpenMetrics asks of a text, as far as this
// format uses it; promtool itself reads one in make e2e.
func checkOpenMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	if !strings.HasSuffix(text, "# EOF\n") || strings.Count(text, "# EOF") != 1 {
		t.Error("it does not end in # EOF")
	}
	family, seen, values := "", map[string]bool{}, map[string]float64{}
	lastBucket := 0.0
	for line := range strings.Lines(strings.TrimSuffix(text, "# EOF\n")) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family, _, _ = strings.Cut(rest, " ")
			if seen[family] {
				t.Errorf("%s occurs twice", family)
			}
			seen[family] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") || strings.HasPrefix(line, "# UNIT ") {
			continue
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a sample: %q", line)
		}
		if base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_sum"), "_count"); base != family && m[1] != family {
			t.Errorf("%s stands in the family %s", m[1], family)
		}
		key := m[1] + "{" + m[2] + "}"
		if _, twice := values[key]; twice {
			t.Errorf("%s occurs twice", key)
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		values[key] = v
		if strings.HasSuffix(m[1], "_bucket") {
			if v < lastBucket && !strings.Contains(m[2], `le="0.0001"`) {
				t.Errorf("%s is below the bucket before it", key)
			}
			lastBucket = v
		}
	}
	return values
}

func TestOpenMetrics(t *testing.T) {
	r := outage(t)
	values := checkOpenMetrics(t, render(t, formatNamed("openmetrics").Render, r, Options{}))
	const labels = `scenario="backoffs",variant="backoff=fixed",trial="2",setting_backoff="fixed",load="reads"`
	h, err := r.Variants[1].Trials[2].Series[0].Latency[result.Response].Histogram()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]float64{
		`grpcbench_response_seconds_count{` + labels + `}`:              9986,
		`grpcbench_response_seconds_bucket{` + labels + `,le="+Inf"}`:   9986,
		`grpcbench_response_seconds_bucket{` + labels + `,le="60"}`:     9986,
		`grpcbench_response_seconds_bucket{` + labels + `,le="0.0025"}`: float64(h.CountsUpTo([]int64{25e5})[0]),
		`grpcbench_calls{` + labels + `,code="UNAVAILABLE"}`:            14,
		`grpcbench_calls{` + labels + `,code="OK"}`:                     9986,
		`grpcbench_calls{` + labels + `,code="dropped"}`:                0,
		`grpcbench_attempts{` + labels + `}`:                            10500,
		`grpcbench_response_quantile_seconds{` + labels + `,q="0.5"}`:   float64(*r.Variants[1].Trials[2].Series[0].Latency[result.Response].P50NS) / 1e9,
	} {
		if got, there := values[key]; !there || math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	none := strings.ReplaceAll(labels, "fixed", "none")
	if got := values[`grpcbench_response_quantile_seconds{`+none+`,q="0.99"}`]; !math.IsInf(got, 1) {
		t.Errorf("a p99 of failed calls is %v", got)
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

func TestChoose(t *testing.T) {
	r := outage(t)
	grid := func(o Options) (head []string, first []string) {
		t.Helper()
		text := render(t, Table, r, o)
		_, text, _ = strings.Cut(text, "──\n")
		lines := strings.Split(text, "\n")
		head = regexp.MustCompile(`  +`).Split(strings.TrimSpace(lines[0]), -1)
		for _, line := range lines[2:6] {
			first = append(first, strings.Fields(line)[0])
		}
		return head, first
	}
	for name, c := range map[string]struct {
		o     Options
		head  []string // nil: not checked
		first []string
	}{
		"columns": {Options{Select: []string{"p99", "in_slo"}}, []string{"backoff", "p99 ms", "in SLO %"}, []string{"none", "fixed", "immediate", "exponential"}},
		// Offered is equal in every row and stands in the heading: asked for, it
		// is a column.
		"a moved column":  {Options{Select: []string{"offered", "main_failure"}}, []string{"backoff", "offered/s", "main failure"}, nil},
		"by p50":          {Options{Sort: "p50"}, nil, []string{"exponential", "immediate", "fixed", "none"}},
		"by p99":          {Options{Sort: "p99"}, nil, []string{"exponential", "fixed", "none", "immediate"}},
		"by p99 down":     {Options{Sort: "-p99"}, nil, []string{"none", "immediate", "fixed", "exponential"}},
		"by the settings": {Options{Sort: "backoff"}, nil, []string{"exponential", "fixed", "immediate", "none"}},
		"by a heading":    {Options{Sort: "-in SLO %"}, nil, []string{"exponential", "fixed", "immediate", "none"}},
	} {
		head, first := grid(c.o)
		if c.head != nil && !slices.Equal(head, c.head) {
			t.Errorf("%s: head %q", name, head)
		}
		if c.first != nil && !slices.Equal(first, c.first) {
			t.Errorf("%s: rows %q, want %q", name, first, c.first)
		}
	}
	head, _ := grid(Options{Wide: true})
	if n := len(newPage(r).sections[0].columns) + len(newPage(r).sections[0].moved); len(head) != n {
		t.Errorf("wide: %d of %d columns: %q", len(head), n, head)
	}
	for _, o := range []Options{{Select: []string{"p50", "p98"}}, {Sort: "p98"}, {Select: []string{"backoff"}}} {
		err := Table(io.Discard, r, o)
		if _, ok := errors.AsType[*OptionError](err); !ok || !strings.Contains(err.Error(), "there are") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	// A row keeps its mark wherever it goes.
	if text := render(t, Table, r, Options{Sort: "-p50"}); !strings.Contains(text, "fixed *") {
		t.Errorf("the baseline lost its mark:\n%s", text)
	}
}

func TestSortKey(t *testing.T) {
	order := []string{"−57 %", "−1.2", "0", "0.5", "41.2", "99.95 (98 – 99)", "109", "1,104", "×12.3", "failed", "alpha", "beta"}
	for i := 1; i < len(order); i++ {
		if sortKey(order[i-1]).compare(sortKey(order[i])) >= 0 {
			t.Errorf("%q does not come before %q", order[i-1], order[i])
		}
	}
	for _, cell := range []string{"", "n/a", "–", "~"} {
		if sortKey(cell).known {
			t.Errorf("%q is known", cell)
		}
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
