package reports

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
)

// heat is a heatmap of response for each row, on the same axes and shades.
func (t *table) heat(d detail, name func(string) string) []figure {
	rows := t.drawn(d)
	all := make([][]second, len(rows))
	length, first, last := 0, math.MaxInt, -1
	for i, row := range rows {
		all[i] = t.seconds(&t.rows[row])
		length = max(length, len(all[i]))
		for _, s := range all[i] {
			for class, n := range s.spread {
				if n > 0 && class >= 0 && class < spreadClasses {
					first, last = min(first, class), max(last, class)
				}
			}
		}
	}
	if length < shortestChart || last < 0 {
		return nil
	}
	per := (length + d.columns - 1) / d.columns
	cells, top := make([][][]float64, len(rows)), 0.0
	for i := range rows {
		for _, s := range mergedSeconds(all[i], per) {
			column := make([]float64, last-first+1)
			for class := range column {
				if s.trials > 0 {
					column[class] = s.spread[first+class] / s.trials
					top = max(top, column[class])
				}
			}
			cells[i] = append(cells[i], column)
		}
		for len(cells[i]) < (length+per-1)/per {
			cells[i] = append(cells[i], nil) // a variant whose trials were all cut short
		}
	}
	shades, notes := t.shades(float64(length))
	notes = append([]string{"Darker: more calls ended OK in that second with that response."}, notes...)
	var out []figure
	for i, row := range rows {
		title := "Response over time, " + t.plotted() + ": " + t.rows[row].label
		out = append(out, figure{
			name: name("heatmap." + fileName(t.rows[row].variant.Name, 120)), title: title, notes: notes, own: t.cutShortNotes([]int{row}), row: row,
			plot: plot.Heat{
				Title: title, Height: 170, Cells: cells[i], Top: top, Shades: shades, Marks: t.sloMark(),
				X: plot.Axis{Unit: "s", Max: float64(((length + per - 1) / per) * per)},
				Y: plot.Axis{
					Title: "ms", Unit: "ms", Scale: plot.Log,
					Min: ms(result.SpreadNS(first - 1)), Max: ms(result.SpreadNS(last)),
				},
			},
		})
	}
	return out
}

// spreadClasses is more classes of a Spread than a minute has.
const spreadClasses = 200
