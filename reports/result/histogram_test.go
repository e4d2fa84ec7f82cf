package result

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
)

var quantiles = []float64{0.5, 0.9, 0.95, 0.99, 0.999}

// draw makes n durations over the whole range, some below and above it.
func draw(rng *rand.Rand, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(math.Exp(rng.Float64()*math.Log(90e9))) - 1
	}
	return out
}

func recorded(values []int64) *Histogram {
	h := NewHistogram()
	for _, v := range values {
		h.Record(v)
	}
	return h
}

func summarize(t *testing.T, h *Histogram, planned int64) Summary {
	t.Helper()
	s, err := h.Summarize(planned)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Recording in parts and merging is recording the whole, in any order.
func TestMergeIsWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		values := draw(rng, rng.IntN(2000))
		parts := []*Histogram{NewHistogram(), NewHistogram(), NewHistogram()}
		for _, v := range values {
			parts[rng.IntN(3)].Record(v)
		}
		merged := NewHistogram()
		for _, i := range rng.Perm(3) {
			merged.Merge(parts[i])
		}
		want, got := summarize(t, recorded(values), int64(len(values))), summarize(t, merged, int64(len(values)))
		if math.Abs(float64(want.MeanNS-got.MeanNS)) <= 1 {
			got.MeanNS = want.MeanNS // a float's sum depends on the order
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%d values, -whole +merged:\n%s", len(values), diff)
		}
	}
}

// The buckets are HdrHistogram's own: what it counts of random durations over the
// whole range and beyond, at the edges of buckets and beside them.
func TestBucketsAreHdrHistograms(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		values := draw(rng, 5000)
		for i := range values[:2000] {
			values[i] = bucketEnd(bucketOf(min(max(values[i], 0), HighestNS))) + rng.Int64N(3) - 1
		}
		values = append(values, -1, 0, 1, 511, 512, 1<<20-1, 1<<20, HighestNS-1, HighestNS, HighestNS+1, math.MaxInt64)
		theirs := hdrhistogram.New(LowestNS, HighestNS, Digits)
		for _, v := range values {
			if err := theirs.RecordValue(min(max(v, 0), HighestNS)); err != nil {
				t.Fatal(err)
			}
		}
		ours := recorded(values)
		if !slices.Equal(ours.counts, theirs.Export().Counts) || ours.Count() != theirs.TotalCount() {
			t.Fatal("the counts differ")
		}
		if !ours.hdr().Equals(theirs) {
			t.Fatal("the histograms differ")
		}
	}
}

// Each quantile is that of the sorted values to 3 significant digits, from
// above; ranks beyond the recorded ones are null.
func TestQuantilesAreNearestRank(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 100 {
		ok := draw(rng, 1+rng.IntN(3000))
		failed := rng.IntN(len(ok))
		planned := int64(len(ok) + failed)
		got := recorded(ok).Quantiles(planned, quantiles...)
		sorted := slices.Clone(ok)
		slices.Sort(sorted)
		for i, q := range quantiles {
			// Exact integer arithmetic: q is in thousandths.
			r := (int64(math.Round(q*1000))*planned + 999) / 1000
			if r > int64(len(ok)) {
				if got[i] != nil {
					t.Fatalf("rank %d of %d OK among %d: got %d, want null", r, len(ok), planned, *got[i])
				}
				continue
			}
			want := sorted[r-1]
			if got[i] == nil {
				t.Fatalf("rank %d of %d OK among %d: null, want %d", r, len(ok), planned, want)
			}
			if want > HighestNS {
				if *got[i] != sorted[len(sorted)-1] {
					t.Fatalf("over range: got %d, want the maximum", *got[i])
				}
				continue
			}
			// Below 1 µs a bucket is 512 ns wide; above, a thousandth of its value.
			if slack := max(512, want/1000); *got[i] < want || *got[i] > want+slack {
				t.Fatalf("p%v: got %d, want %d to %d", q*100, *got[i], want, want+slack)
			}
		}
	}
}

func TestRank(t *testing.T) {
	for _, c := range []struct {
		q       float64
		n, want int64
	}{
		{0.5, 1, 1}, {0.5, 2, 1}, {0.5, 3, 2}, {0.99, 100, 99}, {0.99, 101, 100}, {0.999, 1000, 999}, {0.999, 1001, 1000},
		{0.95, 20, 19}, {0.9, 10, 9}, {0.5, 0, 1},
		{0.99, 1_000_000_000, 990_000_000}, {0.999, 1_000_000_001, 999_000_001}, {0.999, 7_000_000_000, 6_993_000_000},
	} {
		if got := rank(c.q, c.n); got != c.want {
			t.Errorf("rank(%v, %d) = %d, want %d", c.q, c.n, got, c.want)
		}
	}
}

