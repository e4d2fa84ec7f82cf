package scenario

import (
	"strings"
	"unicode/utf8"
)

// page collects text for a terminal of some width.
type page struct {
	strings.Builder
	columns int
}

// line writes one line as it is.
func (p *page) line(text string) {
	p.WriteString(strings.TrimRight(text, " "))
	p.WriteByte('\n')
}

// paragraph writes text, broken between words, each line but the first behind
// `hang` spaces.
func (p *page) paragraph(text string, hang int) {
	indent := strings.Repeat(" ", hang)
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) > p.width() && strings.TrimSpace(line) != "":
			p.line(line)
			line = indent + word
		default:
			line += " " + word
		}
	}
	p.line(line)
}

// table writes rows in aligned columns behind an indent. The last cell of a
// row is broken between words where it does not fit.
func (p *page) table(indent int, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	for _, row := range rows {
		line := strings.Repeat(" ", indent)
		for i, cell := range row[:len(row)-1] {
			line += cell + strings.Repeat(" ", widths[i]-width(cell)+2)
		}
		p.cell(line, row[len(row)-1])
	}
}

// cell writes text behind what stands on its line already; further lines begin
// below it.
func (p *page) cell(before, text string) {
	hang := width(before)
	line, empty := before, true
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case empty:
			line += word
		case width(line)+1+width(word) > p.width():
			p.line(line)
			line = strings.Repeat(" ", hang) + word
		default:
			line += " " + word
		}
		empty = false
	}
	p.line(line)
}

// width is that of the page; very narrow ones are not taken seriously.
func (p *page) width() int { return max(p.columns, 40) }

func width(s string) int { return utf8.RuneCountInString(s) }
