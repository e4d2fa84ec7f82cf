package strict

import (
	"fmt"
	"strings"
	"unicode"
)

const (
	excerptColumns = 96 // longest part of a source line that is shown
	tabColumns     = 4
)

// cell is one character of a source line as it is shown.
type cell struct {
	text  string
	width int
}

// excerpt is the source line and, below it, carets under the fault. Tabs are
// spread out, wide characters count double, a long line is cut around the
// fault.
func excerpt(e *Error) string {
	number := ""
	if !isSet(e.Pos.Source) {
		number = fmt.Sprint(e.Pos.Line)
	}
	cells := layOut(e.Excerpt)
	first := min(max(e.Pos.Column-1, 0), len(cells))
	last := min(first+max(e.Width, 1), len(cells)) // exclusive

	from, to := window(cells, first, last)
	var line, mark strings.Builder
	if from > 0 {
		line.WriteString("…")
		mark.WriteString(" ")
	}
	for i := from; i < to; i++ {
		line.WriteString(cells[i].text)
		sign := " "
		if i >= first && i < last {
			sign = "^"
		}
		mark.WriteString(strings.Repeat(sign, cells[i].width))
	}
	if first >= last { // a fault at the end of the line
		mark.WriteString("^")
	}
	if to < len(cells) {
		line.WriteString("…")
	}
	gutter := fmt.Sprintf("%5s | ", number)
	blank := strings.Repeat(" ", len(gutter)-2) + "| "
	return strings.TrimRight(gutter+line.String(), " ") + "\n" + strings.TrimRight(blank+mark.String(), " ")
}

func layOut(line string) []cell {
	cells := make([]cell, 0, len(line))
	column := 0
	for _, r := range line {
		c := cell{text: string(r), width: runeColumns(r)}
		switch {
		case r == '\t':
			c.width = tabColumns - column%tabColumns
			c.text = strings.Repeat(" ", c.width)
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			c = cell{text: "\uFFFD", width: 1}
		}
		column += c.width
		cells = append(cells, c)
	}
	return cells
}

// window is the part of a line that is shown: all of it if it fits, else
// excerptColumns around the fault, with a third of it before.
func window(cells []cell, first, last int) (from, to int) {
	total := 0
	for _, c := range cells {
		total += c.width
	}
	if total <= excerptColumns {
		return 0, len(cells)
	}
	from = first
	for room := excerptColumns / 3; from > 0 && room >= cells[from-1].width; from-- {
		room -= cells[from-1].width
	}
	room := excerptColumns
	for to = from; to < len(cells) && room >= cells[to].width; to++ {
		room -= cells[to].width
	}
	for from > 0 && to == len(cells) && room >= cells[from-1].width { // the line ends: show more of what comes before
		from--
		room -= cells[from].width
	}
	return from, to
}

// wide are the ranges of characters that take two columns of a terminal.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1}, {Lo: 0x3041, Hi: 0x33ff, Stride: 1},
		{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, {Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, {Lo: 0xa000, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, {Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	default:
		return 1
	}
}
