package exposition

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/grpcbench/grpcbench/reports/result"
)

// recorded is any histogram: of few or many durations, narrow or over seven
// decades, over the range now and then.
func recorded(random *rand.Rand) *result.Histogram {
	h := result.NewHistogram()
	spread := random.Float64() * 8
	middle := math.Exp(6 + random.Float64()*16)
	for range random.IntN(3000) {
		h.Record(int64(middle * math.Exp(spread*(random.Float64()-0.5))))
	}
	for range random.IntN(3) {
		h.Record(result.HighestNS + random.Int64N(1e10))
	}
	// Durations that are exactly at an edge: powers of 2 of a second.
	for range random.IntN(3) {
		h.Record(1e9 >> random.IntN(9))
	}
	return h
}

// At each edge of the native histogram exactly as many durations lie below it as
// in the histogram that it was made of, in every resolution.
func TestNativeCountsAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		all := recorded(random)
		fine := NewNative(all)
		for _, n := range []Native{fine, fine.Within(160), fine.Within(20), fine.Within(3)} {
			sum, edges := int64(0), make([]int64, len(n.Counts))
			for i := range edges {
				edges[i] = int64(n.UpTo(i) * 1e9)
			}
			want := all.CountsUpTo(edges)
			for i, count := range n.Counts {
				sum += count
				if sum != want[i] {
					t.Fatalf("schema %d: %d up to %v ns, want %d", n.Schema, sum, edges[i], want[i])
				}
			}
			if sum != all.Count() {
				t.Fatalf("schema %d: %d of %d durations", n.Schema, sum, all.Count())
			}
			if len(n.Counts) > 0 && (n.Counts[0] == 0 || n.Counts[len(n.Counts)-1] == 0) {
				t.Fatalf("schema %d: an empty bucket at an end", n.Schema)
			}
		}
		if most := 20; len(fine.Within(most).Counts) > most {
			t.Fatalf("%d buckets within %d", len(fine.Within(most).Counts), most)
		}
	}
}

// What Prometheus decodes is what was encoded: buckets by span and difference.
func TestProtoIsTheHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		all := recorded(random)
		h := NewHistogram(all)
		var b bytes.Buffer
		family := Family{Name: "x_seconds", Kind: Durations, Help: "x", Samples: []Sample{{Labels: []Label{{"l", "ä\n\""}}, Histogram: h}}}
		gauge := Family{Name: "g", Kind: Count, Help: "g", Samples: []Sample{{Value: math.Inf(1)}}}
		if err := Proto(&b, []Family{{Name: "none"}, family, gauge}); err != nil {
			t.Fatal(err)
		}
		var got []*dto.MetricFamily
		for in := bufio.NewReader(&b); ; {
			f := &dto.MetricFamily{}
			if err := protodelim.UnmarshalFrom(in, f); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			got = append(got, f)
		}
		if len(got) != 2 || got[1].GetType() != dto.MetricType_GAUGE || !math.IsInf(got[1].Metric[0].GetGauge().GetValue(), 1) {
			t.Fatalf("%v", got)
		}
		m := got[0].Metric[0]
		if m.Label[0].GetValue() != "ä\n\"" {
			t.Errorf("label %q", m.Label[0].GetValue())
		}
		d := m.GetHistogram()
		if int64(d.GetSampleCount()) != all.Count() || len(d.PositiveSpan) == 0 {
			t.Fatalf("%d of %d, %d spans", d.GetSampleCount(), all.Count(), len(d.PositiveSpan))
		}
		counts := map[int]int64{}
		at, n, k := 0, int64(0), 0
		for i, span := range d.PositiveSpan {
			if i > 0 && span.GetOffset() <= longestGap {
				t.Fatalf("span %d begins %d after the one before", i, span.GetOffset())
			}
			at += int(span.GetOffset())
			for range span.GetLength() {
				n += d.PositiveDelta[k]
				counts[at] = n
				at, k = at+1, k+1
			}
		}
		if k != len(d.PositiveDelta) {
			t.Fatalf("%d of %d buckets are in spans", k, len(d.PositiveDelta))
		}
		for i, want := range h.Native.Counts {
			if counts[h.Native.First+i] != want {
				t.Fatalf("bucket %d: %d, want %d", h.Native.First+i, counts[h.Native.First+i], want)
			}
		}
		for i, bucket := range d.Bucket {
			want := all.Count()
			if i < len(h.Below) {
				want = h.Below[i]
			}
			if int64(bucket.GetCumulativeCount()) != want {
				t.Errorf("classic bucket %v: %d, want %d", bucket.GetUpperBound(), bucket.GetCumulativeCount(), want)
			}
		}
	}
}
