package plot

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bars is a row for each of several things, each divided into parts: how
// something was shared.
type Bars struct {
	Title string
	Rows  []Bar
	Even  int // how many even shares a row would have; 0 for no marks
}

// Bar is one row.
type Bar struct {
	Label string
	Note  string // at its end
	Color int
	Class string
	Parts []Share
}

// Share is one part of a bar; Share of all parts is 1 together.
type Share struct {
	Label string
	Share float64
}

// rowHeight is a label above its bar.
const (
	rowHeight = 42
	barHeight = 20
)

func (p Bars) frame() frame {
	return frame{title: p.Title, height: rowHeight * len(p.Rows), top: 2, right: 1, bottom: 6}
}

func (p Bars) keys() []key { return nil }

func (p Bars) draw(b *strings.Builder) {
	for i, row := range p.Rows {
		fmt.Fprintf(b, `<g class="%s"><text class="k" x="0" y="%d">%s</text><text class="t" x="100%%" y="%d" text-anchor="end">%s</text>`,
			classes(row.Color, row.Class), i*rowHeight+14, escape(cut(row.Label, 44)), i*rowHeight+14, escape(row.Note))
		at := 0.0
		y := i*rowHeight + 19
		for j, part := range row.Parts {
			if part.Share <= 0 {
				continue
			}
			odd := ""
			if j%2 == 1 {
				odd = " odd"
			}
			fmt.Fprintf(b, `<rect class="bar%s even" x="%s" y="%d" width="%s" height="%d"><title>%s</title></rect>`,
				odd, percent(at), y, percent(part.Share), barHeight, escape(part.Label+": "+round(100*part.Share, 1)+" %"))
			// Only what is sure to fit on a phone.
			if 300*part.Share > float64(7*utf8.RuneCountInString(part.Label)+8) {
				fmt.Fprintf(b, `<text class="in%s" x="%s" y="%d" text-anchor="middle">%s</text>`, odd, percent(at+part.Share/2), y+14, escape(part.Label))
			}
			at += part.Share
		}
		for j := 1; j < p.Even && p.Even <= 32; j++ {
			fmt.Fprintf(b, `<line class="tick" x1="%s" x2="%[1]s" y1="%d" y2="%d"/>`, percent(float64(j)/float64(p.Even)), y-3, y+barHeight+3)
		}
		b.WriteString("</g>")
	}
}
