package gate_test

import (
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// A recovery may take no time at all, of which nothing is a percentage: without a
// delta, and with one in units, it is compared by the difference.
func TestRecoveryAgainstTheBaseline(t *testing.T) {
	recovered := func(name string, seconds int64) result.Variant {
		v := variantOf(name, 1, 1, 1, 1, 1, 1)
		for i := range v.Trials {
			ns := seconds * 1e9
			v.Trials[i].RecoveryNS = &ns
		}
		return v
	}
	for _, test := range []struct {
		gate  string
		other int64
		want  string
	}{
		{"recovery <= baseline", 0, "passed 0 [0 0]"},
		{"recovery <= baseline", 2, "failed 2e+09 [2e+09 2e+09]"},
		{"recovery <= baseline + 0s", 0, "passed 0 [0 0]"},
		{"recovery <= baseline + 3s", 2, "passed 2e+09 [2e+09 2e+09]"},
		{"recovery <= baseline + 10%", 2, "inconclusive – recovery is 0 in a trial, which has no ratio: compare it by a difference"},
	} {
		got := judge(t, resultOf(recovered("a", 0), recovered("b", test.other)), test.gate, nil)
		if text := written(got.Cases[0]); text != test.want {
			t.Errorf("%s: %s, want %s", test.gate, text, test.want)
		}
	}
}

// Where goodput was back before the limit, but the measurement ended before it had been
// for five seconds, nobody knows whether it had recovered. Where it was not, or not in
// time, it had not.
func TestRecoveryThatWasNotSeenToTheEnd(t *testing.T) {
	ending := func(good ...int64) result.Variant {
		v := variantOf("a", 1, 1, 1, 1, 1, 1)
		v.Faults = []result.FaultWindow{{Name: "outage", Kind: "down", AtNS: 1e9, ForNS: 1e9}}
		for i := range v.Trials {
			trial := &v.Trials[i]
			trial.State, trial.MeasuredNS = result.NotRecovered, int64(len(good))*1e9
			for second, n := range good {
				trial.Intervals = append(trial.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{
					{Name: "reads", Planned: 100, OK: n, InSLO: n, Failed: 100 - n, Attempts: 100}}})
			}
		}
		return v
	}
	const unseen = "inconclusive – goodput was back at the end of a trial, for less than the 5s that make a recovery: measure for longer"
	for _, test := range []struct {
		v    result.Variant
		want string
	}{
		{ending(100, 0, 100, 100), unseen},
		{ending(100, 0, 0, 100, 100, 100), unseen},
		{ending(100, 0, 0, 0, 0, 100, 100, 100), "failed –!"},
		{ending(100, 0, 100, 100, 100, 50), "failed –!"},
	} {
		for _, gate := range []string{"recovery < 3s", "recovery{during=outage} < 3s"} {
			if got := judge(t, resultOf(test.v), gate, nil); written(got.Cases[0]) != test.want {
				t.Errorf("%s of %v: %s, want %s", gate, test.v.Trials[0].Intervals, written(got.Cases[0]), test.want)
			}
		}
	}
}

// What has broken down altogether is no reason to be undecided: nothing is 0 % of what
// there was.
func TestNothingIsLeft(t *testing.T) {
	broken := variantOf("b", 0, 0, 0, 0, 0, 0)
	for i := range broken.Trials {
		s := &broken.Trials[i].Series[0]
		s.GoodputPerS, s.AchievedPerS, s.Attempts, s.InSLO = 0, 0, 0, 0
	}
	half := variantOf("b", 1, 1, 1, 1, 1, 1)
	half.Trials[3].Series[0].GoodputPerS = 0
	good := variantOf("a", 1, 1, 1, 1, 1, 1)
	stored := broken
	stored.Name, stored.Settings = good.Name, good.Settings
	for _, test := range []struct {
		r    *result.Result
		main *result.Result
		gate string
		want string
	}{
		{resultOf(good, broken), nil, "goodput >= baseline - 5%", "failed 0 [0 0]"},
		{resultOf(good, broken), nil, "rate >= baseline - 5%", "failed 0 [0 0]"},
		{resultOf(good, broken), nil, "attempts <= baseline + 5%", "passed 0 [0 0]"},
		{resultOf(good, half), nil, "goodput >= baseline - 5%", "inconclusive 1 [0 1]"},
		{resultOf(broken, good), nil, "goodput >= baseline - 5%", "inconclusive – goodput is 0 in a trial, which has no ratio: compare it by a difference"},
		{resultOf(stored), resultOf(good), "rate >= @main - 5%", "failed 0 [0 0]"},
	} {
		got := judge(t, test.r, test.gate, test.main)
		if text := written(got.Cases[0]); text != test.want {
			t.Errorf("%s: %s, want %s", test.gate, text, test.want)
		}
	}
}

// A trial that was cut short, perhaps before the fault that others met, decides no gate.
func TestTrialsCutShortDecideNothing(t *testing.T) {
	v := variantOf("a", 10, 10, 10, 10, 10, 10, 0)
	last := &v.Trials[6]
	last.Partial, last.Series[0].InSLO, last.Client.AllocsPerCall = true, 0, 1e6
	for text, want := range map[string]string{
		"p99 < 20ms": "passed 1e+07 [1e+07 1e+07]", "in_slo >= 98%": "passed 0.98", "allocs_per_call <= 100": "passed 100",
	} {
		if got := judge(t, resultOf(v), text, nil); written(got.Cases[0]) != want {
			t.Errorf("%s: %s, want %s", text, written(got.Cases[0]), want)
		}
	}
}