// The rule of null at its edges: 100 planned calls, so p99 is the 99th.
func TestQuantileNull(t *testing.T) {
	for ok, null := range map[int]bool{100: false, 99: false, 98: true, 1: true, 0: true} {
		h := NewHistogram()
		for i := range ok {
			h.Record(int64(i+1) * 1_000_000)
		}
		if got := h.Quantiles(100, 0.99)[0]; (got == nil) != null {
			t.Errorf("%d OK of 100: p99 null is %v, want %v", ok, got == nil, null)
		}
	}
}

func TestHistogramRange(t *testing.T) {
	h := recorded([]int64{-5, 0, 3, 2 * HighestNS, 3 * HighestNS})
	s := summarize(t, h, 5)
	if s.Count != 5 || s.MinNS != 0 || s.MaxNS != 3*HighestNS || s.MeanNS != HighestNS+1 || s.OverRange != 2 {
		t.Errorf("got %+v", s)
	}
	if *s.P99NS != 3*HighestNS {
		t.Errorf("p99 over range: %d, want the maximum", *s.P99NS)
	}
	if *s.P50NS != 511 {
		t.Errorf("p50: %d, want the upper edge of the first bucket, 511", *s.P50NS)
	}
	h.Reset()
	if diff := cmp.Diff(summarize(t, NewHistogram(), 0), summarize(t, h, 0)); diff != "" {
		t.Errorf("after Reset (-new +reset):\n%s", diff)
	}
	// One value is every quantile of itself, exactly.
	if s := summarize(t, recorded([]int64{1_234_567}), 1); *s.P50NS != 1_234_567 || *s.P999NS != 1_234_567 {
		t.Errorf("one value: %d, %d", *s.P50NS, *s.P999NS)
	}
}

// What is read from JSON is what was recorded: the quantiles of any number of
// planned calls, and the summary itself.
func TestHDRRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 30 {
		values := draw(rng, rng.IntN(3000))
		planned := int64(len(values) + rng.IntN(50))
		h := recorded(values)
		before := summarize(t, h, planned)
		text, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		var read Summary
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		decoded, err := read.Histogram()
		if err != nil {
			t.Fatal(err)
		}
		if !decoded.hdr().Equals(h.hdr()) {
			t.Fatal("the buckets differ")
		}
		if diff := cmp.Diff(before, summarize(t, decoded, planned)); diff != "" {
			t.Fatalf("%d values (-before +after):\n%s", len(values), diff)
		}
		// Still good for merging.
		decoded.Merge(h)
		if decoded.Count() != 2*int64(len(values)) {
			t.Fatalf("merged count %d", decoded.Count())
		}
	}
}

func TestHDRBroken(t *testing.T) {
	good := summarize(t, recorded([]int64{1e6, 2e6, 3e6}), 3)
	for name, c := range map[string]struct {
		change func(*Summary)
		want   string
	}{
		"not base64":  {func(s *Summary) { s.HDR = "%%%" }, "hdr: illegal base64"},
		"cut short":   {func(s *Summary) { s.HDR = s.HDR[:8] }, "hdr: "},
		"missing":     {func(s *Summary) { s.HDR = "" }, "hdr: "},
		"wrong count": {func(s *Summary) { s.Count = 4 }, "hdr: holds 3 values where count says 4"},
	} {
		s := good
		c.change(&s)
		if _, err := s.Histogram(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	h := NewHistogram()
	if n := testing.AllocsPerRun(1000, func() { h.Record(1_500_000) }); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
}

// The counts up to each edge are those of the buckets that HdrHistogram itself
// lists.
func TestCountsUpTo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 50, 20_000} {
		h := recorded(draw(rng, n))
		edges := []int64{0, 1, 511, 512, 1e3, 5e3, 99_999, 1e5, 1e6, 1_048_575, 3e6, 77e6, 1e9, HighestNS, math.MaxInt64}
		want := make([]int64, len(edges))
		for _, bar := range h.hdr().Distribution() {
			for i, edge := range edges {
				if bar.To <= edge {
					want[i] += bar.Count
				}
			}
		}
		if got := h.CountsUpTo(edges); !slices.Equal(got, want) {
			t.Errorf("%d values: %v, want %v", n, got, want)
		}
		if got := h.CountsUpTo(edges)[len(edges)-1]; got != h.Count() {
			t.Errorf("%d values: all is %d, want %d", n, got, h.Count())
		}
	}
}
