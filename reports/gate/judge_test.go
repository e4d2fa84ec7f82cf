package gate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
)

const ms = 1_000_000

// trialOf is a trial of 1,000 calls of reads whose p99 is so many ms; 0 is one
// that lands on a failed call.
func trialOf(block int, p99 float64, edit ...func(*result.Trial)) result.Trial {
	var at *int64
	if p99 > 0 {
		ns := int64(math.Round(p99 * ms))
		at = &ns
	}
	t := result.Trial{
		Block: block, MeasuredNS: 10e9, Validity: result.Validity{Verdict: result.Valid}, State: result.Steady,
		Series: []result.Series{{
			Name: "reads", Planned: 1000, Calls: 1000, Attempts: 1500, Codes: map[string]int64{"OK": 990, "UNAVAILABLE": 10},
			InSLO: 0.98, GoodputPerS: 98, AchievedPerS: 99,
			Latency: map[result.Measure]result.Summary{result.Response: {Count: 990, MaxNS: 40 * ms, MeanNS: 2 * ms, P99NS: at}},
		}},
		Client: result.Client{CPUNS: 20_000_000, AllocsPerCall: 100, Imbalance: 1.25},
	}
	for _, e := range edit {
		e(&t)
	}
	return t
}

func variantOf(name string, p99 ...float64) result.Variant {
	v := result.Variant{Name: "backoff=" + name, Settings: map[string]string{"backoff": name}, Loads: []result.Load{{Name: "reads", Kind: result.Unary}}}
	for i, x := range p99 {
		v.Trials = append(v.Trials, trialOf(i, x))
	}
	return v
}

// resultOf compares backoffs; the first is the baseline.
func resultOf(variants ...result.Variant) *result.Result {
	r := &result.Result{SchemaVersion: result.SchemaVersion, Validity: result.Validity{Verdict: result.Valid}, Variants: variants}
	r.Scenario.WorkloadSHA256 = "0123456789"
	d := result.Dimension{Name: "backoff"}
	for _, v := range variants {
		d.Values = append(d.Values, v.Settings["backoff"])
	}
	d.Baseline = d.Values[0]
	r.Scenario.Dimensions = []result.Dimension{d}
	return r
}

