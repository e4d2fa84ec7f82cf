package reports

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// noisy is a result of variants whose p99 is 10 ms times their factor, with 3 %
// of noise from trial to trial. inSLO is 0.99 plus the variant's gain.
func noisy(seed uint64, trials int, factors, gains []float64) *result.Result {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := base()
	r.Scenario.Trials = trials
	d := result.Dimension{Name: "policy", Baseline: "a"}
	for i, factor := range factors {
		name := string(rune('a' + i))
		d.Values = append(d.Values, name)
		v := result.Variant{Name: "policy=" + name, Settings: map[string]string{"policy": name}}
		for block := range trials {
			p50 := int64(2e6)
			p99 := int64(1e7 * factor * math.Exp(0.03*rng.NormFloat64()))
			v.Trials = append(v.Trials, result.Trial{Block: block, MeasuredNS: 10e9, Series: []result.Series{{
				Name: "reads", Method: "user.v1.UserService/GetUser", Loop: result.Open, Planned: 1000, Calls: 1000,
				InSLO: 0.99 + gains[i] + 0.0003*rng.NormFloat64(), Codes: map[string]int64{"OK": 1000},
				Latency: map[result.Measure]result.Summary{result.Response: {Count: 1000, P50NS: &p50, P90NS: &p99, P99NS: &p99, MaxNS: p99}},
			}}})
		}
		r.Variants = append(r.Variants, v)
	}
	r.Scenario.Dimensions = []result.Dimension{d}
	return r
}

