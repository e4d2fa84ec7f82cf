package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
)

// page is what every format for people shows, in words and cells but without
// a layout. Its text is clean (see clean) and not yet escaped for a format.
type page struct {
	banner   []string // sentences: why the result is not whole
	headline []string // sentences
	sections []section
	closing  closing
}

// section is one table: one load entry under one combination of conditions.
type section struct {
	heading [][]string // lines of items
	columns []column   // in the order of display
	rows    int
	chart   *chart
	remarks [][]string // lines of items, for where there is room: the slowest call, the commonest error
	why     []string   // the commonest error as items, where so much failed that every reader asks
}

// closing is the lines that say how far the figures can be trusted.
type closing struct {
	verdict  result.Verdict
	verdicts []string // items; the first names the verdict
	reasons  []string // sentences, one a line
	facts    []string // items
}

// newPage reads the result.
func newPage(r *result.Result) page {
	p := page{closing: newClosing(r)}
	p.banner = banner(r)
	var tables []table
	for _, l := range loads(r) {
		for _, group := range conditions(r) {
			if t := newTable(r, l, group); len(t.rows) > 0 {
				tables = append(tables, t)
			}
		}
	}
	p.headline = headline(r, tables)
	for i := range tables {
		p.sections = append(p.sections, tables[i].section(r, len(loads(r)) > 1))
	}
	return p
}

// banner says what an interrupted run did not measure.
func banner(r *result.Result) []string {
	var done int
	var missing []string
	for i := range r.Variants {
		v := &r.Variants[i]
		done += len(v.Trials)
		if len(v.Trials) == 0 {
			missing = append(missing, clean(v.Name))
		}
	}
	if !r.Partial && len(missing) == 0 {
		return nil
	}
	text := fmt.Sprintf("PARTIAL: interrupted after %d of %s", done, plural(r.Scenario.Trials*len(r.Variants), "trial"))
	if len(missing) > 0 {
		text += "; not measured: " + listed(missing, 4)
	}
	return []string{text + "."}
}

// listed joins names with commas, at most limit of them.
func listed(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
}

// loads is the load entries: as the scenario has them, then any others that
// were measured.
func loads(r *result.Result) []result.Load {
	out := slices.Clone(r.Scenario.Loads)
	for i := range r.Variants {
		for j := range r.Variants[i].Trials {
			for _, s := range r.Variants[i].Trials[j].Series {
				if !slices.ContainsFunc(out, func(l result.Load) bool { return l.Name == s.Name }) {
					out = append(out, result.Load{Name: s.Name, Method: s.Method, Kind: s.Kind, Loop: s.Loop})
				}
			}
		}
	}
	return out
}

// longestName is how many columns a name takes in a sentence.
const longestName = 40

// group is the variants that share every condition.
type group struct {
	conditions []string // as a heading shows them: pool.size 4
	variants   []*result.Variant
}

// conditions groups the variants by the dimensions without a baseline, in the
// order in which they first occur.
func conditions(r *result.Result) []group {
	var out []group
	for i := range r.Variants {
		v := &r.Variants[i]
		var names []string
		for _, d := range r.Scenario.Dimensions {
			if value, set := v.Settings[d.Name]; set && d.Baseline == "" {
				names = append(names, shorten(labelled(d.Name, value), longestName))
			}
		}
		at := slices.IndexFunc(out, func(g group) bool { return slices.Equal(g.conditions, names) })
		if at < 0 {
			out = append(out, group{conditions: names})
			at = len(out) - 1
		}
		out[at].variants = append(out[at].variants, v)
	}
	return out
}

// shortName is a dimension as a column heading: without the part of the
// document that every setting of its kind shares.
func shortName(dimension string) string {
	for _, part := range []string{"client.", "fleet.", "load."} {
		if rest, ok := strings.CutPrefix(dimension, part); ok {
			return clean(rest)
		}
	}
	return clean(dimension)
}

// labelled is a value that can stand alone: that of an own-named dimension
// does, that of a dotted path needs its name.
func labelled(dimension, value string) string {
	if strings.Contains(dimension, ".") {
		return shortName(dimension) + " " + clean(value)
	}
	return clean(value)
}
