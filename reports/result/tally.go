package result

import "slices"

// Tally is a histogram that others are added to quickly, second by second: it
// has the same buckets, and takes a tenth of Histogram.Merge's time. The zero
// value is empty.
type Tally struct {
	counts   []int64 // by bucket, as bucketEnd numbers them
	count    int64
	sum      float64
	min, max int64
}

// Add adds all that h holds.
func (t *Tally) Add(h *Histogram) {
	if h.Count() == 0 {
		return
	}
	counts := h.counts
	if t.count == 0 {
		t.counts, t.min, t.max = slices.Clone(counts), h.min, h.max
	} else {
		t.min, t.max = min(t.min, h.min), max(t.max, h.max)
		for i, n := range counts {
			t.counts[i] += n
		}
	}
	t.count += h.Count()
	t.sum += h.sum
}

// Clone is a copy of its own.
func (t *Tally) Clone() *Tally {
	c := *t
	c.counts = slices.Clone(t.counts)
	return &c
}

// Count is how many durations were added.
func (t *Tally) Count() int64 { return t.count }

// SumNS is the sum of them.
func (t *Tally) SumNS() float64 { return t.sum }

// Buckets calls f for each bucket that is not empty, in ascending order: with
// the longest duration that the bucket counts, and its count. Durations over
// HighestNS are in the last.
func (t *Tally) Buckets(f func(endNS, n int64)) {
	for i, n := range t.counts {
		if n != 0 {
			f(bucketEnd(i), n)
		}
	}
}

// CountsUpTo is Histogram.CountsUpTo.
func (t *Tally) CountsUpTo(edges []int64) []int64 {
	out := make([]int64, len(edges))
	at := 0
	t.Buckets(func(end, n int64) {
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

// Quantiles is Histogram.Quantiles, for ascending qs.
func (t *Tally) Quantiles(planned int64, qs ...float64) []*int64 {
	out := make([]*int64, len(qs))
	at, below := 0, int64(0)
	t.Buckets(func(end, n int64) {
		below += n
		for at < len(qs) && rank(qs[at], planned) <= below {
			v := end
			if t.max > HighestNS && below == t.count {
				v = t.max
			}
			v = min(max(v, t.min), t.max)
			out[at] = &v
			at++
		}
	})
	return out
}

// Tally is the histogram of a summary as a tally.
func (s Summary) Tally() (*Tally, error) {
	h, err := s.Histogram()
	if err != nil {
		return nil, err
	}
	var t Tally
	t.Add(h)
	return &t, nil
}
