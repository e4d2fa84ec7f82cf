package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// hullTrial is a trial of n exponential calls with a mean of 1 ms.
func hullTrial(t testing.TB, rng *rand.Rand, n int64) result.Trial {
	h := result.NewHistogram()
	for range n {
		h.Record(int64(1e6 * rng.ExpFloat64()))
	}
	summary, err := h.Summarize(n)
	if err != nil {
		t.Fatal(err)
	}
	return result.Trial{Series: []result.Series{{Name: "reads", Planned: n, Calls: n, Latency: map[result.Measure]result.Summary{result.Response: summary}}}}
}

// The hull of three trials holds the true quantile at least as often as an interval
// of one does, and each of theirs.
func TestHull(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	truth := -1e6 * math.Log(0.01)
	const runs = 200
	covered := 0
	for range runs {
		v := result.Variant{Trials: []result.Trial{hullTrial(t, rng, 1000), hullTrial(t, rng, 1000), hullTrial(t, rng, 1000)}}
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
		if hull.Contains(truth) {
			covered++
		}
	}
	if covered < runs*95/100 {
		t.Errorf("%d of %d hold the truth", covered, runs)
	}
	few := result.Variant{Trials: []result.Trial{hullTrial(t, rng, 300)}}
	if _, ok := Hull(Samples(&few, "reads"), P99); ok {
		t.Error("a hull of too few samples")
	}
	if _, ok := Hull(nil, P99); ok {
		t.Error("a hull of nothing")
	}
}
