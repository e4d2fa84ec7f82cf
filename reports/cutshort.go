package reports

import (
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// trials are those that all of the row's figures are of: whole ones, or those that
// were cut short where there are no others. Plots and tables take the same.
func (r *row) trials() []*result.Trial {
	out := make([]*result.Trial, len(r.samples))
	for i, s := range r.samples {
		out[i] = s.Trial
	}
	return out
}

// leftOut is how many trials of the variant that were cut short have no part in
// figures of these samples.
func leftOut(v *result.Variant, samples []stats.Sample) (n int) {
	if len(samples) == 0 || onlyCutShort(samples) {
		return 0
	}
	for i := range v.Trials {
		if v.Trials[i].Partial {
			n++
		}
	}
	return n
}

// onlyCutShort is that none of the samples is of a whole trial.
func onlyCutShort(samples []stats.Sample) bool {
	return len(samples) > 0 && samples[0].Trial.Partial
}

// leftOutText says how many trials are left out.
func leftOutText(n int) string { return "left out: " + plural(n, "trial") + " cut short" }

// cutShort says how many trials the figures leave out, and which rows have no whole
// ones.
func (t *table) cutShort() []note {
	all := make([]int, len(t.rows))
	for i := range all {
		all[i] = i
	}
	var out []note
	for _, text := range t.cutShortRows(all) {
		out = append(out, note{noteInvalid, text})
	}
	return out
}

// cutShortNotes says it below a plot of these rows.
func (t *table) cutShortNotes(rows []int) []string {
	out := t.cutShortRows(rows)
	for i, text := range out {
		out[i] = strings.ToUpper(text[:1]) + text[1:] + "."
	}
	return out
}

func (t *table) cutShortRows(rows []int) []string {
	var only []string
	n := 0
	for _, i := range rows {
		r := &t.rows[i]
		n += leftOut(r.variant, r.samples)
		if onlyCutShort(r.samples) {
			only = append(only, r.label)
		}
	}
	var out []string
	if n > 0 {
		out = append(out, leftOutText(n))
	}
	if len(only) > 0 {
		out = append(out, "cut short, of a part of the load and the faults: "+and(only))
	}
	return out
}
