package exposition

import (
	"bufio"
	"fmt"
	"io"
	"math"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
)

// ProtoType is the media type of Proto.
const ProtoType = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

// Proto writes Prometheus's protobuf form: MetricFamily messages, each with its
// length before it, and no times. Histograms have native buckets and classic ones; Prometheus
// takes the native ones where it was told to
// (--enable-feature=native-histograms).
func Proto(w io.Writer, families []Family) error {
	b := bufio.NewWriter(w)
	for _, f := range families {
		if len(f.Samples) == 0 {
			continue
		}
		if _, err := protodelim.MarshalTo(b, f.proto()); err != nil {
			return fmt.Errorf("writing the metrics: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the metrics: %w", err)
	}
	return nil
}

func (f *Family) proto() *dto.MetricFamily {
	kind := dto.MetricType_GAUGE
	if f.Kind == Durations {
		kind = dto.MetricType_HISTOGRAM
	}
	out := &dto.MetricFamily{Name: proto.String(f.Name), Help: proto.String(f.Help), Type: kind.Enum()}
	for i := range f.Samples {
		s := &f.Samples[i]
		m := &dto.Metric{}
		for _, l := range s.Labels {
			m.Label = append(m.Label, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
		}
		if s.Histogram != nil {
			m.Histogram = s.Histogram.proto()
		} else {
			m.Gauge = &dto.Gauge{Value: proto.Float64(s.Value)}
		}
		out.Metric = append(out.Metric, m)
	}
	return out
}

func (h *Histogram) proto() *dto.Histogram {
	out := &dto.Histogram{SampleCount: proto.Uint64(uint64(h.Count)), SampleSum: proto.Float64(h.Sum)}
	for i, edge := range Edges() {
		out.Bucket = append(out.Bucket, &dto.Bucket{UpperBound: proto.Float64(edge), CumulativeCount: proto.Uint64(uint64(h.Below[i]))})
	}
	out.Bucket = append(out.Bucket, &dto.Bucket{UpperBound: proto.Float64(math.Inf(1)), CumulativeCount: proto.Uint64(uint64(h.Count))})
	out.Schema = proto.Int32(int32(h.Native.Schema))
	out.ZeroThreshold, out.ZeroCount = proto.Float64(0), proto.Uint64(0)
	out.PositiveSpan, out.PositiveDelta = spans(h.Native)
	return out
}

// longestGap is how many empty buckets in a row are written as such rather than
// as a new span, which takes as much room.
const longestGap = 2

// spans are stretches of buckets, and the difference of each bucket's count
// from the one before. Of nothing it is an empty span: without any span it
// would be a classic histogram.
func spans(n Native) (spans []*dto.BucketSpan, deltas []int64) {
	next, before := 0, int64(0) // the bucket after the last span
	for i := 0; i < len(n.Counts); {
		if n.Counts[i] == 0 {
			i++
			continue
		}
		end := i + 1
		for j := end; j < len(n.Counts) && j-end <= longestGap; j++ {
			if n.Counts[j] != 0 {
				end = j + 1
			}
		}
		spans = append(spans, &dto.BucketSpan{Offset: proto.Int32(int32(n.First + i - next)), Length: proto.Uint32(uint32(end - i))})
		for _, count := range n.Counts[i:end] {
			deltas = append(deltas, count-before)
			before = count
		}
		next, i = n.First+end, end
	}
	if spans == nil {
		spans = []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(0)}}
	}
	return spans, deltas
}
