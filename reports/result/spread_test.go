package result

import (
	"math/rand/v2"
	"testing"
)

// bucketEnd is how HdrHistogram lays out its counts.
func TestBucketNS(t *testing.T) {
	h := NewHistogram()
	for ns := int64(1); ns <= HighestNS; ns = ns*21/20 + 1 {
		h.Reset()
		h.Record(ns)
		for i, n := range h.hdr().Export().Counts {
			if n > 0 && bucketEnd(i) != h.hdr().ValueAtPercentile(100) {
				t.Fatalf("%d ns: count %d ends at %d, not at %d", ns, i, bucketEnd(i), h.hdr().ValueAtPercentile(100))
			}
		}
	}
}

func TestSpread(t *testing.T) {
	h := NewHistogram()
	if h.Spread() != nil {
		t.Error("the spread of nothing")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var values []int64
	for range 5000 {
		ns := int64(200 * rng.ExpFloat64() * 1000 * (1 + 1000*rng.Float64()))
		values = append(values, ns)
		h.Record(ns)
	}
	s := h.Spread()
	if s.Counts[0] == 0 || s.Counts[len(s.Counts)-1] == 0 {
		t.Errorf("empty classes at the ends: %v", s)
	}
	for n := range 100 {
		edge := SpreadNS(n)
		want := int64(0)
		for _, v := range values {
			if v <= edge {
				want++
			}
		}
		// A bucket that holds the edge may fall on either side: 0.1 % of width.
		if got := s.AtMost(n); got > want || want-got > 20 {
			t.Errorf("at most %d ns: %d, want %d", edge, got, want)
		}
		if n > 0 && SpreadEdge(edge) != n {
			t.Errorf("the edge nearest to %d is %d, want %d", edge, SpreadEdge(edge), n)
		}
	}
	if got := s.AtMost(200); got != 5000 {
		t.Errorf("all is %d", got)
	}
	if SpreadEdge(0) != 0 || SpreadEdge(1190) != 1 || SpreadEdge(1050) != 0 || SpreadNS(4) != 2000 {
		t.Error("edges have moved")
	}
	if (*Spread)(nil).AtMost(3) != 0 {
		t.Error("nothing has something")
	}
}
