package fakeserver

import (
	"math/bits"
	"slices"
)

// Histogram counts values by size: exact up to 15, above in buckets that are an
// eighth of their size wide at most. Buckets without a value are left out; the
// others are in order.
type Histogram []Bucket

// Bucket is the values up to Max that are in no bucket before.
type Bucket struct {
	Max   int64
	Count int64
}

const (
	exactValues = 16
	perOctave   = 8
	// octaves reach to 2⁴², as nanoseconds more than an hour; what is larger is
	// in the last bucket.
	octaves = 38
)

// buckets is a Histogram that is being filled.
type buckets [exactValues + perOctave*octaves]int64

func (b *buckets) add(v int64) { b[bucketOf(v)]++ }

func bucketOf(v int64) int {
	if v < exactValues {
		return int(max(v, 0))
	}
	octave := bits.Len64(uint64(v)) - 1
	part := int(v>>(octave-3)) & (perOctave - 1)
	return min(exactValues+(octave-4)*perOctave+part, len(buckets{})-1)
}

// bucketMax is the largest value of a bucket.
func bucketMax(i int) int64 {
	if i < exactValues {
		return int64(i)
	}
	octave, part := (i-exactValues)/perOctave+4, int64((i-exactValues)%perOctave)
	return (perOctave+part+1)<<(octave-3) - 1
}

func (b *buckets) histogram() Histogram {
	var h Histogram
	for i, n := range b {
		if n != 0 {
			h = append(h, Bucket{Max: bucketMax(i), Count: n})
		}
	}
	return h
}

// sub is h without what earlier had counted.
func (h Histogram) sub(earlier Histogram) Histogram {
	var out Histogram
	for _, b := range h {
		if i := slices.IndexFunc(earlier, func(e Bucket) bool { return e.Max == b.Max }); i >= 0 {
			b.Count -= earlier[i].Count
		}
		if b.Count != 0 {
			out = append(out, b)
		}
	}
	return out
}
