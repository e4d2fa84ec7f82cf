package result

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tally of many histograms is what their merged histogram is.
func TestTallyIsTheMergedHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		var tally Tally
		merged := NewHistogram()
		for range random.IntN(5) {
			h := NewHistogram()
			for range random.IntN(2000) {
				h.Record(int64(random.ExpFloat64() * 1e6 * float64(random.IntN(1000))))
			}
			if random.IntN(4) == 0 {
				h.Record(HighestNS + random.Int64N(1e9))
			}
			tally.Add(h)
			merged.Merge(h)
		}
		if tally.Count() != merged.Count() || tally.SumNS() != merged.sum {
			t.Fatalf("%d durations, %v together; merged %d and %v", tally.Count(), tally.SumNS(), merged.Count(), merged.sum)
		}
		qs := []float64{0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1}
		planned := merged.Count() + random.Int64N(50)
		if diff := cmp.Diff(merged.Quantiles(planned, qs...), tally.Clone().Quantiles(planned, qs...)); diff != "" {
			t.Errorf("quantiles of %d (-merged +tally):\n%s", planned, diff)
		}
		edges := []int64{0, 1e5, 1e6, 1e7, 1e8, 1e9, HighestNS, 2 * HighestNS}
		if diff := cmp.Diff(merged.CountsUpTo(edges), tally.CountsUpTo(edges)); diff != "" {
			t.Errorf("counts (-merged +tally):\n%s", diff)
		}
	}
}

// A copy is no window.
func TestTallyClone(t *testing.T) {
	h := NewHistogram()
	h.Record(1e6)
	var tally Tally
	tally.Add(h)
	c := tally.Clone()
	tally.Add(h)
	if c.Count() != 1 || c.CountsUpTo([]int64{1e9})[0] != 1 {
		t.Errorf("the copy has %d", c.Count())
	}
}
