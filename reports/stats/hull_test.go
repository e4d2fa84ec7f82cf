package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// hullTrial is a trial of 10 s with so many exponential calls a second, of a mean
// in ns.
func hullTrial(t testing.TB, rng *rand.Rand, rate int, mean float64) result.Trial {
	h := result.NewHistogram()
	trial, series := simulated(h, 10, rate, func() float64 { return mean * rng.ExpFloat64() })
	summary, err := h.Summarize(series.Planned)
	if err != nil {
		t.Fatal(err)
	}
	series.Latency = map[result.Measure]result.Summary{result.Response: summary}
	trial.Series = []result.Series{*series}
	return *trial
}

// The hull of three trials holds each of their intervals. It holds the true
// quantile at least as often as one of theirs where that is the same for all; where
// trials differ, no more often than three enclose their median, 1 − 2·(1/2)³ = 75 %,
// and the little that the intervals add.
func TestHull(t *testing.T) {
	withoutRace(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		runs        int
		differ      float64 // standard deviation of the trials' logarithms
		least, most float64
	}{
		"alike":     {50, 0, 0.96, 1},
		"different": {120, 1, 0.65, 0.88},
	} {
		covered := 0
		for range c.runs {
			var v result.Variant
			for range 3 {
				v.Trials = append(v.Trials, hullTrial(t, rng, 100, 1e6*math.Exp(c.differ*rng.NormFloat64())))
			}
			samples := Samples(&v, "reads")
			hull, ok := Hull(samples, P99)
			if !ok {
				t.Fatal("no hull")
			}
			for _, s := range samples {
				if i, _ := Within(s.Trial, s.Series, P99); i.Low < hull.Low || i.High > hull.High {
					t.Fatalf("%v is not in %v", i, hull)
				}
			}
			if hull.Contains(-1e6 * math.Log(0.01)) {
				covered++
			}
		}
		if share := float64(covered) / float64(c.runs); share < c.least || share > c.most {
			t.Errorf("%s: %.3f hold the truth, want %.2f to %.2f", name, share, c.least, c.most)
		}
	}
	few := result.Variant{Trials: []result.Trial{hullTrial(t, rng, 30, 1e6)}}
	if _, ok := Hull(Samples(&few, "reads"), P99); ok {
		t.Error("a hull of too few samples")
	}
	short := result.Variant{Trials: []result.Trial{hullTrial(t, rng, 100, 1e6)}}
	short.Trials[0].MeasuredNS = 7e9
	if _, ok := Hull(Samples(&short, "reads"), P99); ok {
		t.Error("a hull of a trial of which nothing is known")
	}
	short.Trials = append(short.Trials, hullTrial(t, rng, 100, 2e6), hullTrial(t, rng, 30, 1e6))
	two := Samples(&short, "reads") // and one of too few samples
	low, high := *two[0].Series.Latency[result.Response].P99NS, *two[1].Series.Latency[result.Response].P99NS
	if got, ok := Extremes(two, P99); !ok || got != (Interval{float64(low), float64(high)}) || low >= high {
		t.Errorf("from %d to %d, got %v, %v", low, high, got, ok)
	}
	for name, samples := range map[string][]Sample{"none": nil, "one": two[:1], "too few": two[1:]} {
		if got, ok := Extremes(samples, P99); ok {
			t.Errorf("%s: %v", name, got)
		}
	}
	if _, ok := Hull(nil, P99); ok {
		t.Error("a hull of nothing")
	}
}
