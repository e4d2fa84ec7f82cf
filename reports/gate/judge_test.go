package gate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
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
	stuck := variantOf("a", 10, 10, 10, 10, 10, 10)
	for i := range stuck.Trials {
		stuck.Trials[i].State = []result.State{result.NotRecovered, result.Metastable}[i%2]
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

// A fault from 2 s to 4 s, seen in the seconds 2 and 3, and not in the others.
func TestJudgeDuringAFault(t *testing.T) {
	v := variantOf("a")
	v.Faults = []result.FaultWindow{{Name: "outage", AtNS: 2e9, ForNS: 2e9}}
	edge := result.SpreadEdge(10 * ms) // near 10 ms
	low, high := float64(result.SpreadNS(edge-1)), float64(result.SpreadNS(edge))
	for block := range 6 {
		v.Trials = append(v.Trials, trialOf(block, 5, func(t *result.Trial) {
			for second := range 10 {
				s := result.IntervalSeries{Name: "reads", Planned: 400, OK: 400, InSLO: 400, Attempts: 400, Spread: &result.Spread{First: 1, Counts: []int64{400}}}
				if second == 2 || second == 3 {
					s = result.IntervalSeries{
						Name: "reads", Planned: 400, OK: 398, InSLO: 300, Failed: 2, Codes: map[string]int64{"UNAVAILABLE": 1, "INTERNAL": 1}, Attempts: 600,
						Spread: &result.Spread{First: edge, Counts: []int64{397, 1}},
					}
				}
				t.Intervals = append(t.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{s}})
			}
		}))
	}
	r := resultOf(v)
	for text, want := range map[string]string{
		"in_slo{during=outage} > 70%":                           "passed 0.75",
		"errors{during=outage} < 0.5%":                          "failed 0.005",
		"errors{during=outage, code=INTERNAL} < 0.5%":           "passed 0.0025",
		"goodput{during=outage} >= 300/s":                       "passed 300",
		"rate{during=outage} >= 398/s":                          "passed 398",
		"attempts{during=outage} <= 1.5":                        "passed 1.5",
		"recovery{during=outage} < 1s":                          "passed 0 [0 0]",
		"p99{during=outage} < 20ms":                             fmt.Sprintf("passed %.6g [%.6g %.6g]", high, low, high),
		fmt.Sprintf("p99{during=outage} < %dns", int64(high)-1): fmt.Sprintf("inconclusive %.6g [%.6g %.6g]", high, low, high),
		"p99.9{during=outage} < 1s":                             "inconclusive – too few samples in 6 of 6 trials: p99.9 needs 3688 in each",
	} {
		if got := judge(t, r, text, nil); written(got.Cases[0]) != want {
			t.Errorf("%s: %s, want %s", text, written(got.Cases[0]), want)
		}
	}
	// Coarse figures that look the same differ by less than a class, not by nothing.
	twin := v
	twin.Name, twin.Settings = "backoff=b", map[string]string{"backoff": "b"}
	both := resultOf(v, twin)
	if got := judge(t, both, "p99{during=outage} <= baseline + 5%", nil); written(got.Cases[0]) != "inconclusive 1 [0.840896 1.18921]" {
		t.Errorf("the same class: %s", written(got.Cases[0]))
	}
	if got := judge(t, both, "p99{during=outage} <= baseline + 19%", nil); got.Outcome != result.GatePassed {
		t.Errorf("within a class: %s", written(got.Cases[0]))
	}
}

