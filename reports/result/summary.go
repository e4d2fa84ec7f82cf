package result

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Summary is one measure's histogram with the figures that readers ask for
// first. Quantiles are nearest-rank. Those of response rank every planned
// call, failed ones after all OK ones: null (nil) means that the rank lands on
// a call that failed. Those of every other measure rank the recorded values.
type Summary struct {
	// Count is the number of recorded values: for response, the OK calls.
	Count     int64  `json:"count"`
	MinNS     int64  `json:"min_ns"`
	MaxNS     int64  `json:"max_ns"`
	MeanNS    int64  `json:"mean_ns"`
	P50NS     *int64 `json:"p50_ns"`
	P90NS     *int64 `json:"p90_ns"`
	P95NS     *int64 `json:"p95_ns"`
	P99NS     *int64 `json:"p99_ns"`
	P999NS    *int64 `json:"p99_9_ns"`
	OverRange int64  `json:"over_range"`
	// HDR is hdrhistogram's V2 compressed encoding in base64.
	HDR string `json:"hdr"`
}

// Summarize reads the histogram's figures, ranking among `planned` calls, of
// which those not recorded failed. Pass h.Count() where failure has no place.
func (h *Histogram) Summarize(planned int64) (Summary, error) {
	s := Summary{Count: h.Count(), OverRange: h.overRange}
	encoded, err := h.hdr().Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return s, fmt.Errorf("encoding a histogram: %w", err)
	}
	s.HDR = string(encoded)
	if s.Count > 0 {
		s.MinNS, s.MaxNS, s.MeanNS = h.min, h.max, int64(math.Round(h.sum/float64(s.Count)))
	}
	q := h.Quantiles(planned, 0.5, 0.9, 0.95, 0.99, 0.999)
	s.P50NS, s.P90NS, s.P95NS, s.P99NS, s.P999NS = q[0], q[1], q[2], q[3], q[4]
	return s, nil
}

// Quantiles returns the nearest-rank quantiles, in nanoseconds, of `planned`
// calls of which those recorded were OK and rank first. A nil means that the
// rank lands beyond the recorded ones, or that there are none. A value is its
// bucket's upper edge, as HdrHistogram reports it, but never outside what was
// really seen; one in the top bucket is the maximum where values were over
// range.
func (h *Histogram) Quantiles(planned int64, qs ...float64) []*int64 {
	ranks := make([]int64, len(qs))
	for i, q := range qs {
		ranks[i] = rank(q, planned)
	}
	return h.AtRanks(ranks...)
}

// AtRanks returns the values at those 1-based ranks, as Quantiles does.
func (h *Histogram) AtRanks(ranks ...int64) []*int64 {
	return h.atRanks(ranks, func(bucket int) int64 {
		if h.max > HighestNS && bucket == bucketOf(HighestNS) {
			return h.max
		}
		return bucketEnd(bucket)
	})
}

// LowAtRanks is AtRanks with the lower edges of buckets: the least that the values
// at those ranks may have been.
func (h *Histogram) LowAtRanks(ranks ...int64) []*int64 { return h.atRanks(ranks, bucketBegin) }

// atRanks is the values at those ranks where a bucket stands for one of its edges.
func (h *Histogram) atRanks(ranks []int64, edge func(bucket int) int64) []*int64 {
	out := make([]*int64, len(ranks))
	order := make([]int, 0, len(ranks)) // those that were recorded, ascending
	for i, r := range ranks {
		if r <= h.total {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ranks[a], ranks[b]) })
	var below int64
	for bucket, n := range h.counts {
		if len(order) == 0 {
			break
		}
		below += n
		for len(order) > 0 && ranks[order[0]] <= below {
			v := min(max(edge(bucket), h.min), h.max)
			out[order[0]] = &v
			order = order[1:]
		}
	}
	return out
}

// rank is the 1-based nearest rank of quantile q among n.
func rank(q float64, n int64) int64 {
	// The small slack keeps 0.99 × 100 at 99 in binary floating point; the
	// error of a product grows with it.
	slack := 1e-9 + 1e-15*float64(n)
	return max(1, int64(math.Ceil(q*float64(n)-slack)))
}

// Histogram decodes the summary's HDR data. Mean and sum are as exact as
// MeanNS is. Data that does not decode, or does not hold Count values within
// the range, is an error.
func (s Summary) Histogram() (*Histogram, error) {
	h := NewHistogram()
	if s.Count == 0 {
		return h, nil
	}
	decoded, err := hdrhistogram.Decode([]byte(s.HDR))
	if err != nil {
		return nil, fmt.Errorf("hdr: %w", err)
	}
	// Another geometry's counts would be in other buckets.
	merged := hdrhistogram.New(LowestNS, HighestNS, Digits)
	if dropped := merged.Merge(decoded); dropped > 0 {
		return nil, fmt.Errorf("hdr: %d values are over the range of %d s", dropped, HighestNS/1_000_000_000)
	}
	if merged.TotalCount() != s.Count {
		return nil, fmt.Errorf("hdr: holds %d values where count says %d", merged.TotalCount(), s.Count)
	}
	copy(h.counts, merged.Export().Counts)
	h.total = s.Count
	h.min, h.max, h.sum, h.overRange = s.MinNS, s.MaxNS, float64(s.MeanNS)*float64(s.Count), s.OverRange
	return h, nil
}
