// Package exposition writes metrics as Prometheus reads them: OpenMetrics text,
// and protobuf, in which histograms are native ones beside the classic ones.
package exposition

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Kind is what a family's samples are.
type Kind string

// The kinds. In text and protobuf a Count is a gauge, because what is over
// counts nothing any more; where a sum can say from when to when it counts, it
// is one.
const (
	Gauge     Kind = "gauge"
	Count     Kind = "count"
	Durations Kind = "histogram"
)

// Family is the samples of one metric.
type Family struct {
	Name    string
	Kind    Kind
	Unit    string // that the name ends in; empty where it has none
	Help    string
	Samples []Sample
}

// Label is a name and any value.
type Label struct{ Name, Value string }

// Sample is one figure, or one histogram. Start is when it began to count, At
// when it stood so; both may be zero.
type Sample struct {
	Labels    []Label
	Value     float64
	Histogram *Histogram
	Start, At time.Time
}

// Edges are the upper edges of the classic buckets, in seconds: three for each
// factor of ten, from 100 µs to a minute.
func Edges() []float64 {
	return []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60}
}

// Histogram is a histogram of durations, in seconds.
type Histogram struct {
	Count  int64
	Sum    float64
	Below  []int64 // for each of Edges, how many are not above it
	Native Native
}

// NewHistogram takes over what was recorded. Of each of its buckets all go to
// where the bucket's end lies: they are 0.1 % wide.
func NewHistogram(h *result.Histogram) *Histogram {
	edges := Edges()
	ns := make([]int64, len(edges))
	for i, s := range edges {
		ns[i] = int64(s*1e9 + 0.5)
	}
	return &Histogram{Count: h.Count(), Sum: h.SumNS() / 1e9, Below: h.CountsUpTo(ns), Native: NewNative(h)}
}