// hangs is six trials of 14 s at 100 calls a second, of which a fault from 5 s to
// 7 s lets so many a second hang: they end 5 s after they were due, badly or well.
// One call fails before the fault, and none is left at the end unless told.
func hangs(share, failed int64, edit ...func(*result.Trial)) *result.Result {
	v := variantOf("a")
	v.Faults = []result.FaultWindow{{Name: "hole", AtNS: 5e9, ForNS: 2e9}}
	for block := range 6 {
		v.Trials = append(v.Trials, trialOf(block, 5, func(t *result.Trial) {
			t.MeasuredNS = 14e9
			s := &t.Series[0]
			s.Planned, s.Calls, s.Codes = 1400, 1400, map[string]int64{}
			for second := range 14 {
				one := result.IntervalSeries{Name: "reads", Planned: 100, OK: 100, Codes: map[string]int64{}}
				switch second {
				case 1:
					one.OK, one.Failed, one.Codes["UNAVAILABLE"] = 99, 1, 1
				case 5, 6:
					one.OK -= share
				case 10, 11:
					one.OK, one.Failed, one.Codes["DEADLINE_EXCEEDED"] = 100+share-failed, failed, failed
				}
				if one.Codes["OK"] = one.OK; one.OK > 0 {
					one.Spread = &result.Spread{First: result.SpreadEdge(10 * ms), Counts: []int64{one.OK}}
				}
				for code, n := range one.Codes {
					s.Codes[code] += n
				}
				t.Intervals = append(t.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{one}})
			}
			for _, e := range edit {
				e(t)
			}
		}))
	}
	return resultOf(v)
}

