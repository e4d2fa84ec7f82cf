package stats

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grpcbench/grpcbench/reports/result"
)

// p99 makes a sample of n planned calls with this p99; 0 is null.
func p99(block int, n, ns int64) Sample {
	s := &result.Series{Planned: n, Latency: map[result.Measure]result.Summary{}}
	if ns > 0 {
		s.Latency[result.Response] = result.Summary{P99NS: &ns}
	}
	return Sample{Block: block, Series: s}
}

func TestResponse(t *testing.T) {
	for name, c := range map[string]struct {
		in     []Sample
		want   float64
		failed bool
		few    bool
	}{
		"median of the trials":           {in: []Sample{p99(0, 1000, 10), p99(1, 1000, 30), p99(2, 1000, 20)}, want: 20},
		"one null trial ranks last":      {in: []Sample{p99(0, 1000, 10), p99(1, 1000, 0), p99(2, 1000, 20)}, want: 20},
		"most trials null":               {in: []Sample{p99(0, 1000, 0), p99(1, 1000, 0), p99(2, 1000, 20)}, failed: true},
		"half null":                      {in: []Sample{p99(0, 1000, 0), p99(1, 1000, 20)}, failed: true},
		"too few":                        {in: []Sample{p99(0, 367, 10)}, few: true},
		"just enough":                    {in: []Sample{p99(0, 368, 10)}, want: 10},
		"too few, and failed":            {in: []Sample{p99(0, 100, 0)}, few: true},
		"a trial cut short has no say":   {in: []Sample{p99(0, 1000, 10), p99(1, 1000, 20), p99(2, 5, 1)}, want: 15},
		"half of the trials are too few": {in: []Sample{p99(0, 1000, 10), p99(1, 5, 20)}, few: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := Response(c.in, P99)
			if got.Failed() != c.failed || got.TooFew() != c.few || got.Known() != (!c.failed && !c.few) || got.Known() && got.NS != c.want {
				t.Errorf("got %+v (failed %v, too few %v), want %v (failed %v, too few %v)",
					got, got.Failed(), got.TooFew(), c.want, c.failed, c.few)
			}
		})
	}
}

func TestQuantileOf(t *testing.T) {
	a, b, c, d := int64(1), int64(2), int64(3), int64(4)
	s := result.Summary{P50NS: &a, P90NS: &b, P99NS: &c, P999NS: &d}
	for q, want := range map[Quantile]*int64{P50: &a, P90: &b, P99: &c, P999: &d, 0.25: nil} {
		if got := q.Of(s); got != want {
			t.Errorf("%v: got %v, want %v", q, got, want)
		}
	}
}

