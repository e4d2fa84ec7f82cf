package reports

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

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
