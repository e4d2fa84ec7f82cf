// Package otlp sends metrics to an OpenTelemetry receiver: OTLP over HTTP, in
// protobuf.
package otlp

import (
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/grpcbench/grpcbench/reports/exposition"
)

// mostBuckets is what OpenTelemetry's own exponential histograms have at most.
const mostBuckets = 160

// scope names what the metrics are made by.
const scope = "github.com/grpcbench/grpcbench"

// Attribute is one of the resource that all metrics are of.
type Attribute struct{ Name, Value string }

// encode makes the message of an export request. It is MetricsData, which has
// the same form on the wire as ExportMetricsServiceRequest. Counts are sums,
// and they and histograms count from each sample's Start.
func encode(attributes []Attribute, version string, families []exposition.Family) *metrics.MetricsData {
	of := &resource.Resource{}
	for _, a := range attributes {
		of.Attributes = append(of.Attributes, text(a.Name, a.Value))
	}
	in := &metrics.ScopeMetrics{Scope: &common.InstrumentationScope{Name: scope, Version: version}}
	for i := range families {
		in.Metrics = append(in.Metrics, metric(&families[i]))
	}
	return &metrics.MetricsData{ResourceMetrics: []*metrics.ResourceMetrics{{Resource: of, ScopeMetrics: []*metrics.ScopeMetrics{in}}}}
}

func metric(f *exposition.Family) *metrics.Metric {
	m := &metrics.Metric{Name: f.Name, Description: f.Help, Unit: "1"}
	if f.Unit == "seconds" {
		m.Unit = "s"
	}
	const cumulative = metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	switch f.Kind {
	case exposition.Durations:
		h := &metrics.ExponentialHistogram{AggregationTemporality: cumulative}
		for i := range f.Samples {
			h.DataPoints = append(h.DataPoints, histogram(&f.Samples[i]))
		}
		m.Data = &metrics.Metric_ExponentialHistogram{ExponentialHistogram: h}
	case exposition.Count:
		m.Data = &metrics.Metric_Sum{Sum: &metrics.Sum{AggregationTemporality: cumulative, IsMonotonic: true, DataPoints: numbers(f.Samples, true)}}
	default:
		m.Data = &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: numbers(f.Samples, false)}}
	}
	return m
}

func numbers(samples []exposition.Sample, counts bool) []*metrics.NumberDataPoint {
	var out []*metrics.NumberDataPoint
	for i := range samples {
		s := &samples[i]
		p := &metrics.NumberDataPoint{Attributes: labels(s.Labels), TimeUnixNano: nanos(s.At)}
		if counts {
			p.StartTimeUnixNano = nanos(s.Start)
			p.Value = &metrics.NumberDataPoint_AsInt{AsInt: int64(s.Value)}
		} else {
			p.Value = &metrics.NumberDataPoint_AsDouble{AsDouble: s.Value}
		}
		out = append(out, p)
	}
	return out
}

func histogram(s *exposition.Sample) *metrics.ExponentialHistogramDataPoint {
	h := s.Histogram
	n := h.Native.Within(mostBuckets)
	p := &metrics.ExponentialHistogramDataPoint{
		Attributes: labels(s.Labels), StartTimeUnixNano: nanos(s.Start), TimeUnixNano: nanos(s.At),
		Count: uint64(h.Count), Sum: &h.Sum, Scale: int32(n.Schema),
		// The same buckets, by their lower edge.
		Positive: &metrics.ExponentialHistogramDataPoint_Buckets{Offset: int32(n.First - 1)},
	}
	for _, count := range n.Counts {
		p.Positive.BucketCounts = append(p.Positive.BucketCounts, uint64(count))
	}
	return p
}

func labels(all []exposition.Label) []*common.KeyValue {
	out := make([]*common.KeyValue, len(all))
	for i, l := range all {
		out[i] = text(l.Name, l.Value)
	}
	return out
}

func text(name, value string) *common.KeyValue {
	return &common.KeyValue{Key: name, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

func nanos(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(0, t.UnixNano()))
}
