package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
)

// What was cut short before the fault that all others met changes no figure, and no
// comparison.
func TestTrialsCutShortHaveNoPart(t *testing.T) {
	faulty := shape{rate: 100, seconds: 10, p50: 2 * time.Millisecond, p99: 10 * time.Millisecond, failed: 0.05, code: "UNAVAILABLE", attempts: 1}
	got := two(t, faulty, faulty)
	before := shape{rate: 100, seconds: 4, p50: time.Millisecond, p99: 2 * time.Millisecond, attempts: 1}
	b := &got.Variants[1]
	cut := before.trial(t, 7, 7, b.Trials[0].Series[0])
	cut.Partial, cut.Series[0].Errors = true, nil
	b.Trials = append(b.Trials, cut)
	// The baseline's trial of that block was over.
	a := &got.Variants[0]
	a.Trials = append(a.Trials, a.Trials[0])
	a.Trials[7].Index, a.Trials[7].Block = 7, 7
	rows := tablesOf(got)[0].rows
	if rows[1].figures.Trials != 7 || math.Abs(rows[1].figures.InSLO-0.95) > 1e-9 || rows[1].gain.Blocks != 7 || rows[1].gain.Estimate != 0 {
		t.Errorf("%+v, %+v", rows[1].figures, rows[1].gain)
	}
	if text := render(t, Table, got, Options{}); !strings.Contains(text, "7–8 trials × 20 s") {
		t.Errorf("the heading:\n%s", text)
	}
}

// cutTrial is one of the charted result's fixed variant that was cut short after eight
// seconds, and went otherwise than any whole one.
func cutTrial(t *testing.T) result.Trial {
	hanging := shape{rate: 500, seconds: 8, p50: 800 * time.Millisecond, p99: 3 * time.Second, attempts: 3}
	cut := hanging.trial(t, 7, 7, charted(t).Variants[1].Trials[0].Series[0])
	drawSeconds(&cut, 500, 40, 3, [2]int{0, 8})
	for i := range cut.Intervals {
		cut.Intervals[i].Series[0].InSLO /= 50
	}
	cut.Client.Picks = []result.Picks{{Backend: "b0", Picks: 9000}, {Backend: "b7", Picks: 3000}}
	cut.Client.Imbalance = 2.5
	cut.Exemplars = []result.Exemplar{{Series: cut.Series[0].Name, Code: "OK", ResponseNS: 7e9}}
	cut.Partial = true
	return cut
}