func TestAggregate(t *testing.T) {
	v := result.Variant{Trials: []result.Trial{
		{Block: 4, Validity: result.Validity{Verdict: result.Invalid}, State: result.Saturated, Series: []result.Series{
			{Name: "other", Planned: 1},
			{
				Name: "reads", Planned: 100, Dropped: 10, Calls: 90, Unfinished: 5, Attempts: 180, InSLO: 0.5, OfferedPerS: 10, AchievedPerS: 8,
				Codes:   map[string]int64{"OK": 80, "UNAVAILABLE": 5, "ABORTED": 0},
				Latency: map[result.Measure]result.Summary{result.Response: {Count: 80, MaxNS: 7}},
			},
		}},
		{Block: 2, Series: []result.Series{{
			Name: "reads", Planned: 200, Calls: 200, Attempts: 200, InSLO: 1, OfferedPerS: 20, AchievedPerS: 20, Codes: map[string]int64{"OK": 200},
			Latency: map[result.Measure]result.Summary{result.Response: {Count: 200, MaxNS: 5}},
		}}},
		{Block: 3, Series: []result.Series{{Name: "reads"}}}, // interrupted before its first call
	}}
	samples := Samples(&v, "reads")
	if len(samples) != 2 || samples[0].Block != 4 || samples[1].Block != 2 {
		t.Fatalf("samples: %+v", samples)
	}
	want := Figures{
		Trials: 2, Invalid: 1, Saturated: 1, Unfinished: 5, Dropped: 10, OfferedPerS: 15, AchievedPerS: 14, InSLO: 0.75, Failed: 0.1, AttemptsPerCall: 1.5, MaxNS: 7,
		Failures: map[string]float64{"UNAVAILABLE": 0.025, "unfinished": 0.025, "dropped": 0.05},
	}
	if diff := cmp.Diff(want, Aggregate(samples), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A trial that was cut short may have been over before the fault that all others met:
// it has no part in what whole ones say.
func TestSamplesOfWholeTrials(t *testing.T) {
	trial := func(block int, partial bool) result.Trial {
		return result.Trial{Block: block, Partial: partial, Series: []result.Series{{Name: "reads", Planned: 10}}}
	}
	blocks := func(samples []Sample) (out []int) {
		for _, s := range samples {
			out = append(out, s.Block)
		}
		return out
	}
	for name, c := range map[string]struct {
		trials []result.Trial
		want   []int
	}{
		"all whole":       {[]result.Trial{trial(0, false), trial(1, false)}, []int{0, 1}},
		"the last is cut": {[]result.Trial{trial(0, false), trial(1, false), trial(2, true)}, []int{0, 1}},
		"there is one":    {[]result.Trial{trial(0, true)}, []int{0}},
		"none":            {nil, nil},
	} {
		v := &result.Variant{Trials: c.trials}
		if diff := cmp.Diff(c.want, blocks(Samples(v, "reads"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.want, blocks(WholeTrials(v))); diff != "" {
			t.Errorf("%s, of the whole trial (-want +got):\n%s", name, diff)
		}
	}
}

func TestCompare(t *testing.T) {
	base := []Sample{p99(0, 1000, 100), p99(1, 1000, 200), p99(2, 1000, 400)}
	for name, c := range map[string]struct {
		variant []Sample
		ratio   float64
		blocks  int
		ok      bool
	}{
		"half in every block":        {[]Sample{p99(0, 1000, 50), p99(1, 1000, 100), p99(2, 1000, 200)}, 0.5, 3, true},
		"by block, not by position":  {[]Sample{p99(2, 1000, 200), p99(0, 1000, 50), p99(1, 1000, 100)}, 0.5, 3, true},
		"common blocks only":         {[]Sample{p99(1, 1000, 600), p99(7, 1000, 1)}, 3, 1, true},
		"no common block":            {[]Sample{p99(8, 1000, 600)}, 0, 0, false},
		"a null trial":               {[]Sample{p99(0, 1000, 50), p99(1, 1000, 0), p99(2, 1000, 200)}, 0, 0, false},
		"a trial cut short is out":   {[]Sample{p99(0, 1000, 50), p99(1, 10, 0)}, 0.5, 1, true},
		"too few samples throughout": {[]Sample{p99(0, 10, 50)}, 0, 0, false},
		// Log ratios ln 1, ln 1, ln 8: Walsh averages 0 ×3, ln 8/2 ×2, ln 8; median ln 8/4.
		"Hodges–Lehmann of the logarithms": {[]Sample{p99(0, 1000, 100), p99(1, 1000, 200), p99(2, 1000, 3200)}, math.Pow(8, 0.25), 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Compare(c.variant, base, ResponseAt(P99), 1)
			if ok != c.ok || got.Blocks != c.blocks || math.Abs(got.Estimate-c.ratio) > 1e-12 {
				t.Errorf("got %+v, %v; want %v over %d, %v", got, ok, c.ratio, c.blocks, c.ok)
			}
		})
	}
	if _, ok := Compare(base, []Sample{p99(0, 1000, 0), p99(1, 1000, 200)}, ResponseAt(P99), 1); ok {
		t.Error("compared with a baseline that has a null trial")
	}
}
