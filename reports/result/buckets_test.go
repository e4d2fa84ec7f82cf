package result

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The buckets hold what was recorded, each duration in one that ends at most a
// thousandth above it.
func TestBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	h := NewHistogram()
	var recorded []int64
	for range 2000 {
		ns := int64(random.ExpFloat64() * 1e6 * float64(random.IntN(1000)))
		h.Record(ns)
		recorded = append(recorded, ns)
	}
	slices.Sort(recorded)
	at, last := 0, int64(-1)
	h.Buckets(func(end, n int64) {
		if end <= last || n <= 0 {
			t.Errorf("a bucket up to %d with %d after one up to %d", end, n, last)
		}
		for range n {
			if ns := recorded[at]; ns <= last || ns > end || end-ns > max(1024, end/1000) {
				t.Errorf("%d counts in the bucket from %d to %d", ns, last, end)
			}
			at++
		}
		last = end
	})
	if at != len(recorded) {
		t.Errorf("%d of %d are in buckets", at, len(recorded))
	}
}

// A copy is no window.
func TestHistogramClone(t *testing.T) {
	h := NewHistogram()
	h.Record(1e6)
	c := h.Clone()
	h.Record(2e6)
	if c.Count() != 1 || c.SumNS() != 1e6 || c.CountsUpTo([]int64{1e9})[0] != 1 {
		t.Errorf("the copy has %d, %v together", c.Count(), c.SumNS())
	}
}
