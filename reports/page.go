package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/shorten"
)

// page is what every format for people shows, in words and cells but without
// a layout. Its text is clean (see clean) and not yet escaped for a format.
type page struct {
	banner   []string // sentences: why the result is not whole
	headline []string // sentences
	// answers is the tables of what was asked of the result as a whole: for those
	// who read no further they stand instead of sections, else before them.
	answers  []section
	sections []section
	gates    []gateText
	closing  closing
}

// section is one table: one load entry under one combination of conditions.
type section struct {
	heading [][]string // lines of items
	columns []column   // in the order of display
	moved   []column   // what could be shown as well: equal in every row, or n/a
	rows    int
	notes   []note // beside those of the columns, at every width
	chart   *chart
	// recovery is a table of its own, of the rows it names: what scheduled
	// faults did. It has no columns where there were none.
	recovery     []column
	recoveryRows []int
	recoveryNote string
	remarks      [][]string // lines of items, for where there is room: the slowest call, the commonest error
	why          []string   // the commonest error as items, where so much failed that every reader asks
}

// closing is the lines that say how far the figures can be trusted.
type closing struct {
	verdict  result.Verdict
	verdicts []string // items; the first names the verdict
	reasons  []string // sentences, one a line
	facts    []string // items
	more     []string // items for where there is room
}

// newPage reads the result.
func newPage(r *result.Result) page {
	p := page{closing: newClosing(r), gates: gateTexts(r)}
	p.banner = banner(r)
	tables := tablesOf(r)
	p.headline = headline(r, tables)
	for i := range tables {
		p.sections = append(p.sections, tables[i].section(r, len(entries(r)) > 1))
	}
	if r.Capacity != nil {
		c := newCapacity(r)
		p.headline, p.answers = c.headline(), c.sections()
	}
	return p
}

// shown is the tables for a reader of one page.
func (p *page) shown() []section {
	if len(p.answers) > 0 {
		return p.answers
	}
	return p.sections
}

// tablesOf is a table for each load entry under each combination of conditions
// that was measured.
func tablesOf(r *result.Result) []table {
	var tables []table
	for _, entry := range entries(r) {
		for _, group := range conditions(r) {
			if t := newTable(r, entry, group); len(t.rows) > 0 {
				tables = append(tables, t)
			}
		}
	}
	for i := range tables {
		tables[i].shares = slices.ContainsFunc(tables, func(o table) bool { return o.entry != tables[i].entry && o.method() == tables[i].method() })
	}
	return tables
}

// banner says what an interrupted run did not measure.
func banner(r *result.Result) []string {
	if r.Capacity != nil {
		c := newCapacity(r)
		return c.banner()
	}
	var whole, cut int
	var missing []string
	for i := range r.Variants {
		v := &r.Variants[i]
		for j := range v.Trials {
			if v.Trials[j].Partial {
				cut++
			} else {
				whole++
			}
		}
		if len(v.Trials) == 0 {
			missing = append(missing, clean(v.Name))
		}
	}
	if whole+cut == 0 {
		// The headline goes on: nothing was measured.
		return []string{"PARTIAL: no trial was run."}
	}
	if !r.Partial && len(missing) == 0 {
		return nil
	}
	how := "interrupted"
	if r.Aborted != "" {
		how = "aborted, because " + clean(r.Aborted) + ","
	}
	text := fmt.Sprintf("PARTIAL: %s after %d of %s", how, whole, plural(r.Scenario.Trials*len(r.Variants), "trial"))
	switch {
	case cut > 0 && whole > 0:
		text += fmt.Sprintf(", %d more in part", cut)
	case cut > 0:
		text += fmt.Sprintf(", %d in part", cut)
	}
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

// entries is the names of the load entries: as the variants have them, then
// any others that were measured.
func entries(r *result.Result) []string {
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for i := range r.Variants {
		for _, l := range r.Variants[i].Loads {
			add(l.Name)
		}
	}
	eachTrial(r, func(t *result.Trial) {
		for i := range t.Series {
			add(t.Series[i].Name)
		}
	})
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
	var settings [][]string // of each group, in full
	for i := range r.Variants {
		v := &r.Variants[i]
		var own, names []string
		for _, d := range r.Scenario.Dimensions {
			if value, set := v.Settings[d.Name]; set && d.Baseline == "" {
				own, names = append(own, d.Name, value), append(names, labelled(d.Name, value))
			}
		}
		at := slices.IndexFunc(settings, func(s []string) bool { return slices.Equal(s, own) })
		if at < 0 {
			at = len(out)
			out, settings = append(out, group{conditions: names}), append(settings, own)
		}
		out[at].variants = append(out[at].variants, v)
	}
	var all []string
	for _, g := range out {
		all = append(all, g.conditions...)
	}
	all = shorten.All(all, longestName)
	for _, g := range out {
		all = all[copy(g.conditions, all):]
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

// labelled is a value that can stand alone: fault yes, pool.size 4.
func labelled(dimension, value string) string { return shortName(dimension) + " " + clean(value) }