// A call that a fault lets hang fails after it: a gate during the fault does not pass
// for want of calls that have ended.
func TestCallsThatHang(t *testing.T) {
	const later = " calls due in these seconds ended after them, and may be among those that failed later"
	unfinished := func(t *result.Trial) {
		// The last 60 of those that hang are never heard of.
		s := &t.Intervals[11].Series[0]
		s.OK, s.Codes["OK"] = s.OK-60, s.OK-60
		t.Series[0].Codes["OK"] -= 60
		t.Series[0].Unfinished = 60
	}
	for _, test := range []struct {
		of   *result.Result
		gate string
		want string
	}{
		{hangs(100, 100), "errors{during=hole} < 1%", "inconclusive 1 [0 1]" + later},
		{hangs(100, 100), "errors{during=hole, code=DEADLINE_EXCEEDED} < 1%", "inconclusive 1 [0 1]" + later},
		{hangs(100, 100), "errors{during=hole, code=UNAVAILABLE} < 1%", "passed 0"}, // that was before
		{hangs(100, 100), "errors{during=hole, code=dropped} <= 0%", "passed 0"},
		{hangs(100, 100), "errors < 15%", "passed 0.143571"},
		{hangs(99, 99), "errors{during=hole} < 1%", "inconclusive 0.99 [0 0.99]" + later}, // a straggler makes no difference
		{hangs(33, 33), "errors{during=hole} < 30%", "inconclusive 0.33 [0 0.33]" + later},
		{hangs(33, 33), "errors{during=hole} < 34%", "passed 0.33 [0 0.33]" + later},
		{hangs(33, 3), "errors{during=hole} < 4%", "passed 0.03 [0 0.03]" + later}, // no more than failed later
		{hangs(100, 0), "errors{during=hole} <= 0%", "passed 0"},                   // late, but all are well
		{hangs(100, 100), "p90{during=hole} < 20ms", "inconclusive – [0 –]" + later},
		{hangs(33, 33), "p90{during=hole} < 20ms", "inconclusive – [8.192e+06 –]" + later},
		{hangs(33, 33), "p90{during=hole} < 5ms", "failed – [8.192e+06 –]" + later},
		{hangs(3, 3), "p90{during=hole} < 20ms", "passed 9.74198e+06 [8.192e+06 9.74198e+06]" + later},
		{hangs(33, 0), "p90{during=hole} < 20ms", "passed 9.74198e+06 [8.192e+06 9.74198e+06]"},
		{hangs(100, 0, unfinished), "errors{during=hole} < 20%", "inconclusive 0.3 [0 0.3]" + later},
	} {
		if got := judge(t, test.of, test.gate, nil); written(got.Cases[0]) != test.want {
			t.Errorf("%s: %s, want %s", test.gate, written(got.Cases[0]), test.want)
		}
	}
	twin := hangs(100, 100)
	twin.Variants = append(twin.Variants, twin.Variants[0])
	twin.Variants[1].Name, twin.Variants[1].Settings = "backoff=b", map[string]string{"backoff": "b"}
	twin.Scenario.Dimensions[0].Values = []string{"a", "b"}
	for _, text := range []string{"errors{during=hole} <= baseline", "p90{during=hole} <= baseline + 50%"} {
		if got := judge(t, twin, text, nil); got.Outcome != result.GateInconclusive || got.Cases[0].Reason != strings.TrimSpace(later) {
			t.Errorf("%s: %s", text, written(got.Cases[0]))
		}
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

// The recovery of one fault is what tables show of it, whatever else is on: other
// faults' harm is not what was usual before it, nor is the next of its own windows
// what it did not recover from.
func TestJudgeRecoveryAmongOtherFaults(t *testing.T) {
	at := func(name string, from, to int64) result.FaultWindow {
		return result.FaultWindow{Name: name, Kind: "down", AtNS: from * 1e9, ForNS: (to - from) * 1e9}
	}
	// good is the share of calls that are, by second.
	variant := func(good func(second int) float64, faults ...result.FaultWindow) result.Variant {
		v := variantOf("a")
		v.Faults = faults
		for block := range 6 {
			v.Trials = append(v.Trials, trialOf(block, 5, func(t *result.Trial) {
				t.MeasuredNS, t.Series[0].Method = 60e9, "user.v1.UserService/GetUser"
				for second := range 60 {
					n := int64(100 * good(second))
					t.Intervals = append(t.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{
						{Name: "reads", Planned: 100, OK: n, InSLO: n, Failed: 100 - n, Attempts: 100}}})
				}
			}))
		}
		return v
	}
	a, b := at("a", 5, 8), at("b", 14, 17)
	stuck := func(s int) float64 {
		switch {
		case s >= 5 && s < 8:
			return 0
		case s >= 14:
			return 0.72
		}
		return 1
	}
	flaky := result.FaultWindow{Name: "flaky", Kind: "status", AtNS: -1e9}
	others := at("others", 14, 40)
	others.Method = "ListUsers"
	for name, c := range map[string]struct {
		variant result.Variant
		want    map[string]string
	}{
		"one backend after the other": {
			variant(func(s int) float64 {
				if s >= 20 && s < 35 {
					return 0.67
				}
				return 1
			}, at("roll", 20, 25), at("roll", 25, 30), at("roll", 30, 35)),
			map[string]string{"roll": "passed 0 [0 0]"},
		},
		"the second one sticks": {variant(stuck, a, b), map[string]string{"a": "passed 0 [0 0]", "b": "failed –!"}},
		"in any order":          {variant(stuck, b, a), map[string]string{"a": "passed 0 [0 0]", "b": "failed –!"}},
		"beside one that is on throughout": {
			variant(stuck, flaky, a, b),
			map[string]string{"a": "passed 0 [0 0]", "b": "failed –!", "flaky": "inconclusive – flaky does not end early enough before the next fault, or the end of a trial, to see a recovery"},
		},
		"two at once": {
			variant(func(s int) float64 {
				if s >= 5 && s < 12 {
					return 0.5
				}
				return 1
			}, a, at("c", 7, 11)),
			map[string]string{"a": "passed 1e+09 [1e+09 1e+09]", "c": "passed 1e+09 [1e+09 1e+09]"},
		},
		"beside one of another method": {variant(func(int) float64 { return 1 }, a, others), map[string]string{"a": "passed 0 [0 0]", "others": "passed 0 [0 0]"}},
	} {
		for fault, want := range c.want {
			got := judge(t, resultOf(c.variant), "recovery{during="+fault+"} < 2s", nil)
			if written(got.Cases[0]) != want {
				t.Errorf("%s: recovery of %s: %s, want %s", name, fault, written(got.Cases[0]), want)
			}
			// The phases of all of the faults agree.
			trial := &c.variant.Trials[0]
			for _, p := range stats.Phases(trial, "reads", c.variant.Faults...) {
				if fault != "others" && p.Window.Names(fault) && p.Recovered != (got.Outcome == result.GatePassed) {
					t.Errorf("%s: %s is %s, and %+v", name, fault, got.Outcome, p)
				}
			}
		}
	}
}

func TestSelectors(t *testing.T) {
	a, b := variantOf("a", 1), variantOf("b", 1)
	for _, v := range []*result.Variant{&a, &b} {
		v.Loads = append(v.Loads, result.Load{Name: "lists", Kind: result.ServerStream})
		lists := v.Trials[0].Series[0]
		lists.Name = "lists"
		v.Trials[0].Series = append(v.Trials[0].Series, lists)
	}
	b.Faults = []result.FaultWindow{{Name: "outage"}}
	r := resultOf(a, b)
	for text, want := range map[string]string{
		"p99 < 1s":            "backoff=a reads, backoff=a lists, backoff=b reads, backoff=b lists",
		"p99{variant=a} < 1s": "backoff=a reads, backoff=a lists",
		"p99{variant=backoff=b, load=lists} < 1s": "backoff=b lists",
		"p99{backoff=b, kind=unary} < 1s":         "backoff=b reads",
		"imbalance < 2":                           "backoff=a , backoff=b ",
		"errors{during=outage} < 1%":              "backoff=b reads, backoff=b lists",
		"p99{load=reads} <= baseline":             "backoff=b reads",
	} {
		var cases []string
		for _, c := range judge(t, r, text, nil).Cases {
			cases = append(cases, c.Variant+" "+c.Load)
		}
		if got := strings.Join(cases, ", "); got != want {
			t.Errorf("%s is about %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]struct {
		at      int
		message string
	}{
		"p99{variant=c} < 1s":                   {12, `there is no variant "c"; there are backoff=a, backoff=b, a, b`},
		"p99{load=read} < 1s":                   {9, `there is no load entry "read"; there are reads, lists`},
		"p99{kind=bidi_stream} < 1s":            {9, `there is no kind of RPC "bidi_stream"; there are unary, server_stream`},
		"errors{during=x} < 1%":                 {14, `there is no fault "x"; there are outage`},
		"p99{load=reads, backof=a} < 1s":        {16, `there is no dimension "backof"; there are backoff`},
		"p99{backoff=c} < 1s":                   {12, `there is no value of backoff "c"; there are a, b`},
		"p99{variant=a} <= baseline":            {0, "compares the baseline with itself"},
		"errors{variant=a, during=outage} < 1%": {0, "is about nothing"},
	} {
		g, err := gate.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		err = g.Check(gate.SubjectOf(r))
		at := -1
		if name, ok := errors.AsType[*gate.NameError](err); ok {
			at = name.At
		} else if other, ok := errors.AsType[*gate.Error](err); ok {
			at = other.At
		}
		if at != want.at || !strings.Contains(fmt.Sprint(err), want.message) {
			t.Errorf("%s: at %d %v, want at %d %s", text, at, err, want.at, want.message)
		}
	}
	single := resultOf(a)
	single.Scenario.Dimensions = nil
	g, _ := gate.Parse("p99 <= baseline")
	if err := g.Check(gate.SubjectOf(single)); err == nil || !strings.Contains(err.Error(), "nothing is compared") {
		t.Errorf("without a comparison: %v", err)
	}
}

// A result against itself never fails, whatever it is.
func TestAgainstItselfNeverFails(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 1 + rng.IntN(12)
		p99 := make([]float64, n)
		for i := range p99 {
			if p99[i] = 10 * math.Exp(rng.NormFloat64()); rng.IntN(8) == 0 {
				p99[i] = 0
			}
		}
		a, twin := variantOf("a", p99...), variantOf("b", p99...)
		twin.Trials = a.Trials
		for _, text := range []string{
			"p99 <= baseline", "p99 <= baseline + 5%", "p99 <= baseline + 1ms", "in_slo >= baseline", "errors <= baseline + 0.1pp",
			"goodput >= baseline - 5%", "attempts <= baseline", "cpu_per_call <= baseline + 1%", "max <= baseline",
		} {
			if got := judge(t, resultOf(a, twin), text, nil); got.Outcome == result.GateFailed {
				t.Errorf("%s fails against a twin of %v: %s", text, p99, written(got.Cases[0]))
			}
			stored := strings.Replace(text, "baseline", "@main", 1)
			if got := judge(t, resultOf(a), stored, resultOf(a)); got.Outcome == result.GateFailed {
				t.Errorf("%s fails against itself, %v: %s", stored, p99, written(got.Cases[0]))
			}
		}
	}
}

// runs judges 1,000 synthetic results, in which trials vary by cv beside what the
// block does to all, and the variant is slower by a ratio.
func runs(t *testing.T, text string, k int, cv, ratio float64, stored bool) (failed, inconclusive int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(k), math.Float64bits(ratio)))
	for range 1000 {
		a, b := make([]float64, k), make([]float64, k)
		for i := range k {
			block := 10 * math.Exp(0.1*rng.NormFloat64())
			a[i] = block * math.Exp(cv*rng.NormFloat64())
			if stored {
				block = 10 * math.Exp(0.1*rng.NormFloat64())
			}
			b[i] = ratio * block * math.Exp(cv*rng.NormFloat64())
		}
		var got result.Gate
		if stored {
			old := resultOf(variantOf("a", a...))
			old.Seed++ // other draws
			got = judge(t, resultOf(variantOf("a", b...)), text, old)
		} else {
			got = judge(t, resultOf(variantOf("a", a...), variantOf("b", b...)), text, nil)
		}
		switch got.Outcome {
		case result.GateFailed:
			failed++
		case result.GateInconclusive:
			inconclusive++
		}
	}
	return failed, inconclusive
}

