package reports

import (
	"slices"
	"strconv"
	"strings"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
)

// figure is one plot of a result. Its text is clean and not yet escaped.
type figure struct {
	name  string // of a file and for --part: unique in the result
	title string
	notes []string
	own   []string // notes that others of its kind do not share
	plot  plot.Plot
	row   int // the row that it is of alone; −1 for all
}

// gallery is the plots of one table. A part is empty where the result has not
// what it shows.
type gallery struct {
	spectrum []figure // one or none
	overTime []figure
	heat     []figure // one for each row
	backends []figure // one or none
}

// all is every figure, in the order of display.
func (g *gallery) all() []figure {
	return slices.Concat(g.spectrum, g.overTime, g.heat, g.backends)
}

// detail bounds how much is drawn, so that a page of many variants stays small.
type detail struct {
	quantiles int // points of a spectrum
	seconds   int // points of a line over time
	columns   int // of a heatmap
	rows      int // tables' rows that are drawn
}

// fine is the detail of a plot in a file of its own.
func fine(rows int) detail { return detail{quantiles: 120, seconds: 240, columns: 120, rows: rows} }

// shared is the detail of each of n rows' plots where they share a page: about
// 6 KB each of them, or more where they are few.
func shared(n int, level float64) detail {
	part := min(1, level*16/float64(max(1, n)))
	scale := func(most, least int) int { return max(least, int(part*float64(most))) }
	return detail{quantiles: scale(100, 24), seconds: scale(180, 24), columns: scale(96, 16), rows: max(8, int(level*96))}
}

// galleries draws all that can be drawn of the result, a gallery for each
// table.
func galleries(r *result.Result, tables []table, d detail) []gallery {
	out := make([]gallery, len(tables))
	names := unique{}
	for i := range tables {
		t := &tables[i]
		var parts []string
		if len(entries(r)) > 1 {
			parts = append(parts, safe(t.entry))
		}
		for _, c := range t.conditions {
			parts = append(parts, safe(c))
		}
		prefix := ""
		if len(parts) > 0 {
			prefix = fileName(strings.Join(parts, "."), 100) + "."
		}
		name := func(s string) string { return names.name(prefix + s) }
		out[i] = gallery{spectrum: t.spectrum(d, name), overTime: t.overTime(d, name), heat: t.heat(d, name), backends: t.backends(d, name)}
	}
	return out
}

// drawn is the rows that are drawn: the first ones, and the baseline.
func (t *table) drawn(d detail) []int {
	var out []int
	for i := range t.rows {
		if len(out) < d.rows || &t.rows[i] == t.baseline {
			out = append(out, i)
		}
	}
	return out
}

// undrawn says how many rows are not.
func (t *table) undrawn(d detail) []string {
	if n := len(t.rows) - len(t.drawn(d)); n > 0 {
		return []string{plural(n, "more variant") + " not drawn"}
	}
	return nil
}

// provisos says what the drawn rows' figures are not of, and how many rows are not
// drawn.
func (t *table) provisos(d detail) []string {
	return append(t.cutShortNotes(t.drawn(d)), t.undrawn(d)...)
}

// class is that of all that belongs to a row.
func (r *row) class() string { return "r" + strconv.Itoa(r.place) }

// plotted is what a plot's title says of its table.
func (t *table) plotted() string {
	text := t.subject()
	if len(t.conditions) > 0 {
		text += ", " + strings.Join(t.conditions, ", ")
	}
	return text
}

// sloMark is the SLO as a line across a plot of times in ms, where all rows
// have the same.
func (t *table) sloMark() []plot.Mark {
	if _, same := t.common(ofSLO); !same || t.rows[0].load.SLONS == 0 {
		return nil
	}
	return []plot.Mark{{At: ms(t.rows[0].load.SLONS), Label: "SLO " + setting(t.rows[0].load.SLONS)}}
}
