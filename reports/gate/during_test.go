package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

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