func judge(t *testing.T, r *result.Result, text string, stored *result.Result) result.Gate {
	t.Helper()
	g, err := gate.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	all, err := gate.Judge(r, []gate.Gate{g}, gate.Options{Stored: func(name string) (*result.Result, error) {
		if name != "main" || stored == nil {
			return nil, fmt.Errorf("no %s", name)
		}
		return stored, nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return all[0]
}

// written is a case in short: outcome, figure [low high] reason.
func written(c result.GateCase) string {
	number := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf("%.6g", *v)
	}
	text := string(c.Outcome) + " " + number(c.Figure)
	if c.OnFailed {
		text += "!"
	}
	if c.Low != nil || c.High != nil {
		text += " [" + number(c.Low) + " " + number(c.High) + "]"
	}
	if c.Reason != "" {
		text += " " + c.Reason
	}
	return text
}

// Each of these was computed by hand. Six trials: C = 1, so that the interval is
// from the least to the greatest. Eight: C = 4; of 1, 2, 4 … 128 ms the fourth
// smallest of the Walsh averages of the logarithms, in doublings, of 0, 0.5, 1, 1,
// 1.5, … is 1, and the fourth greatest 6.
func TestJudgeAgainstALimit(t *testing.T) {
	six := variantOf("a", 10, 12, 11, 13, 15, 14)
	eight := variantOf("a", 1, 2, 4, 8, 16, 32, 64, 128)
	oneFailed := variantOf("a", 10, 12, 11, 13, 0, 14)
	allFailed := variantOf("a", 0, 0, 0, 0, 0, 0)
	three := variantOf("a", 10, 30, 20)
	few := variantOf("a", 10, 10, 10, 10, 10, 10)
	for i := range few.Trials[:3] {
		few.Trials[i].Series[0].Planned = 300
	}
	nothing := variantOf("a", 0, 0, 0, 0, 0, 0)
	for i := range nothing.Trials {
		s := &nothing.Trials[i].Series[0]
		s.Codes, s.Latency = map[string]int64{"UNAVAILABLE": 1000}, map[result.Measure]result.Summary{}
	}
	// The workers of a closed loop make few calls where each runs into its timeout.
	hung := variantOf("a", 0, 0, 0, 0, 0, 0)
	for i := range hung.Trials {
		s := &hung.Trials[i].Series[0]
		s.Planned, s.Calls, s.Codes, s.Latency = 80, 80, map[string]int64{"DEADLINE_EXCEEDED": 80}, map[result.Measure]result.Summary{}
	}
	stuck := variantOf("a", 10, 10, 10, 10, 10, 10)
	for i := range stuck.Trials {
		stuck.Trials[i].State = []result.State{result.NotRecovered, result.Metastable}[i%2]
	}
	idle := variantOf("a", 10, 10)
	for i := range idle.Trials {
		idle.Trials[i].Series[0] = result.Series{Name: idle.Trials[i].Series[0].Name}
	}
	for _, test := range []struct {
		v    result.Variant
		gate string
		want string
	}{
		{six, "p99 < 16ms", "passed 1.25e+07 [1e+07 1.5e+07]"},
		{six, "p99 <= 15ms", "passed 1.25e+07 [1e+07 1.5e+07]"},
		{six, "p99 < 15ms", "inconclusive 1.25e+07 [1e+07 1.5e+07]"},
		{six, "p99 < 12ms", "inconclusive 1.25e+07 [1e+07 1.5e+07]"},
		{six, "p99 < 10ms", "failed 1.25e+07 [1e+07 1.5e+07]"},
		{six, "p99 > 9ms", "passed 1.25e+07 [1e+07 1.5e+07]"},
		{eight, "p99 < 1s", "passed 1.2e+07 [2e+06 6.4e+07]"},
		{oneFailed, "p99 < 20ms", "inconclusive 1.25e+07 [1e+07 –]"},
		{oneFailed, "p99 < 9ms", "failed 1.25e+07 [1e+07 –]"},
		{allFailed, "p99 < 1h", "failed –!"},
		{three, "p99 < 21ms", "passed 2e+07 the median of 3 trials was judged: 6 give an interval"},
		{three, "p99 < 20ms", "failed 2e+07 the median of 3 trials was judged: 6 give an interval"},
		{few, "p99 < 1s", "inconclusive – too few samples in 3 of 6 trials: p99 needs 368 in each"},
		{six, "max < 40ms", "failed 4e+07 [4e+07 4e+07]"},
		{nothing, "max < 1h", "failed –!"},
		{hung, "p99 < 1h", "failed –!"},
		{nothing, "mean < 1h", "failed –!"},
		{nothing, "mean > 1ms", "passed –!"},
		{six, "mean <= 2ms", "passed 2e+06 [2e+06 2e+06]"},
		{six, "service.mean < 2ms", "inconclusive – a trial has no values of service"},
		{six, "in_slo >= 98%", "passed 0.98"},
		{six, "in_slo > 98%", "failed 0.98"},
		{six, "errors < 1.1%", "passed 0.01"},
		{six, "errors{code=UNAVAILABLE} < 1%", "failed 0.01"},
		{six, "errors{code=INTERNAL} <= 0%", "passed 0"},
		{six, "goodput >= 98/s", "passed 98"},
		{six, "rate > 100/s", "failed 99"},
		{six, "attempts <= 1.5", "passed 1.5"},
		{six, "imbalance < 1.2", "failed 1.25"},
		{six, "cpu_per_call < 21us", "passed 20000"},
		{six, "allocs_per_call < 100", "failed 100"},
		{six, "recovery < 5s", "inconclusive – no fault ended early enough in a trial to see a recovery"},
		{stuck, "recovery < 5s", "failed –!"},
		{variantOf("a"), "p99 < 5s", "inconclusive – no trial of it was measured"},
		{idle, "errors < 1%", "inconclusive – no call of it was due in any trial"},
	} {
		got := judge(t, resultOf(test.v), test.gate, nil)
		if len(got.Cases) != 1 || written(got.Cases[0]) != test.want || got.Outcome != got.Cases[0].Outcome {
			t.Errorf("%s: %s (gate %s), want %s", test.gate, written(got.Cases[0]), got.Outcome, test.want)
		}
	}
}

// Six blocks: the interval is from the least ratio of a block to the greatest.
// Two comparisons need seven.
func TestJudgeAgainstTheBaseline(t *testing.T) {
	base := variantOf("a", 10, 10, 20, 10, 10, 10)
	worse := variantOf("b", 12, 13, 24, 12, 12, 12)
	same := variantOf("b", 9, 11, 20, 10, 10, 10)
	failed := variantOf("b", 0, 0, 0, 0, 0, 0)
	half := variantOf("b", 12, 0, 24, 12, 12, 12)
	for _, test := range []struct {
		variants []result.Variant
		gate     string
		want     []string
	}{
		{[]result.Variant{base, worse}, "p99 <= baseline + 5%", []string{"failed 1.2 [1.2 1.3]"}},
		{[]result.Variant{base, worse}, "p99 <= baseline + 25%", []string{"inconclusive 1.2 [1.2 1.3]"}},
		{[]result.Variant{base, worse}, "p99 <= baseline + 31%", []string{"passed 1.2 [1.2 1.3]"}},
		{[]result.Variant{base, worse}, "p99 <= baseline + 3ms", []string{"inconclusive 2.5e+06 [2e+06 4e+06]"}},
		{[]result.Variant{base, worse}, "p99 <= baseline + 4ms", []string{"passed 2.5e+06 [2e+06 4e+06]"}},
		{[]result.Variant{base, same}, "p99 <= baseline + 15%", []string{"passed 1 [0.9 1.1]"}},
		{[]result.Variant{base, same}, "p99 < baseline", []string{"inconclusive 1 [0.9 1.1]"}},
		{[]result.Variant{base, failed}, "p99 <= baseline + 5%", []string{"failed –!"}},
		{[]result.Variant{failed, base}, "p99 <= baseline + 5%", []string{"passed – the figure that it is compared with lands on failed calls"}},
		{[]result.Variant{base, half}, "p99 <= baseline + 5%", []string{"failed 1.2 [1.2 –]"}},
		{[]result.Variant{failed, half}, "p99 <= baseline + 5%", []string{"inconclusive – p99 lands on failed calls in trials of both it and backoff=b"}},
		{[]result.Variant{base, same}, "in_slo >= baseline - 0.1pp", []string{"passed 0 [0 0]"}},
		{[]result.Variant{base, same}, "attempts <= baseline + 1%", []string{"passed 1 [1 1]"}},
		{[]result.Variant{base, worse, variantOf("c", 1, 1, 1, 1, 1, 1)}, "p99 <= baseline + 5%", []string{
			"inconclusive 1.2 6 trials cannot show a difference: 7 are needed",
			"inconclusive 0.1 6 trials cannot show a difference: 7 are needed",
		}},
		// Selected alone it is one comparison, for which six are enough.
		{[]result.Variant{base, worse, variantOf("c", 1, 1, 1, 1, 1, 1)}, "p99{variant=c} <= baseline + 5%", []string{"passed 0.1 [0.05 0.1]"}},
	} {
		got := judge(t, resultOf(test.variants...), test.gate, nil)
		var cases []string
		for _, c := range got.Cases {
			cases = append(cases, written(c))
		}
		if strings.Join(cases, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("%s: %v, want %v", test.gate, cases, test.want)
		}
	}
}

// Four against four at 95 %: Mann–Whitney's C is 1, so that the interval is from
// the least to the greatest of the 16 ratios.
func TestJudgeAgainstAStoredResult(t *testing.T) {
	main := resultOf(variantOf("a", 10, 10, 10, 10))
	now := resultOf(variantOf("a", 11, 12, 12, 12))
	for text, want := range map[string]string{
		"p99 <= @main + 5%":  "failed 1.2 [1.1 1.2]",
		"p99 <= @main + 15%": "inconclusive 1.2 [1.1 1.2]",
		"p99 <= @main + 21%": "passed 1.2 [1.1 1.2]",
		"in_slo >= @main":    "passed 0 [0 0]",
	} {
		if got := judge(t, now, text, main); written(got.Cases[0]) != want {
			t.Errorf("%s: %s, want %s", text, written(got.Cases[0]), want)
		}
	}
	if got := judge(t, resultOf(variantOf("a", 1, 1, 1)), "p99 <= @main + 5%", main); written(got.Cases[0]) != "inconclusive 0.1 3 trials against 4 cannot show a difference" {
		t.Errorf("three against four: %s", written(got.Cases[0]))
	}
	// Half of the 16 ratios are to a failed p99: so is the middle one.
	half := resultOf(variantOf("a", 10, 0, 10, 0))
	if got := judge(t, now, "p99 <= @main + 5%", half); written(got.Cases[0]) != "inconclusive – [– 1.2] the figure that it is compared with lands on failed calls" {
		t.Errorf("against half that failed: %s", written(got.Cases[0]))
	}
	for name, test := range map[string]struct {
		edit func(*result.Result)
		want string
	}{
		"other scenario": {func(r *result.Result) { r.Scenario.WorkloadSHA256 = "abcdef" }, "@main is of something else: scenario: abcdef before, 01234567 now"},
		"other CPU":      {func(r *result.Result) { r.Environment.CPUModel = "Z80" }, "@main is of something else: CPU: Z80 before, not known now"},
		"other load":     {func(r *result.Result) { r.Variants[0].Loads[0].RatePerS = 5 }, "@main is of something else: load: backoff=a has another reads"},
		"INVALID":        {func(r *result.Result) { r.Validity.Verdict = result.Invalid }, "@main is INVALID"},
	} {
		other := resultOf(variantOf("a", 10, 10, 10, 10))
		test.edit(other)
		got := judge(t, now, "p99 <= @main + 50%", other)
		if got.Outcome != result.GateInconclusive || got.Reason != test.want || len(got.Cases) != 0 {
			t.Errorf("%s: %s because %q, want %q", name, got.Outcome, got.Reason, test.want)
		}
	}
	if got := judge(t, resultOf(variantOf("b", 1, 1, 1, 1)), "p99 <= @main + 5%", main); got.Cases[0].Reason != "@main has no such variant" {
		t.Errorf("another variant: %s", written(got.Cases[0]))
	}
}

// With the same seed blocks met the same draws, and with enough of them that is
// used: six ratios from 1.1 to 1.2, where the trials themselves are far apart. With
// another seed nothing can be told.
func TestJudgeAgainstAStoredResultOfTheSameSeed(t *testing.T) {
	main, now := resultOf(variantOf("a", 10, 20, 40, 80, 160, 320)), resultOf(variantOf("a", 11, 24, 48, 96, 192, 384))
	if got := judge(t, now, "p99 <= @main + 5%", main); written(got.Cases[0]) != "failed 1.2 [1.1 1.2]" {
		t.Errorf("the same seed: %s", written(got.Cases[0]))
	}
	main.Seed++
	if got := judge(t, now, "p99 <= @main + 5%", main); got.Outcome != result.GateInconclusive || *got.Cases[0].Low > 0.5 {
		t.Errorf("another seed: %s", written(got.Cases[0]))
	}
}

func TestInvalidIsNotJudged(t *testing.T) {
	r := resultOf(variantOf("a", 1000))
	r.Validity.Verdict = result.Invalid
	got := judge(t, r, "p99 < 1ms", nil)
	if got.Outcome != result.GateNotJudged || len(got.Cases) != 0 || got.Reason == "" {
		t.Errorf("%+v", got)
	}
	if w := gate.Worst([]result.Gate{{Outcome: result.GatePassed}, got}); w != result.GateNotJudged {
		t.Errorf("the worst is %s", w)
	}
}

// What differs by just as much as is allowed is allowed, and by less than <
// allows it is not: floating point has no say.
func TestJudgeAtTheAllowedDifference(t *testing.T) {
	shares := func(name string, share float64) result.Variant {
		v := variantOf(name, 10, 10, 10, 10, 10, 10)
		for i := range v.Trials {
			v.Trials[i].Series[0].InSLO = share
		}
		return v
	}
	slow := func(name string, p99 float64) result.Variant { return variantOf(name, p99, p99, p99, p99, p99, p99) }
	for _, test := range []struct {
		base, other result.Variant
		allowed     string // METRIC OP= baseline ± CHANGE
	}{
		{shares("a", 0.98), shares("b", 0.97), "in_slo >= baseline - 1pp"},
		{shares("a", 0.97), shares("b", 0.98), "in_slo <= baseline + 1pp"},
		{shares("a", 0.99999), shares("b", 0.99998), "in_slo >= baseline - 0.001pp"},
		{slow("a", 20), slow("b", 21), "p99 <= baseline + 5%"},
		{slow("a", 20), slow("b", 19), "p99 >= baseline - 5%"},
		{slow("a", 30), slow("b", 33), "p99 <= baseline + 10%"},
		{slow("a", 20), slow("b", 21), "p99 <= baseline + 1ms"},
	} {
		strict := strings.Replace(test.allowed, "=", "", 1)
		stored := strings.NewReplacer("baseline", "@main").Replace
		old := test.base
		old.Name, old.Settings = test.other.Name, test.other.Settings
		for text, want := range map[string]result.GateOutcome{
			test.allowed: result.GatePassed, strict: result.GateFailed,
			stored(test.allowed): result.GatePassed, stored(strict): result.GateFailed,
		} {
			r, main := resultOf(test.base, test.other), (*result.Result)(nil)
			if strings.Contains(text, "@") {
				r, main = resultOf(test.other), resultOf(old)
			}
			if got := judge(t, r, text, main); got.Outcome != want {
				t.Errorf("%s: %s, want %s", text, written(got.Cases[0]), want)
			}
		}
	}
	// What differs by a call more than is allowed does fail.
	if got := judge(t, resultOf(shares("a", 0.98), shares("b", 0.97-1e-8)), "in_slo >= baseline - 1pp", nil); got.Outcome != result.GateFailed {
		t.Errorf("one in 10⁸ more: %s", written(got.Cases[0]))
	}
}

// A condition is judged by the seconds so far, of which there must be three.
func TestWatcher(t *testing.T) {
	r := resultOf(variantOf("a"), variantOf("b"))
	second := func(n int, planned, ok, failed int64, class int) result.Interval {
		s := result.IntervalSeries{Name: "reads", Planned: planned, OK: ok, InSLO: ok, Failed: failed, Attempts: 2 * (ok + failed), Codes: map[string]int64{"INTERNAL": failed}}
		if ok > 0 {
			s.Spread = &result.Spread{First: class, Counts: []int64{ok}}
		}
		return result.Interval{Second: n, Series: []result.IntervalSeries{s}}
	}
	slow := result.SpreadEdge(100 * ms)
	for _, test := range []struct {
		condition string
		seconds   []result.Interval
		want      int // the second, from 0, with which it is told; -1 is never
	}{
		{"errors > 50%", []result.Interval{second(-1, 100, 0, 100, 0), second(0, 100, 0, 100, 0), second(1, 100, 0, 100, 0), second(2, 100, 0, 100, 0)}, 3},
		{"errors > 50%", []result.Interval{second(0, 100, 100, 0, 1), second(1, 100, 0, 100, 0), second(2, 100, 0, 100, 0), second(3, 100, 0, 100, 0)}, 2},
		{"errors{code=INTERNAL} >= 25%", []result.Interval{second(0, 100, 100, 0, 1), second(1, 100, 100, 0, 1), second(2, 100, 100, 0, 1), second(3, 100, 0, 100, 0)}, 3},
		{"errors > 25%", []result.Interval{second(0, 100, 100, 0, 1), second(1, 100, 100, 0, 1), second(2, 100, 100, 0, 1), second(3, 100, 0, 100, 0)}, -1},
		// Nothing has ended yet, so that nothing is known.
		{"in_slo < 50%", []result.Interval{second(0, 100, 0, 0, 0), second(1, 100, 0, 0, 0), second(2, 100, 0, 0, 0)}, -1},
		{"p99 > 50ms", []result.Interval{second(0, 400, 400, 0, slow), second(1, 400, 400, 0, slow), second(2, 400, 400, 0, slow)}, 2},
		{"p99 > 99ms", []result.Interval{second(0, 400, 400, 0, slow), second(1, 400, 400, 0, slow), second(2, 400, 400, 0, slow)}, -1}, // within the class
		{"p99 > 50ms", []result.Interval{second(0, 10, 10, 0, slow), second(1, 10, 10, 0, slow), second(2, 10, 10, 0, slow)}, -1},       // too few
		{"attempts > 1.9", []result.Interval{second(0, 10, 10, 0, 1), second(1, 10, 10, 0, 1), second(2, 10, 10, 0, 1)}, 2},
		{"goodput < 11/s", []result.Interval{second(0, 10, 10, 0, 1), second(1, 10, 10, 0, 1), second(2, 10, 10, 0, 1)}, 2},
		{"errors{variant=b} > 1%", []result.Interval{second(0, 100, 0, 100, 0), second(1, 100, 0, 100, 0), second(2, 100, 0, 100, 0)}, -1},
	} {
		g, err := gate.Parse(test.condition)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Watchable(); err != nil {
			t.Errorf("%s: %v", test.condition, err)
		}
		w, told := gate.NewWatcher([]gate.Gate{g}, gate.SubjectOf(r), 0), -1
		for i, s := range test.seconds {
			if reason := w.Add(s); reason != "" {
				told = i
				break
			}
		}
		if told != test.want {
			t.Errorf("%s is told at %d, want %d", test.condition, told, test.want)
		}
	}
	for _, text := range []string{"max > 1s", "service.p99 > 1s", "p99 > baseline + 5%", "errors > @main + 1pp", "recovery > 5s", "errors{during=x} > 5%", "imbalance > 3", "errors{code=unfinished} > 1%"} {
		g, err := gate.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if g.Watchable() == nil {
			t.Errorf("%s cannot be watched", text)
		}
	}
}
