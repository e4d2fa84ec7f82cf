package reports

import (
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/shorten"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// table is the figures of one load entry under one combination of conditions.
type table struct {
	entry      string // the load entry's name
	shares     bool   // another load entry calls the same method
	conditions []string
	dimensions []result.Dimension // those with a baseline
	rows       []row
	baseline   *row // nil where nothing is compared
}

// row is one variant's figures.
type row struct {
	variant  *result.Variant
	place    int                  // among the variants of its group, measured or not: its colour
	label    string               // by which sentences call it
	load     result.Load          // as this variant has it
	faults   []result.FaultWindow // that can touch the load entry
	samples  []stats.Sample       // the trials that all is of: tables, plots and sentences
	figures  stats.Figures
	p50, p90 stats.Latency
	p99      stats.Latency
	p999     stats.Latency
	// change is of p99, gain of the share in SLO, against the baseline; nil
	// where they are not compared.
	change, gain *stats.Comparison
}

// newTable computes the figures. It has no rows where nothing was measured.
func newTable(r *result.Result, entry string, g group) table {
	t := table{entry: entry, conditions: g.conditions}
	for _, d := range r.Scenario.Dimensions {
		if d.Baseline != "" {
			t.dimensions = append(t.dimensions, d)
		}
	}
	base := -1
	several := t.several(g)
	for i, v := range g.variants {
		samples := stats.Samples(v, entry)
		if len(samples) == 0 {
			continue
		}
		if t.isBaseline(v) {
			base = len(t.rows)
		}
		l := loadOf(v, entry, samples[0].Series)
		t.rows = append(t.rows, row{
			variant: v, place: i, label: t.label(v, several), load: l, faults: faultsOf(v, l), samples: samples, figures: stats.Aggregate(samples),
			p50: stats.Response(samples, stats.P50), p90: stats.Response(samples, stats.P90),
			p99: stats.Response(samples, stats.P99), p999: stats.Response(samples, stats.P999),
		})
	}
	t.shortenLabels()
	if base < 0 || len(t.rows) < 2 {
		return t
	}
	t.baseline = &t.rows[base]
	t.compareAll()
	return t
}

func (t *table) shortenLabels() {
	labels := make([]string, len(t.rows))
	for i := range t.rows {
		labels[i] = t.rows[i].label
	}
	for i, label := range shorten.All(labels, longestName) {
		t.rows[i].label = label
	}
}

func (t *table) isBaseline(v *result.Variant) bool {
	for _, d := range t.dimensions {
		if v.Settings[d.Name] != d.Baseline {
			return false
		}
	}
	return len(t.dimensions) > 0
}

// several says whether variants are named by what sets them apart from the
// baseline: where more than one dimension is compared and it was measured.
func (t *table) several(g group) bool {
	return len(t.dimensions) > 1 && slices.ContainsFunc(g.variants, func(v *result.Variant) bool {
		return t.isBaseline(v) && len(stats.Samples(v, t.entry)) > 0
	})
}

// label names the variant among those of its table.
func (t *table) label(v *result.Variant, several bool) string {
	if several && t.isBaseline(v) {
		return "the baseline"
	}
	var parts []string
	for _, d := range t.dimensions {
		if value, set := v.Settings[d.Name]; set && !(several && value == d.Baseline) {
			text := clean(value)
			if len(t.dimensions) > 1 || strings.Contains(d.Name, ".") || unclear(value) {
				text = labelled(d.Name, value)
			}
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return clean(v.Name)
	}
	return strings.Join(parts, " + ")
}

// unclear says that the value of an own-named dimension says nothing without
// the dimension's name.
func unclear(value string) bool {
	switch value {
	case "", "yes", "no", "on", "off", "true", "false", "none", "default", "this", "other":
		return true
	}
	return strings.ContainsRune("-.0123456789", rune(value[0]))
}

// subject is what sentences call the load entry: its method, with its name
// where others call that method too.
func (t *table) subject() string {
	name := t.method()
	if entry := clean(t.entry); t.shares && entry != name {
		return name + " (" + shorten.End(entry, longestName) + ")"
	}
	return name
}

// method is the table's method without its service, or the name of the load
// entry where the rows' methods differ.
func (t *table) method() string {
	if m := t.shared(ofMethod); m != "" {
		return m
	}
	return clean(t.entry)
}
