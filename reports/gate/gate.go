// Package gate is conditions on a result, as a scenario and the command line
// write them, and whether a result meets them. A gate decides the exit code of a
// run, so it has three verdicts: passed, failed, and inconclusive where what was
// measured cannot tell.
//
//	p99 < 20ms
//	in_slo{variant=full_jitter, load=reads} > 99%
//	service.p99.9{during=outage} <= baseline + 5%
//	errors{code=UNAVAILABLE} <= @main + 0.1pp
//
// A metric is judged for every variant and load entry that its selector leaves,
// each on its own: a gate without a selector holds for all.
package gate

import (
	"fmt"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// Gate is one condition.
type Gate struct {
	// Text is the condition as it was written.
	Text   string
	Metric Metric
	Select Selector
	Op     Op
	Bound  Bound
}

// String is the gate as it was written.
func (g Gate) String() string { return g.Text }

// Calls is the fewest calls of a load entry in a trial with which the gate can be
// judged: those that a quantile needs, or 1.
func (g Gate) Calls() int64 {
	if g.Metric.Kind == Quantile {
		return stats.MinSamples(g.Metric.Quantile)
	}
	return 1
}

// Metric is the figure that is judged.
type Metric struct {
	// Kind is what the figure is; Measure is which latency, for quantiles, max
	// and mean.
	Kind    Kind
	Measure result.Measure
	// Quantile is that of a quantile: 0.99 for p99.
	Quantile float64
}

// Kind is a kind of figure.
type Kind string

// The kinds of figures.
const (
	Quantile      Kind = "quantile" // p50 … p99.99
	Max           Kind = "max"
	Mean          Kind = "mean"
	InSLO         Kind = "in_slo"
	Errors        Kind = "errors"
	Goodput       Kind = "goodput"
	Rate          Kind = "rate"
	Attempts      Kind = "attempts"
	Imbalance     Kind = "imbalance"
	CPUPerCall    Kind = "cpu_per_call"
	AllocsPerCall Kind = "allocs_per_call"
	Recovery      Kind = "recovery"
)

// Unit is how a figure is written.
type Unit int

// The units.
const (
	Duration  Unit = iota // nanoseconds; 20ms
	Share                 // 0 to 1; 99%
	PerSecond             // 900/s
	Number                // 1.5
)

// kind is a kind of figure: how it is written and what it is.
type kind struct {
	kind Kind
	unit Unit
	doc  string
	// whole is a figure of the variant's whole trial, not of a load entry.
	whole bool
	// latency is one of a measure's histogram: response unless another is named.
	latency bool
}

// kinds is every kind of figure. A new one is one line here and one in figure.go.
func kinds() []kind {
	return []kind{
		{Quantile, Duration, "p50 … p99.99: a quantile, failed calls ranked last", false, true},
		{Max, Duration, "the slowest call that ended OK", false, true},
		{Mean, Duration, "the mean of calls that ended OK", false, true},
		{InSLO, Share, "share of planned calls that ended OK within the SLO", false, false},
		{Errors, Share, "share of planned calls that did not end OK; errors{code=X}: with that code", false, false},
		{Goodput, PerSecond, "calls within the SLO, per second", false, false},
		{Rate, PerSecond, "calls that ended OK, per second", false, false},
		{Attempts, Number, "attempts per call", false, false},
		{Imbalance, Number, "the busiest backend's attempts over an even share", true, false},
		{CPUPerCall, Duration, "CPU time of the client's process per call", true, false},
		{AllocsPerCall, Number, "allocations of the client's process per call", true, false},
		{Recovery, Duration, "time from the last fault's end until goodput is back; from that fault's with during=FAULT", false, false},
	}
}

func kindOf(k Kind) kind {
	for _, one := range kinds() {
		if one.kind == k {
			return one
		}
	}
	panic("gate: no kind " + string(k))
}

// Unit is how the metric is written.
func (m Metric) Unit() Unit { return kindOf(m.Kind).unit }

// String is the metric as it is written.
func (m Metric) String() string {
	name := string(m.Kind)
	if m.Kind == Quantile {
		name = quantileName(m.Quantile)
	}
	if m.Measure != "" && m.Measure != result.Response {
		return string(m.Measure) + "." + name
	}
	return name
}

// Doc is a line for each metric, as `name: what it is`.
func Doc() []string {
	var lines []string
	for _, k := range kinds() {
		name, doc := string(k.kind), k.doc
		if k.kind == Quantile {
			name, doc, _ = strings.Cut(k.doc, ": ")
		}
		lines = append(lines, fmt.Sprintf("%s: %s", name, doc))
	}
	return lines
}

// Selector narrows what a gate is about; an empty field is all.
type Selector struct {
	Variant string
	Load    string
	Kind    string // of RPC
	Code    string // errors of this code only
	During  string // the seconds of this fault's window only, by its name
	// Settings are values of compared dimensions: backoff=fixed.
	Settings map[string]string
}

// Op compares the figure with the bound.
type Op string

// The comparisons.
const (
	Less    Op = "<"
	AtMost  Op = "<="
	More    Op = ">"
	AtLeast Op = ">="
)

// Above is whether the figure has to lie above the bound; Inclusive whether the
// bound itself will do.
func (o Op) Above() bool     { return o == More || o == AtLeast }
func (o Op) Inclusive() bool { return o == AtMost || o == AtLeast }

// Bound is what the figure is compared with.
type Bound struct {
	// Reference is what the figure is compared with: "" for Value alone,
	// BaselineReference, or the name of a stored result, without its @.
	Reference string
	// Value is the bound, or what is added to the reference's figure, in the
	// metric's unit. With Relative it is a share of the reference's figure.
	Value    float64
	Relative bool
}

// BaselineReference is the variant that others are compared with.
const BaselineReference = "baseline"
