package run

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
)

// compared is a result without trials of so many variants, the first the baseline.
func compared(variants int) *result.Result {
	res := &result.Result{Scenario: result.Scenario{Dimensions: []result.Dimension{{Name: "size", Baseline: "0"}}}}
	for i := range variants {
		res.Variants = append(res.Variants, result.Variant{
			Settings: map[string]string{"size": fmt.Sprint(i)}, Loads: []result.Load{{Name: "reads"}},
		})
	}
	return res
}

// measure adds a block whose trials vary by that coefficient of variation.
func measure(res *result.Result, rng *rand.Rand, block int, cv float64, factors map[int]float64) {
	sigma := math.Sqrt(math.Log1p(cv * cv))
	for i := range res.Variants {
		ns := 1e7 * math.Exp(sigma*rng.NormFloat64())
		if f, ok := factors[i]; ok {
			ns *= f
		}
		p99 := int64(ns)
		res.Variants[i].Trials = append(res.Variants[i].Trials, result.Trial{Block: block, Series: []result.Series{{
			Name: "reads", Planned: 1000, InSLO: 0.99, Latency: map[result.Measure]result.Summary{result.Response: {Count: 1000, P99NS: &p99}},
		}}})
	}
}

// auto is a run with `trials: auto` and its defaults, over synthetic trials; shown
// is whether any variant came out to differ from the baseline in p99.
func auto(rng *rand.Rand, variants int, cv float64, factors map[int]float64) (trials int, shown bool) {
	res := compared(variants)
	r := &runner{plan: &scenario.Plan{Trials: scenario.TrialsNeeded(variants - 1), MaxTrials: 30, Precision: 0.05}}
	for r.another(res, trials) {
		measure(res, rng, trials, cv, factors)
		trials++
	}
	var samples [][]stats.Sample
	for i := range res.Variants {
		samples = append(samples, stats.Samples(&res.Variants[i], "reads"))
	}
	for _, c := range stats.Against(samples, 0, stats.ResponseAt(stats.P99)) {
		shown = shown || c != nil && c.Shown()
	}
	return trials, shown
}

// A/A: of 1,000 runs in which nothing differs, and which end when intervals are
// narrow enough, at most 5 % show a difference. Where trials vary by 7 % two
// variants take 20 of the 30 trials: there ending with the first narrow interval
// raised most alarms.
func TestAutoTrialsFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("arithmetic of one goroutine")
	}
	const experiments = 1000
	for _, c := range []struct {
		variants int
		cv       float64
	}{{2, 0.03}, {2, 0.07}, {16, 0.02}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(c.variants), 7))
			alarms, trials := 0, 0
			for range experiments {
				n, shown := auto(rng, c.variants, c.cv, nil)
				trials += n
				if shown {
					alarms++
				}
			}
			if got := float64(alarms) / experiments; got > 0.05 {
				t.Errorf("%.3f with a false alarm, at most 0.05", got)
			}
			if mean := float64(trials) / experiments; mean > 25 {
				t.Errorf("%.1f trials: the rule had no say", mean)
			}
		})
	}
}

// A difference that is there is found all the same, and soon.
func TestAutoTrialsFindDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 10))
	const experiments = 200
	found, trials := 0, 0
	for range experiments {
		n, shown := auto(rng, 2, 0.03, map[int]float64{1: 1.10})
		trials += n
		if shown {
			found++
		}
	}
	if found < experiments*95/100 || trials > 11*experiments {
		t.Errorf("found in %d of %d, with %.1f trials", found, experiments, float64(trials)/experiments)
	}
}

// A narrow interval that only just shows a difference does not end a run: with six
// of six blocks on one side there is one in 32 by chance.
func TestDoubtful(t *testing.T) {
	res := compared(2)
	rng := rand.New(rand.NewPCG(1, 1))
	r := &runner{plan: &scenario.Plan{Trials: 6, MaxTrials: 30, Precision: 0.05}}
	for block := range 8 {
		if !r.another(res, block) {
			t.Errorf("the run ends with %d trials", block)
		}
		measure(res, rng, block, 0, map[int]float64{1: 1.10})
	}
	if r.another(res, 8) || *res.Scenario.Reached > 0.001 || res.Scenario.Trials != 8 {
		t.Errorf("eight of eight: the run goes on, %+v", res.Scenario)
	}
}
