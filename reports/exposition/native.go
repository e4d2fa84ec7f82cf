package exposition

import (
	"math"
	"sort"

	"github.com/grpcbench/grpcbench/reports/result"
)

// nativeSchema is that of every native histogram: 2⁵ buckets from a duration to
// its double, each 2.2 % wide. A thousandfold range is 320 of them.
const nativeSchema = 5

// Native is an exponential histogram, as Prometheus and OpenTelemetry have it:
// Counts[i] is of those above 2^((First+i−1)/2^Schema) seconds and not above
// 2^((First+i)/2^Schema). OpenTelemetry numbers each bucket one lower.
type Native struct {
	Schema int
	First  int
	Counts []int64
}

// NewNative sorts what was recorded into buckets: all of one of its buckets,
// which are much narrower, to where its end lies. None is lost.
func NewNative(h *result.Histogram) Native {
	n := Native{Schema: nativeSchema}
	bounds := make([]float64, 1<<nativeSchema)
	for i := range bounds {
		bounds[i] = math.Exp2(float64(i)/float64(len(bounds))) / 2
	}
	h.Buckets(func(end, count int64) {
		fraction, exponent := math.Frexp(float64(end) / 1e9)
		// The fraction is in [½, 1): so is the first bound that is not below it,
		// or it is 1.
		at := sort.SearchFloat64s(bounds, fraction) + (exponent-1)<<nativeSchema
		if n.Counts == nil {
			n.First = at
		}
		for len(n.Counts) <= at-n.First {
			n.Counts = append(n.Counts, 0)
		}
		n.Counts[at-n.First] += count
	})
	return n
}

// UpTo is the upper edge of Counts[i] in seconds.
func (n Native) UpTo(i int) float64 { return math.Exp2(math.Ldexp(float64(n.First+i), -n.Schema)) }

// Within is the histogram in at most so many buckets: as often as it takes two
// neighbours become one, which loses no count and half of the resolution.
func (n Native) Within(most int) Native {
	for len(n.Counts) > most {
		// Bucket k of one schema is in bucket ⌈k/2⌉ of the next lower one.
		half := func(k int) int { return (k + 1) >> 1 }
		next := Native{Schema: n.Schema - 1, First: half(n.First)}
		next.Counts = make([]int64, half(n.First+len(n.Counts)-1)-next.First+1)
		for i, count := range n.Counts {
			next.Counts[half(n.First+i)-next.First] += count
		}
		n = next
	}
	return n
}