// Of A/A runs hardly any fails; at the limit itself at most 2.5 % do (an interval
// of 95 % errs that often on either side), and a regression beyond it does.
func TestGateErrsAsSeldomAsItSays(t *testing.T) {
	most := func(share float64) int { return int(1000*share + 3*math.Sqrt(1000*share*(1-share))) }
	for _, test := range []struct {
		gate      string
		k         int
		cv, ratio float64
		stored    bool
		most      int // failures
		least     int
		open      int // most that are inconclusive
	}{
		{"p99 <= baseline + 5%", 6, 0.03, 1, false, 0, 0, 1000},
		// At the default trials of three variants at most a quarter is inconclusive.
		{"p99 <= baseline + 5%", 7, 0.02, 1, false, 0, 0, 250},
		{"p99 <= baseline + 10%", 7, 0.03, 1, false, 0, 0, 250},
		{"p99 <= baseline + 5%", 10, 0.10, 1, false, most(0.05), 0, 1000},
		{"p99 <= baseline + 5%", 10, 0.03, 1.05, false, most(0.025), 5, 1000},
		{"p99 <= baseline + 5%", 10, 0.02, 1.10, false, 1000, 950, 50},
		{"p99 <= @main + 5%", 10, 0.03, 1, true, most(0.05), 0, 1000},
		{"p99 <= @main + 5%", 10, 0.03, 1.05, true, most(0.025), 5, 1000},
		{"p99 <= @main + 5%", 10, 0.03, 1.50, true, 1000, 950, 50},
	} {
		failed, inconclusive := runs(t, test.gate, test.k, test.cv, test.ratio, test.stored)
		t.Logf("%s, %d trials, varying by %g, truly ×%g: %d failed, %d inconclusive", test.gate, test.k, test.cv, test.ratio, failed, inconclusive)
		if failed > test.most || failed < test.least || inconclusive > test.open {
			t.Errorf("%s, truly ×%g: %d of 1,000 failed, want %d to %d; %d were inconclusive, want at most %d",
				test.gate, test.ratio, failed, test.least, test.most, inconclusive, test.open)
		}
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