func TestHeadlineDecides(t *testing.T) {
	for name, c := range map[string]struct {
		factors, gains []float64
		trials         int
		want           []string
	}{
		"nothing differs": {[]float64{1, 1, 1}, []float64{0, 0, 0}, 7, []string{
			"policy makes no difference to the p99 of GetUser that 7 trials can show: 10.0 ms to 10.1 ms (7.4 % would have been shown).",
		}},
		"the best is shown, against the rest is not": {[]float64{1, 0.8, 0.8}, []float64{0, 0, 0}, 7, []string{
			"c has the lowest p99 of GetUser: 8.00 ms, 21 % below a (95 % CI 16 to 25 %).",
			"c against b: no difference shown (8.4 % would have been).",
		}},
		"the best of all": {[]float64{1, 0.8, 0.5}, []float64{0, 0, 0}, 7, []string{
			"c has the lowest p99 of GetUser: 5.00 ms, 51 % below a (95 % CI 48 to 53 %).",
		}},
		"only that one is worse": {[]float64{1, 0.999, 1.5}, []float64{0, 0, 0}, 7, []string{
			"No variant's p99 of GetUser was shown to be the lowest; c's, 15.0 ms, is 47 % above a (95 % CI 41 to 57 %).",
		}},
		"in SLO": {[]float64{1, 1, 1}, []float64{0, 0.005, 0.0048}, 7, []string{
			"b keeps 99.49 % of GetUser calls in SLO; a 98.99 % (+0.50 points, 95 % CI 0.44 to 0.60).",
			"b against c: no difference shown (0.08 points would have been).",
			"No difference in p99 shown: 7.4 % would have been.",
		}},
		"too few trials": {[]float64{1, 0.5}, []float64{0, 0}, 3, []string{
			"b has the lowest p99 of GetUser: 5.14 ms, 50 % below a.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			end := "Over 7 trials; the intervals of a table hold together."
			if c.trials < 7 {
				end = "Point estimates over 3 trials, too few to show a difference."
			}
			got := newPage(noisy(5, c.trials, c.factors, c.gains)).headline
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "\u00a0", " ")
			}
			if diff := cmp.Diff(append(c.want, end), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// observed is a result of variants by their trials' figures.
func observed(p99 map[string][]float64, inSLO map[string][]float64) *result.Result {
	names := slices.Sorted(maps.Keys(p99))
	r := noisy(1, len(p99[names[0]]), make([]float64, len(names)), make([]float64, len(names)))
	for i, name := range names {
		for block := range r.Variants[i].Trials {
			s := &r.Variants[i].Trials[block].Series[0]
			summary := s.Latency[result.Response]
			at := new(int64(math.Round(p99[name][block] * 1e6)))
			if *at == 0 {
				at = nil // on a failed call
			}
			summary.P90NS, summary.P99NS = at, at
			s.Latency[result.Response] = summary
			s.InSLO = 0.99
			if inSLO != nil {
				s.InSLO = inSLO[name][block]
			}
		}
	}
	return r
}

// Means and medians rank the variants, and blocks decide: the headline says where
// they disagree, and gives nobody a difference the other way as a proof.
func TestHeadlineOfMeansThatBlocksContradict(t *testing.T) {
	repeat := func(k int, v float64, first ...float64) []float64 {
		return append(first, slices.Repeat([]float64{v}, k-len(first))...)
	}
	same := map[string][]float64{"a": repeat(12, 10), "b": repeat(12, 10)}
	for name, c := range map[string]struct {
		p99, inSLO map[string][]float64
		want       []string
		never      string
	}{
		"in SLO of the baseline: one bad trial": {
			same, map[string][]float64{"a": repeat(12, 0.999, 0.5), "b": repeat(12, 0.99)},
			[]string{"b keeps 99.00 % of GetUser calls in SLO; a 95.74 % (mean and blocks disagree: block by block −0.90 points, 95 % CI −0.90 to −0.90)."}, "",
		},
		"in SLO of another": {
			map[string][]float64{"a": repeat(20, 10), "b": repeat(20, 10), "c": repeat(20, 10)},
			map[string][]float64{"a": repeat(20, 0.9), "b": repeat(20, 0.99), "c": repeat(20, 0.999, 0.5)},
			[]string{
				"b keeps 99.00 % of GetUser calls in SLO; a 90.00 % (+9.00 points, 95 % CI 9.00 to 9.00).",
				"b against c: mean and blocks disagree, block by block b is below.",
			}, "",
		},
		"p99 of the baseline": {
			map[string][]float64{
				"a": {1, 2, 3, 4, 10, 10.2, 100, 200, 300, 400},
				"b": {.5, 1, 1.5, 2, 10.3, 10.4, 50, 100, 150, 200},
			}, nil,
			[]string{"No variant's p99 of GetUser was shown to be the lowest; b's, 10.3 ms, is 50 % below a (95 % CI 28 to 50 %)."}, "has the lowest",
		},
		"p99 of another": {
			map[string][]float64{
				"a": repeat(10, 1000),
				"b": {1, 2, 3, 4, 10, 10.2, 100, 200, 300, 400},
				"c": {.5, 1, 1.5, 2, 10.3, 10.4, 50, 100, 150, 200},
			}, nil,
			[]string{"No variant's p99 of GetUser was shown to be the lowest"}, "has the lowest",
		},
		"p99 of a baseline that cannot be compared": {
			map[string][]float64{"a": repeat(10, 20, 0), "b": repeat(10, 10)}, nil,
			[]string{"No variant's p99 of GetUser was shown to be the lowest; b not compared, a trial's is failed or n/a."}, "has the lowest",
		},
		"p99 of a baseline that cannot be compared, and is the lowest": {
			map[string][]float64{"a": repeat(10, 10, 0), "b": repeat(10, 20)}, nil,
			[]string{"No variant's p99 of GetUser was shown to be the lowest"}, "has the lowest",
		},
		"no p99 was shown to differ, and one is not compared": {
			map[string][]float64{"a": repeat(10, 10), "b": repeat(10, 10.1, 9), "c": repeat(10, 200, 0)}, nil,
			[]string{"No variant's p99 of GetUser was shown to be the lowest; c not compared, a trial's is failed or n/a."}, "makes no difference",
		},
		"in SLO, and a p99 that is not compared": {
			map[string][]float64{"a": repeat(10, 10), "b": repeat(10, 10.1, 9), "c": repeat(10, 200, 0)},
			map[string][]float64{"a": repeat(10, 0.99), "b": repeat(10, 0.98), "c": repeat(10, 0.97)},
			[]string{"No difference in p99 shown: ", " would have been; c not compared, a trial's is failed or n/a."}, "",
		},
		"p99 that cannot be compared": {
			map[string][]float64{"a": repeat(10, 20), "b": repeat(10, 10), "c": repeat(10, 11, 0), "d": repeat(10, 0)}, nil,
			[]string{
				"b has the lowest p99 of GetUser: 10.0 ms, 50 % below a (95 % CI 50 to 50 %).",
				"b against c: not compared, a trial's is failed or n/a.",
			}, "against c and d",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.ReplaceAll(strings.Join(newPage(observed(c.p99, c.inSLO)).headline, " "), "\u00a0", " ")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("the headline lacks %q:\n%s", want, got)
				}
			}
			if c.never != "" && strings.Contains(got, c.never) {
				t.Errorf("the headline has %q:\n%s", c.never, got)
			}
		})
	}
}

