package plot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Lines is a plot of lines.
type Lines struct {
	Title  string // says what is shown, for who cannot see it
	Height int    // of the frame, in pixels
	X, Y   Axis
	Lines  []Line
	Shades []Shade // behind the lines
	Marks  []Mark  // across them
}

// Line is one line. Where Y is +Inf it rises to the top of the frame and ends
// there, from the bottom where that is its first point; where it is NaN there
// is a gap.
type Line struct {
	Label  string
	Color  int
	Class  string // of the element, beside the colour's
	Points []Point
	Band   []Range
	Head   bool // a dot at its end, for a line that is still growing
}

// Point is a point of a line.
type Point struct{ X, Y float64 }

// Range is the interval around a line at one place. A High of +Inf reaches to
// the top.
type Range struct{ X, Low, High float64 }

// Shade marks a stretch of the X axis.
type Shade struct{ From, To float64 }

// Mark is a line across the plot at a value of Y.
type Mark struct {
	At    float64
	Label string
}

// The data's own coordinates: whole numbers are short and fine enough to zoom.
const grain = 10000

func (p Lines) frame() frame {
	axis := func(a Axis) string {
		return fmt.Sprintf("%d,%s,%s,%s", a.Scale, strconv.FormatFloat(a.Min, 'g', 8, 64), strconv.FormatFloat(a.Max, 'g', 8, 64), escape(a.Unit))
	}
	bottom := 24
	if p.X.Title != "" {
		bottom = 42
	}
	return frame{
		title: p.Title, height: p.Height, top: 30, right: 12, bottom: bottom, left: 54,
		attributes: ` data-x="` + axis(p.X) + `" data-y="` + axis(p.Y) + `"`,
	}
}

func (p Lines) keys() []key {
	var out []key
	for _, l := range p.Lines {
		out = append(out, key{l.Label, l.Color})
	}
	return out
}

func (p Lines) draw(b *strings.Builder) {
	axes(b, p.X, p.Y, max(2, p.Height/45), true)
	fmt.Fprintf(b, `<svg class="data" width="100%%" height="100%%" viewBox="0 0 %d %[1]d" preserveAspectRatio="none">`, grain)
	for _, s := range p.Shades {
		if from, to := p.X.at(s.From), p.X.at(s.To); to > from {
			fmt.Fprintf(b, `<rect class="f" x="%d" y="0" width="%d" height="%d"/>`, coordinate(from), coordinate(to)-coordinate(from), grain)
		}
	}
	for _, m := range p.Marks {
		if m.At >= p.Y.Min && m.At <= p.Y.Max {
			fmt.Fprintf(b, `<path class="r" d="M0 %dH%d"/>`, coordinate(1-p.Y.at(m.At)), grain)
		}
	}
	for _, l := range p.Lines {
		if d := p.band(l.Band); d != "" {
			fmt.Fprintf(b, `<path class="b %s" d="%s"/>`, classes(l.Color, l.Class), d)
		}
	}
	for _, l := range p.Lines {
		if d := p.path(l.Points); d != "" {
			fmt.Fprintf(b, `<path class="l %s" d="%s"><title>%s</title></path>`, classes(l.Color, l.Class), d, escape(l.Label))
		}
		if at := len(l.Points) - 1; l.Head && at >= 0 && !math.IsNaN(l.Points[at].Y) {
			y := 0
			if v := l.Points[at].Y; !math.IsInf(v, 1) {
				y = coordinate(1 - p.Y.at(v))
			}
			fmt.Fprintf(b, `<path class="e %s" d="M%d %dh0"/>`, classes(l.Color, l.Class), coordinate(p.X.at(l.Points[at].X)), y)
		}
	}
	b.WriteString("</svg>")
	for _, m := range p.Marks {
		if m.At >= p.Y.Min && m.At <= p.Y.Max {
			fmt.Fprintf(b, `<text class="t m" x="100%%" y="%s" dx="-4" dy="-4" text-anchor="end">%s</text>`, percent(1-p.Y.at(m.At)), escape(m.Label))
		}
	}
}

func classes(color int, class string) string {
	if class == "" {
		return Class(color)
	}
	return Class(color) + " " + class
}

// axes draws the grid, if there is to be one, and its labels. Those of X stand
// in a group of their own, which a page may write anew.
func axes(b *strings.Builder, x, y Axis, rows int, grid bool) {
	b.WriteString(`<g class="ys">`)
	for _, t := range y.ticks(rows) {
		at := percent(1 - t.at)
		if grid {
			fmt.Fprintf(b, `<line x2="100%%" y1="%s" y2="%[1]s"/>`, at)
		}
		fmt.Fprintf(b, `<text x="-7" y="%s">%s</text>`, at, escape(t.label))
	}
	b.WriteString(`</g><g class="xs">`)
	for _, t := range x.ticks(6) {
		at := percent(t.at)
		if grid {
			fmt.Fprintf(b, `<line x1="%s" x2="%[1]s" y2="100%%"/>`, at)
		}
		fmt.Fprintf(b, `<text x="%s" y="100%%" dy="18">%s</text>`, at, escape(t.label))
	}
	b.WriteString(`</g>`)
	if y.Title != "" {
		fmt.Fprintf(b, `<text class="a" x="-46" y="-14">%s</text>`, escape(y.Title))
	}
	if x.Title != "" {
		fmt.Fprintf(b, `<text class="t" x="100%%" y="100%%" dy="35" text-anchor="end">%s</text>`, escape(x.Title))
	}
}

func coordinate(at float64) int { return int(math.Round(at * grain)) }

// path is a line's outline.
func (p Lines) path(points []Point) string {
	var b strings.Builder
	pen := false
	lastX, lastY := 0, 0
	for _, pt := range points {
		if math.IsNaN(pt.Y) || math.IsNaN(pt.X) {
			pen = false
			continue
		}
		x, y := coordinate(p.X.at(pt.X)), 0
		if !math.IsInf(pt.Y, 1) {
			y = coordinate(1 - p.Y.at(pt.Y))
		} else if pen {
			// It rises where it would have gone on, and there is no more.
			fmt.Fprintf(&b, "H%dV0", x)
			break
		}
		switch {
		case !pen && math.IsInf(pt.Y, 1):
			fmt.Fprintf(&b, "M%d %dV0", x, grain)
		case !pen:
			fmt.Fprintf(&b, "M%d %d", x, y)
		default:
			fmt.Fprintf(&b, "l%d %d", x-lastX, y-lastY)
		}
		if math.IsInf(pt.Y, 1) {
			break
		}
		pen, lastX, lastY = true, x, y
	}
	return b.String()
}

// band is the outline of an interval around a line: forth along its upper
// bounds and back along the lower ones.
func (p Lines) band(ranges []Range) string {
	if len(ranges) < 2 {
		return ""
	}
	var b strings.Builder
	for i, r := range ranges {
		y := 0
		if !math.IsInf(r.High, 1) {
			y = coordinate(1 - p.Y.at(r.High))
		}
		b.WriteString(step(i == 0, coordinate(p.X.at(r.X)), y))
	}
	for i := len(ranges) - 1; i >= 0; i-- {
		y := 0
		if r := ranges[i]; !math.IsInf(r.Low, 1) {
			y = coordinate(1 - p.Y.at(r.Low))
		}
		b.WriteString(step(false, coordinate(p.X.at(ranges[i].X)), y))
	}
	b.WriteByte('z')
	return b.String()
}

func step(first bool, x, y int) string {
	letter := "L"
	if first {
		letter = "M"
	}
	return letter + strconv.Itoa(x) + " " + strconv.Itoa(y)
}
