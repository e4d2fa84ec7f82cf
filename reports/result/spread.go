package result

import (
	"math"
	"time"
)

// spreadSteps is how many edges of a Spread there are from a duration to its
// double: they lie 19 % apart.
const spreadSteps = 4

// Spread is a coarse histogram: how the responses of one second were spread.
// Count i is of those that took at most SpreadNS(First+i) and more than
// SpreadNS(First+i−1).
type Spread struct {
	First  int     `json:"first"`
	Counts []int64 `json:"counts"`
}

// SpreadNS is the upper edge of the n-th class in nanoseconds: 1 µs·2^(n/4).
// Class 0 takes in all that is shorter.
func SpreadNS(n int) int64 {
	return int64(math.Round(float64(time.Microsecond) * math.Exp2(float64(n)/spreadSteps)))
}

// SpreadEdge is the number of the edge that is nearest to a duration, in
// logarithms.
func SpreadEdge(ns int64) int {
	return max(0, int(math.Round(math.Log2(max(1, float64(ns)/float64(time.Microsecond)))*spreadSteps)))
}

// AtMost is how many took at most SpreadNS(edge). Of nil it is 0.
func (s *Spread) AtMost(edge int) int64 {
	if s == nil {
		return 0
	}
	var sum int64
	for i, n := range s.Counts {
		if s.First+i <= edge {
			sum += n
		}
	}
	return sum
}

// Spread sorts the recorded values into the coarse classes, each by its
// bucket's upper edge; nil when there are none.
func (h *Histogram) Spread() *Spread {
	if h.Count() == 0 {
		return nil
	}
	s := &Spread{First: -1}
	class, edge := 0, SpreadNS(0)
	for i, n := range h.counts {
		if n == 0 {
			continue
		}
		for bucketEnd(i) > edge {
			class++
			edge = SpreadNS(class)
		}
		if s.First < 0 {
			s.First = class
		}
		for len(s.Counts) <= class-s.First {
			s.Counts = append(s.Counts, 0)
		}
		s.Counts[class-s.First] += n
	}
	return s
}
