package plot

import (
	"fmt"
	"math"
	"strings"
)

// HeatLevels is how many shades a heatmap has, beside none.
const HeatLevels = 8

// Heat is a heatmap: Cells[column][row], rows from the bottom, in equal steps
// of the axes as they are scaled. A shade stands for the square root of a
// cell's share of Top, so that few are seen beside many.
type Heat struct {
	Title  string
	Height int
	X, Y   Axis
	Cells  [][]float64
	Top    float64
	Shades []Shade // as bars below the cells: within, they would be another shade
	Marks  []Mark
}

func (p Heat) frame() frame {
	return frame{title: p.Title, height: p.Height, top: 30, right: 12, bottom: 28, left: 54}
}

func (p Heat) keys() []key { return nil }

func (p Heat) draw(b *strings.Builder) {
	axes(b, p.X, p.Y, max(2, p.Height/40), false)
	rows := 0
	for _, column := range p.Cells {
		rows = max(rows, len(column))
	}
	if rows > 0 {
		fmt.Fprintf(b, `<svg class="h" width="100%%" height="100%%" viewBox="0 0 %d %d" preserveAspectRatio="none">`, len(p.Cells), rows)
		for level, d := range p.paths(rows) {
			if d != "" {
				fmt.Fprintf(b, `<path class="h%d" d="%s"/>`, level, d)
			}
		}
		b.WriteString("</svg>")
	}
	for _, s := range p.Shades {
		if from, to := p.X.at(s.From), p.X.at(s.To); to > from {
			fmt.Fprintf(b, `<rect class="f" style="fill-opacity:.75" x="%s" y="100%%" width="%s" height="4"/>`, percent(from), percent(to-from))
		}
	}
	for _, m := range p.Marks {
		if m.At >= p.Y.Min && m.At <= p.Y.Max {
			at := percent(1 - p.Y.at(m.At))
			fmt.Fprintf(b, `<line class="r" x2="100%%" y1="%s" y2="%[1]s"/><text class="t" x="100%%" y="%[1]s" dx="-4" dy="-4" text-anchor="end">%[2]s</text>`, at, escape(m.Label))
		}
	}
}

// paths are the outlines of the cells of each level. Neighbours in a row that
// have the same level are one.
func (p Heat) paths(rows int) [HeatLevels + 1]string {
	var out [HeatLevels + 1]strings.Builder
	level := func(column, row int) int {
		if row >= len(p.Cells[column]) || p.Cells[column][row] <= 0 || p.Top <= 0 {
			return 0
		}
		return min(HeatLevels, max(1, int(math.Ceil(HeatLevels*math.Sqrt(p.Cells[column][row]/p.Top)))))
	}
	for row := range rows {
		for column := 0; column < len(p.Cells); {
			l, n := level(column, row), 1
			for column+n < len(p.Cells) && level(column+n, row) == l {
				n++
			}
			if l > 0 {
				fmt.Fprintf(&out[l], "M%d %dh%dv1h-%[3]dz", column, rows-1-row, n)
			}
			column += n
		}
	}
	var text [HeatLevels + 1]string
	for i := range out {
		text[i] = out[i].String()
	}
	return text
}
