package result

import (
	"math"
	"math/bits"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range and precision of every histogram: nanoseconds from 1 µs to 60 s at
// 3 significant digits, 147 KB each.
const (
	LowestNS  = 1_000
	HighestNS = 60_000_000_000
	Digits    = 3
)

// Histogram records durations in nanoseconds, into the buckets of HdrHistogram,
// which is also how it is stored. Exact minimum, maximum and sum are kept beside
// the counts, and values over the range are counted, and kept in the top bucket
// so that ranks stay right. It does no locking.
type Histogram struct {
	counts    []int64 // by bucket, as hdrhistogram.Snapshot has them
	total     int64
	min, max  int64
	sum       float64
	overRange int64
}

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram {
	return &Histogram{counts: make([]int64, bucketOf(HighestNS)|(1<<halfBits-1)+1), min: math.MaxInt64, max: math.MinInt64}
}

// Record adds one duration in nanoseconds. Negative ones count as 0. It does
// not allocate.
func (h *Histogram) Record(ns int64) {
	ns = max(ns, 0)
	// Branches, for they are hardly ever taken.
	if ns < h.min {
		h.min = ns
	}
	if ns > h.max {
		h.max = ns
	}
	h.sum += float64(ns)
	if ns > HighestNS {
		h.overRange++
		ns = HighestNS
	}
	h.counts[bucketOf(ns)]++
	h.total++
}

// Count is the number of recorded durations.
func (h *Histogram) Count() int64 { return h.total }

// Merge adds all that other holds.
func (h *Histogram) Merge(other *Histogram) {
	if other.total == 0 {
		return
	}
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.min = min(h.min, other.min)
	h.max = max(h.max, other.max)
	h.sum += other.sum
	h.overRange += other.overRange
}

// Clone is a copy of its own.
func (h *Histogram) Clone() *Histogram {
	c := *h
	c.counts = slices.Clone(h.counts)
	return &c
}

// SumNS is the sum of the recorded durations in nanoseconds.
func (h *Histogram) SumNS() float64 { return h.sum }

// Buckets calls f for each bucket that is not empty, in ascending order: with
// the longest duration that the bucket counts, and its count. Durations over
// HighestNS are in the last.
func (h *Histogram) Buckets(f func(endNS, n int64)) {
	for i, n := range h.counts {
		if n != 0 {
			f(bucketEnd(i), n)
		}
	}
}

// Reset empties the histogram.
func (h *Histogram) Reset() {
	clear(h.counts)
	h.total, h.min, h.max, h.sum, h.overRange = 0, math.MaxInt64, math.MinInt64, 0, 0
}

// hdr is a copy of the counts as HdrHistogram has them.
func (h *Histogram) hdr() *hdrhistogram.Histogram {
	return hdrhistogram.Import(&hdrhistogram.Snapshot{
		LowestTrackableValue: LowestNS, HighestTrackableValue: HighestNS, SignificantFigures: Digits, Counts: h.counts,
	})
}

// CountsUpTo counts, for each of the ascending edges in nanoseconds, the
// recorded durations that are not above it, as well as the buckets can tell: a
// bucket counts where its upper end does.
func (h *Histogram) CountsUpTo(edges []int64) []int64 {
	out := make([]int64, len(edges))
	at := 0
	h.Buckets(func(end, n int64) {
		for at < len(edges) && end > edges[at] {
			at++
		}
		if at < len(edges) {
			out[at] += n
		}
	})
	for i := 1; i < len(out); i++ {
		out[i] += out[i-1]
	}
	return out
}

// The geometry of HdrHistogram's counts at LowestNS and Digits: halves of 1,024
// buckets, each half's as wide as all of the half before together, from
// 2⁹ = 512 ns, the largest power of 2 that is no more than LowestNS.
const (
	halfBits = 10
	unitBits = 9
)

// bucketOf is the number of the bucket that counts a duration, which is not
// negative.
func bucketOf(ns int64) int {
	// The first two halves' buckets are of one width.
	shift := max(bits.Len64(uint64(ns)), halfBits+unitBits+1) - (halfBits + unitBits + 1)
	return shift<<halfBits + int(ns>>(shift+unitBits))
}

// bucketEnd is the highest duration that the i-th bucket counts.
func bucketEnd(i int) int64 {
	shift, within := i>>halfBits-1, int64(i&(1<<halfBits-1)+1<<halfBits)
	if shift < 0 {
		shift, within = 0, within-1<<halfBits
	}
	return (within+1)<<(shift+unitBits) - 1
}

// bucketBegin is the lowest duration that the i-th bucket counts.
func bucketBegin(i int) int64 {
	if i == 0 {
		return 0
	}
	return bucketEnd(i-1) + 1
}
