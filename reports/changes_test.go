package reports

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/grpcbench/grpcbench/reports/history"
	"github.com/grpcbench/grpcbench/reports/result"
)

// slower is single, of another day, with another tail and as good a middle.
func slower(t *testing.T, p99 time.Duration) *result.Result {
	r := outage(t)
	r.Started = r.Started.Add(24 * time.Hour)
	r.Labels = map[string]string{"commit": "abc1234"}
	s := shape{rate: 500, seconds: 20, p50: 2100 * time.Microsecond, p99: p99, failed: 0.002, code: "UNAVAILABLE", attempts: 1.05}
	v := &r.Variants[1]
	v.Trials = s.trials(t, 7, result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open})
	return r
}

func TestChanges(t *testing.T) {
	c := Changes{Old: outage(t), New: slower(t, 150*time.Millisecond)}
	c.New.Variants = append(c.New.Variants, result.Variant{Name: nasty, Loads: c.New.Variants[0].Loads, Trials: c.New.Variants[0].Trials})
	var table, markdown bytes.Buffer
	if err := c.Table(&table, Options{Columns: 80}); err != nil {
		t.Fatal(err)
	}
	if err := c.Markdown(&markdown); err != nil {
		t.Fatal(err)
	}
	golden(t, "changes-80.txt", table.Bytes())
	golden(t, "changes.md", markdown.Bytes())
	for columns := leastColumns; columns < 120; columns += 7 {
		table.Reset()
		if err := c.Table(&table, Options{Columns: columns}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(table.String()) {
			if line = strings.TrimRight(line, "\n"); width(line) > max(columns, 76) || strings.TrimRight(line, " ") != line {
				t.Errorf("at %d columns: %q", columns, line)
			}
		}
	}
}

// A result against itself has not changed.
func TestNoChanges(t *testing.T) {
	var table bytes.Buffer
	if err := (Changes{Old: outage(t), New: outage(t), Differences: []string{"CPU: Z80 before, 6502 now"}}).Table(&table, Options{Columns: 80}); err != nil {
		t.Fatal(err)
	}
	if text := table.String(); !strings.Contains(text, "No change shown.") || !strings.HasPrefix(text, "NOT COMPARABLE") || strings.Contains(text, "NaN") {
		t.Error(text)
	}
}

// Where nothing can be shown it is not said that nothing was.
func TestTooFewTrialsForChanges(t *testing.T) {
	old, now := outage(t), outage(t)
	for _, r := range []*result.Result{old, now} {
		for i := range r.Variants {
			r.Variants[i].Trials = r.Variants[i].Trials[:2]
		}
	}
	var table bytes.Buffer
	if err := (Changes{Old: old, New: now}).Table(&table, Options{Columns: 80}); err != nil {
		t.Fatal(err)
	}
	if text := table.String(); !strings.HasPrefix(text, "Too few trials to show a change.") || strings.Contains(text, "No change shown") {
		t.Error(text)
	}
}

// Of results that have nothing in common nothing is said to be unchanged.
func TestNothingToCompare(t *testing.T) {
	old, now := outage(t), outage(t)
	old.Variants, now.Variants = old.Variants[:1], now.Variants[1:3]
	var table, markdown bytes.Buffer
	c := Changes{Old: old, New: now}
	if err := c.Table(&table, Options{Columns: 80}); err != nil {
		t.Fatal(err)
	}
	if err := c.Markdown(&markdown); err != nil {
		t.Fatal(err)
	}
	want := "Nothing was compared: no variant and load entry is in both results. Before: backoff=none reads; now: backoff=fixed reads, backoff=immediate reads."
	for name, text := range map[string]string{"table": table.String(), "Markdown": markdown.String()} {
		if text = strings.Join(strings.Fields(text), " "); !strings.Contains(text, want) || strings.Contains(text, "No change shown") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// Figures that are not fit to act on are told of before anything is said of them.
func TestChangesOfInvalid(t *testing.T) {
	for want, verdicts := range map[string][2]result.Verdict{
		"Changed: p99 of": {result.Suspect, result.Valid},
		"INVALID: do not act on the figures from before. Changed:":      {result.Invalid, result.Valid},
		"INVALID: do not act on the figures of now. Changed:":           {result.Valid, result.Invalid},
		"INVALID: do not act on the figures of either result. Changed:": {result.Invalid, result.Invalid},
	} {
		c := Changes{Old: outage(t), New: slower(t, 150*time.Millisecond)}
		c.Old.Validity.Verdict, c.New.Validity.Verdict = verdicts[0], verdicts[1]
		var table, markdown bytes.Buffer
		if err := c.Table(&table, Options{Columns: 80}); err != nil {
			t.Fatal(err)
		}
		if err := c.Markdown(&markdown); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(strings.Fields(table.String()), " "); !strings.HasPrefix(text, want) {
			t.Errorf("the table begins with %.80q, want %q", text, want)
		}
		warning, _, _ := strings.Cut(want, " Changed")
		if warned := strings.HasPrefix(markdown.String(), "> ⚠️ "+warning+"\n"); warned != strings.HasPrefix(want, "INVALID") {
			t.Errorf("Markdown begins with %.80q, want the warning %q", markdown.String(), warning)
		}
	}
}

// That a result was interrupted is told of, too.
func TestChangesOfInterrupted(t *testing.T) {
	c := Changes{Old: outage(t), New: outage(t)}
	c.New.Partial = true
	c.New.Variants[3].Trials = c.New.Variants[3].Trials[:3]
	var table, markdown bytes.Buffer
	if err := c.Table(&table, Options{Columns: 80}); err != nil {
		t.Fatal(err)
	}
	if err := c.Markdown(&markdown); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"table": table.String(), "Markdown": markdown.String()} {
		if !strings.Contains(text, "Of now: PARTIAL: interrupted after 24 of 28 trials.") || strings.Contains(text, "Of before") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// No JSON that is printed holds what a terminal obeys.
func TestJSONOfHostileText(t *testing.T) {
	r := hostileEverywhere(t)
	r.Labels = map[string]string{"commit": nasty}
	var changes, trend bytes.Buffer
	if err := (Changes{Old: r, New: r, Differences: []string{nasty}}).JSON(&changes); err != nil {
		t.Fatal(err)
	}
	figure := history.Figure{Variant: nasty, Load: nasty, Metric: nasty, Unit: nasty}
	if err := TrendJSON(&trend, history.Groups([]history.Entry{{Scenario: nasty, Machine: nasty, Commit: nasty, Figures: []history.Figure{figure}}})); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"changes": changes.String(), "trend": trend.String()} {
		if !json.Valid([]byte(text)) || !strings.Contains(text, `gnp.exe`) {
			t.Errorf("%s: %s", name, text)
		}
		for i, c := range text {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%s: %U at byte %d", name, c, i)
			}
		}
	}
}

// The changes as one JSON document: figures before and now, how they differ, and
// what only one of the results has.
func TestChangesAsJSON(t *testing.T) {
	old, now := outage(t), outage(t)
	for j := range now.Variants[1].Trials {
		s := &now.Variants[1].Trials[j].Series[0]
		l := s.Latency[result.Response]
		slower := *l.P50NS * 11 / 10
		l.P50NS = &slower
		s.Latency[result.Response] = l
	}
	now.Variants = now.Variants[:3]
	now.Labels = map[string]string{"commit": "abc"}
	var text bytes.Buffer
	if err := (Changes{Old: old, New: now, Differences: []string{"CPU: a before, b now"}}).JSON(&text); err != nil {
		t.Fatal(err)
	}
	var got changesJSON
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || got.New.Labels["commit"] != "abc" || len(got.Differ) != 1 || !slices.Equal(got.Alone, []string{"backoff=exponential"}) {
		t.Errorf("%+v", got)
	}
	found := map[string]oneJSON{}
	for _, c := range got.Changes {
		found[c.Variant+" "+c.Metric] = c
	}
	slower := found["backoff=fixed p50"]
	if !slower.Shown || slower.Compared != "ratio" || math.Abs(*slower.Estimate-1.1) > 1e-6 || slower.Low == nil || slower.Unit != "ns" || *slower.Now <= *slower.Before || slower.Blocks != 7 {
		t.Errorf("p50 of fixed: %+v", slower)
	}
	if same := found["backoff=none p50"]; same.Shown || *same.Estimate != 1 {
		t.Errorf("p50 of none: %+v", same)
	}
	if failed := found["backoff=none p99"]; failed.Before != nil || failed.Compared != "" {
		t.Errorf("p99 of none falls on failed calls: %+v", failed)
	}
	if share := found["backoff=none in_slo"]; share.Compared != "difference" || share.Unit != "share" {
		t.Errorf("in_slo of none: %+v", share)
	}
}
