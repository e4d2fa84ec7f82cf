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

// The value at a rank lies between both edges of its bucket, and no edge is outside
// what was recorded.
func TestEdgesAtRanks(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 2))
	h := NewHistogram()
	var recorded []int64
	for range 2000 {
		ns := int64(random.ExpFloat64() * 1e6 * float64(random.IntN(30_000)))
		h.Record(ns)
		recorded = append(recorded, ns)
	}
	slices.Sort(recorded)
	for i, ns := range recorded {
		low, high := *h.LowAtRanks(int64(i + 1))[0], *h.AtRanks(int64(i + 1))[0]
		if ns < low || ns > high || low < recorded[0] || high > recorded[1999] || ns <= HighestNS && high-low > max(1024, ns/900) {
			t.Errorf("rank %d: %d is not between %d and %d", i+1, ns, low, high)
		}
	}
	if recorded[1999] <= HighestNS {
		t.Error("none is over the range")
	}
	if got := h.LowAtRanks(2001)[0]; got != nil {
		t.Errorf("beyond all: %d", *got)
	}
}