// Every plot and chart is of the trials that the tables are of: one that was cut short
// changes nothing but the note that it is left out.
func TestPlotsTakeTheTrialsOfTables(t *testing.T) {
	whole, cut := charted(t), charted(t)
	cut.Variants[1].Trials = append(cut.Variants[1].Trials, cutTrial(t))
	figures := func(r *result.Result) []figure { return galleries(r, tablesOf(r), fine(mostInFile))[0].all() }
	const says = "Left out: 1 trial cut short."
	want := figures(whole)
	for i, f := range figures(cut) {
		if plot.Inline(f.plot) != plot.Inline(want[i].plot) {
			t.Errorf("%s: the trial that was cut short is in it", f.name)
		}
		// A picture of another variant alone has nothing left out.
		noted := slices.Clone(want[i].notes)
		if !strings.HasPrefix(f.name, "heatmap.") || f.name == "heatmap.backoff=fixed" {
			noted = append(noted, says)
		}
		if got := slices.Concat(f.notes, f.own); !slices.Equal(got, noted) {
			t.Errorf("%s: %q, want %q", f.name, got, noted)
		}
	}
	if len(want) != 12 {
		t.Errorf("%d plots", len(want))
	}
	wantText, gotText := documents(t, whole), documents(t, cut)
	if got := strings.Replace(gotText["hgrm/backoff=fixed"], ", left out: 1 trial cut short]", "]", 1); got != wantText["hgrm/backoff=fixed"] || got == gotText["hgrm/backoff=fixed"] {
		t.Errorf("the distribution has it, or does not say that it is left out: %.300s", gotText["hgrm/backoff=fixed"])
	}
	for _, name := range []string{"svg/p99", "html"} {
		if !strings.Contains(gotText[name], says) || strings.Contains(wantText[name], says) {
			t.Errorf("%s does not say what is left out", name)
		}
	}
	// The chart of the terminal and the slowest call.
	section := func(r *result.Result) section { return tablesOf(r)[0].section(r, false) }
	before, after := section(whole), section(cut)
	if diff := cmp.Diff(before.chart.render(100), after.chart.render(100)); diff != "" {
		t.Errorf("the chart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before.remarks, after.remarks); diff != "" {
		t.Errorf("the remarks (-want +got):\n%s", diff)
	}
	if notes := notesOf(after, after.columns); !slices.Contains(notes, "left out: 1 trial cut short") {
		t.Errorf("the table's notes: %q", notes)
	}
}

// Where a variant has no whole trial, its plots are of what there is, and say so; so
// does the live page when the run has ended.
func TestPlotsOfTrialsCutShort(t *testing.T) {
	r := charted(t)
	r.Partial = true
	r.Variants[1].Trials = []result.Trial{cutTrial(t)}
	const note = "Cut short, of a part of the load and the faults: fixed."
	texts := documents(t, r)
	for name, want := range map[string]bool{
		"svg/spectrum": true, "svg/goodput": true, "svg/backends": true, "svg/heatmap.backoff=fixed": true, "svg/heatmap.backoff=none": false, "html": true,
	} {
		if texts[name] == "" || strings.Contains(texts[name], note) != want {
			t.Errorf("%s says that it was cut short: %v", name, !want)
		}
		if want && !strings.Contains(texts[name], ">fixed<") && !strings.Contains(texts[name], "fixed</") {
			t.Errorf("%s does not draw it", name)
		}
	}
	if text := texts["hgrm/backoff=fixed"]; !strings.Contains(text, "1 trial together, cut short]") {
		t.Errorf("the distribution: %.400s", text)
	}
	// By percentile, over time, over the heatmap of that variant, and of backends.
	page, _ := livePageOf(t, r, &Moment{Ended: true})
	for name, text := range map[string]string{"the page": texts["html"], "the live page": page} {
		if n := strings.Count(text, note); n != 4 {
			t.Errorf("%s says so %d times, want 4", name, n)
		}
	}
}

// A row that has nothing but a trial that was cut short says so.
func TestRowsCutShortSaySo(t *testing.T) {
	s := shape{rate: 100, seconds: 10, p50: 2 * time.Millisecond, p99: 10 * time.Millisecond, attempts: 1}
	r := two(t, s, s)
	for i := range r.Variants {
		r.Variants[i].Trials = r.Variants[i].Trials[:1]
	}
	const want = "cut short, of a part of the load and the faults: b"
	if text := render(t, Table, r, Options{}); strings.Contains(text, "cut short") {
		t.Errorf("both are whole:\n%s", text)
	}
	r.Partial, r.Variants[1].Trials[0].Partial = true, true
	if text := render(t, Table, r, Options{}); !strings.Contains(text, want) {
		t.Errorf("b is not:\n%s", text)
	}
}

func TestBanner(t *testing.T) {
	variant := func(whole, cut int) result.Variant {
		v := result.Variant{Name: fmt.Sprintf("v%d%d", whole, cut)}
		for i := range whole + cut {
			v.Trials = append(v.Trials, result.Trial{Partial: i >= whole})
		}
		return v
	}
	for want, variants := range map[string][]result.Variant{
		"PARTIAL: no trial was run.":                                              {variant(0, 0)},
		"PARTIAL: interrupted after 1 of 6 trials, 1 more in part.":               {variant(1, 0), variant(0, 1)},
		"PARTIAL: interrupted after 0 of 6 trials, 1 in part; not measured: v00.": {variant(0, 1), variant(0, 0)},
		"PARTIAL: interrupted after 3 of 6 trials.":                               {variant(2, 0), variant(1, 0)},
	} {
		r := base()
		r.Partial, r.Scenario.Trials, r.Variants = true, 3, variants
		if got := strings.Join(banner(r), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// An unfit run says so even where it measured nothing.
	r := never(t)
	r.Validity.Add(result.Reason{Code: "fleet_died", Verdict: result.Invalid, Detail: "it ended"})
	if text := render(t, Table, r, Options{}); !strings.Contains(text, "\nmeasurement INVALID\n") {
		t.Errorf("no verdict: %s", text)
	}
}