// Where the baseline does as well as the best, the difference to the worst is theirs:
// not that of the two, where the worst shares no block with the baseline.
func TestHeadlineDoesNotMixComparisons(t *testing.T) {
	repeat := func(v float64) []float64 { return slices.Repeat([]float64{v}, 10) }
	r := observed(map[string][]float64{"a": repeat(10), "b": repeat(9), "c": repeat(10)},
		map[string][]float64{"a": repeat(0.99), "b": repeat(0.99), "c": repeat(0.5)})
	for i := range r.Variants[2].Trials {
		r.Variants[2].Trials[i].Block += 100
	}
	text := strings.ReplaceAll(newPage(r).headline[0], "\u00a0", " ")
	if want := "a and b keep 99.00 % of GetUser calls in SLO; c 50.00 % (+49.00 points)."; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

// Why a figure was not compared is said of the figure that it was not.
func TestNotComparedSaysWhy(t *testing.T) {
	notes := func(r *result.Result) (all []string) {
		for _, c := range newPage(r).sections[0].columns {
			for _, n := range c.notes {
				if strings.Contains(n.text, "not compared") {
					all = append(all, n.text)
				}
			}
		}
		return all
	}
	failed := observed(map[string][]float64{"a": {10, 10, 10, 10, 10, 0}, "b": {20, 20, 20, 20, 20, 20}}, map[string][]float64{"a": {1, 1, 1, 1, 1, 1}, "b": {.9, .9, .9, .9, .9, .9}})
	if got := notes(failed); !slices.Equal(got, []string{"p99 is not compared: a trial's is failed or n/a"}) {
		t.Errorf("a trial without p99: %q", got)
	}
	// An interrupted run may leave two variants without a block in common.
	for i := range failed.Variants[0].Trials {
		failed.Variants[0].Trials[i].Block += 100
	}
	if got := notes(failed); !slices.Equal(got, []string{"in SLO is not compared: no block has both", "p99 is not compared: no block has both"}) {
		t.Errorf("no block in common: %q", got)
	}
}

// The report itself raises no false alarms: of 1,000 results in which nothing
// differs at most 5 % have a cell that is not ~, and no more a headline that
// names a winner.
func TestReportsRaiseNoFalseAlarms(t *testing.T) {
	const results = 1000
	cells, words := 0, 0
	for seed := range uint64(results) {
		r := noisy(seed, 6, []float64{1, 1}, []float64{0, 0})
		p := newPage(r)
		for _, c := range p.sections[0].columns {
			if c.rank == rankChange && !strings.HasPrefix(c.cells[1], undecided) {
				cells++
			}
		}
		if text := p.headline[0]; !strings.HasPrefix(text, "policy makes no difference") && !strings.HasPrefix(text, "Every variant") {
			words++
		}
	}
	if most := int(results * (0.05 + 3*math.Sqrt(0.05*0.95/results))); cells > most || words > most {
		t.Errorf("%d tables and %d headlines of %d with a false alarm, at most %d", cells, words, results, most)
	}
}

func TestComparisonCells(t *testing.T) {
	ratio := func(estimate, low, high float64) *stats.Comparison {
		return &stats.Comparison{Scale: stats.Ratio, Estimate: estimate, Interval: stats.Interval{Low: low, High: high}, Family: 1}
	}
	shares := func(estimate, low, high float64) *stats.Comparison {
		return &stats.Comparison{Scale: stats.Points, Estimate: estimate, Interval: stats.Interval{Low: low, High: high}, Family: 1}
	}
	inf := math.Inf(1)
	for want, c := range map[string]*stats.Comparison{
		"–":                     nil,
		"~":                     ratio(1.2, 0, inf),
		"~ (±3.1 %)":            ratio(1, 0.99, 1.031),
		"~ (±43 %)":             ratio(1, 0.7, 1.1),
		"~ (×2.50)":             ratio(1, 0.4, 1.1),
		"−57 % (−59 – −55)":     ratio(0.43, 0.41, 0.45),
		"+3.1 % (1.9 – 4.4)":    ratio(1.031, 1.019, 1.044),
		"+3 % (1 – 12)":         ratio(1.031, 1.01, 1.12),
		"×12.3 (11.0 – 14.1)":   ratio(12.3, 11, 14.1),
		"+2.57 (2.44 – 2.70)":   shares(0.0257, 0.0244, 0.0270),
		"−2.57 (−2.70 – −2.44)": shares(-0.0257, -0.0270, -0.0244),
		"~ (±0.04)":             shares(0, -0.0004, 0.0003),
		// What was shown does not look like nothing, nor what is left like none.
		"+0.004 (0.001 – 0.009)":     shares(0.00004, 0.00001, 0.00009),
		"+0.04 (0.02 – 0.06)":        shares(0.0004, 0.0002, 0.0006),
		"−0.03 % (−0.04 – −0.02)":    ratio(0.9997, 0.9996, 0.9998),
		"−99.8 % (−99.9 – −99.7)":    ratio(0.002, 0.001, 0.003),
		"−99.96 % (−99.97 – −99.95)": ratio(0.0004, 0.0003, 0.0005),
		"−10 % (−11 – −9)":           ratio(0.9, 0.89, 0.91),
	} {
		if got := comparison(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for want, got := range map[string]string{
		"43 % below a (95 % CI 41 to 45 %)":                 differs(ratio(0.57, 0.55, 0.59), "a"),
		"3.1 % above a (95 % CI 1.9 to 4.4 %)":              differs(ratio(1.031, 1.019, 1.044), "a"),
		"12.3 times that of a (95 % CI 11.0 to 14.1 times)": differs(ratio(12.3, 11, 14.1), "a"),
		"50 % below b": differs(ratio(0.5, 0, inf), "b"),
		"99.8 % below b (95 % CI 99.7 to 99.9 %)": differs(ratio(0.002, 0.001, 0.003), "b"),
		"":                                 differs(ratio(1, 0.9, 1.1), "a"),
		"0.01 points would have been":      wouldHave(shares(0, 0, 0)),
		"a factor of 3.00 would have been": wouldHave(ratio(1, 0.5, 3)),
	} {
		if text := strings.ReplaceAll(got, "\u00a0", " "); text != want {
			t.Errorf("got %q, want %q", text, want)
		}
	}
}

// The intervals of a row alone: over six trials, within one, and of neither.
func TestAloneHasIntervals(t *testing.T) {
	for trials, want := range map[int]string{6: "(95 % CI ", 3: ""} {
		r := noisy(1, trials, []float64{1}, []float64{0})
		text := fmt.Sprint(newPage(r).headline[0])
		if has := strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), "(95 % CI "); has != (want != "") {
			t.Errorf("%d trials: %s", trials, text)
		}
	}
}

// Two load entries that call one method are told apart in the headline, and
// not in the headings, which have the names already.
func TestEntriesOfOneMethodAreNamed(t *testing.T) {
	r := noisy(3, 7, []float64{1, 1}, []float64{0, 0})
	for i := range r.Variants {
		for j := range r.Variants[i].Trials {
			trial := &r.Variants[i].Trials[j]
			second := trial.Series[0]
			second.Name = "users"
			trial.Series = append(trial.Series, second)
		}
	}
	p := newPage(r)
	for i, want := range []string{"the p99 of GetUser (reads) ", "the p99 of GetUser (users) "} {
		if !strings.Contains(p.headline[i], want) {
			t.Errorf("%q lacks %q", p.headline[i], want)
		}
	}
	if got := p.sections[1].heading[0][0]; got != "users: GetUser" {
		t.Errorf("heading %q", got)
	}
}

// Shapes, sessions, pace and sizes stand in the heading, and in a note where
// they differ.
func TestFormsOfLoadInHeadings(t *testing.T) {
	r := noisy(3, 7, []float64{1, 1}, []float64{0, 0})
	for i := range r.Variants {
		r.Variants[i].Loads = []result.Load{{
			Name: "reads", Kind: result.BidiStream, Arrivals: "poisson", RatePerS: 20, Shape: "spike: {times: 5, at: 10s, for: 2s}",
			SessionCalls: 5, ThinkNS: 200e6, Messages: 600, MessageEveryNS: 50e6, RequestSizes: "lognormal p50 1024 B, p99 65536 B", Keys: "zipf",
		}}
	}
	got := strings.Join(newPage(r).sections[0].heading[0], " · ")
	want := "GetUser · bidi stream · open loop, poisson 20/s, sessions of 5 calls, think 200 ms · shape spike: {times: 5, at: 10s, for: 2s} · " +
		"600 messages every 50 ms · request lognormal p50 1024 B, p99 65536 B · zipf keys · 7 trials × 20 s"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	r.Variants[1].Loads[0].Shape, r.Variants[1].Loads[0].SessionCalls, r.Variants[1].Loads[0].Keys = "", 0, ""
	var notes []string
	for _, n := range newPage(r).sections[0].notes {
		notes = append(notes, n.text)
	}
	for _, want := range []string{"sessions differ: of 5 calls (a), none (b)", "shape differs: spike: {times: 5, at: 10s, for: 2s} (a), none (b)", "keys differ: zipf keys (a), none (b)"} {
		if !slices.Contains(notes, want) {
			t.Errorf("notes %q lack %q", notes, want)
		}
	}
}
