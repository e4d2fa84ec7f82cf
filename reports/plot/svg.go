package plot

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Colors is how many colours there are. Lines beyond them take the same
// colours again, dashed in another way.
const Colors = 8

// Plot is a line plot, a heatmap or bars.
type Plot interface {
	// frame is the plot's title for who cannot see it, its height in pixels
	// without the margins, and its margins.
	frame() frame
	// draw writes what is inside the frame.
	draw(b *strings.Builder)
	// keys are the entries of a legend.
	keys() []key
}

type frame struct {
	title                    string
	height                   int
	top, right, bottom, left int
	attributes               string
}

type key struct {
	label string
	color int
}

// Inline is the plot as an element of an HTML page: class "plot", as wide as
// its container. The page's style sheet must contain Style.
func Inline(p Plot) string {
	f := p.frame()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="plot" role="img" aria-label="%s" style="height:%dpx;padding:%dpx %dpx %dpx %dpx"%s>`,
		escape(f.title), f.height+f.top+f.bottom, f.top, f.right, f.bottom, f.left, f.attributes)
	p.draw(&b)
	b.WriteString("</svg>")
	return b.String()
}

const (
	fileWidth   = 900
	keyHeight   = 20
	titleHeight = 26
	edge        = 14
)

// Standalone writes the plot as an SVG file with a title, notes below it and a
// legend.
func Standalone(w io.Writer, p Plot, title string, notes ...string) error {
	f := p.frame()
	var body strings.Builder
	y := edge + titleHeight
	fmt.Fprintf(&body, `<text class="title" x="%d" y="%d">%s</text>`, edge, edge+12, escape(cut(title, 110)))
	x := edge
	for i, k := range p.keys() {
		width := 34 + 7*utf8.RuneCountInString(cut(k.label, 60))
		if x > edge && x+width > fileWidth-edge {
			x, y = edge, y+keyHeight
		}
		fmt.Fprintf(&body, `<g class="%s"><path class="l" d="M%d %dh22"/><text class="k" x="%d" y="%d">%s</text></g>`,
			Class(k.color), x, y, x+28, y+4, escape(cut(k.label, 60)))
		x += width
		if i == len(p.keys())-1 {
			y += keyHeight
		}
	}
	y += f.top
	left := max(edge, f.left+edge/2)
	fmt.Fprintf(&body, `<svg x="%d" y="%d" width="%d" height="%d" overflow="visible">`, left, y, fileWidth-left-f.right-edge/2, f.height)
	p.draw(&body)
	body.WriteString("</svg>")
	y += f.height + f.bottom
	for _, note := range notes {
		y += keyHeight
		fmt.Fprintf(&body, `<text class="n" x="%d" y="%d">%s</text>`, edge, y-6, escape(cut(note, 150)))
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="%[3]s"><style>%[4]s%[5]s</style><rect width="100%%" height="100%%" fill="var(--bg)"/>%[6]s</svg>`+"\n",
		fileWidth, y+edge, escape(f.title), Theme(":root"), Style, body.String())
	return err
}

// Class is the class of a line's or a row's colour.
func Class(color int) string {
	class := "s" + strconv.Itoa(color%Colors)
	if dash := color / Colors % len(dashes); dash > 0 {
		class += " d" + strconv.Itoa(dash)
	}
	return class
}

// dashes tell lines of one colour apart.
var dashes = [...]string{"", "7 4", "2 3", "10 3 2 3", "1 5", "14 4", "6 2 2 2 2 2", "3 6"}

// The colours of lines are those of Okabe and Ito, which differ for
// colour-blind eyes too; yellow is darker on light ground, all are lighter on
// dark.
var (
	light = [Colors]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#3a9bd9", "#7a5195", "#444444"}
	dark  = [Colors]string{"#56a8e8", "#ff8c42", "#2fc99a", "#e79ac4", "#f0b429", "#9ad4fb", "#b89adf", "#cfcfcf"}
)

// Theme is the custom properties that Style uses, for a selector: the light
// ones, and the dark ones where the reader prefers those.
func Theme(selector string) string {
	set := func(colors [Colors]string, rest string) string {
		var b strings.Builder
		for i, c := range colors {
			fmt.Fprintf(&b, "--s%d:%s;", i, c)
		}
		return selector + "{" + b.String() + rest + "}"
	}
	lightSet := set(light, "--bg:#fff;--fg:#1b1f24;--dim:#57606a;--rule:#d8dee4;--soft:#f3f5f7;--ink:#fff;--heat:#0b4f8a;--shade:#b45309")
	darkSet := set(dark, "--bg:#12161b;--fg:#e6e9ed;--dim:#9aa4af;--rule:#313a44;--soft:#1b2128;--ink:#10151a;--heat:#7cc4ff;--shade:#f0a04b")
	return lightSet + "@media (prefers-color-scheme:dark){" + darkSet + "}@media print{" + lightSet + "}"
}

// Style is the rules that plots need, in a page or a file.
var Style = style()

func style() string {
	var b strings.Builder
	for i := range Colors {
		fmt.Fprintf(&b, ".s%d{--c:var(--s%[1]d)}", i)
	}
	for i, dash := range dashes {
		if i > 0 {
			fmt.Fprintf(&b, ".d%d .l,.d%[1]d.l{stroke-dasharray:%s}", i, dash)
		}
	}
	for i := 1; i <= HeatLevels; i++ {
		fmt.Fprintf(&b, ".h%d{fill-opacity:%s}", i, round(0.06+0.94*math.Pow(float64(i)/HeatLevels, 1.2), 2))
	}
	b.WriteString(`.t,.k,.n,.title,.a,.xs,.ys{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--dim)}` +
		`.t{font-variant-numeric:tabular-nums}.title{font-size:15px;font-weight:600;fill:var(--fg)}.k,.a{fill:var(--fg)}` +
		`.xs line,.ys line{stroke:var(--rule);stroke-width:1;shape-rendering:crispEdges}` +
		`.xs text{text-anchor:middle}.ys text{text-anchor:end;dominant-baseline:central}.xs,.ys{font-variant-numeric:tabular-nums}` +
		`.l{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}` +
		`.e{fill:none;stroke:var(--c);stroke-width:9;stroke-linecap:round;vector-effect:non-scaling-stroke}` +
		`.b{fill:var(--c);fill-opacity:.14;stroke:none}.f{fill:var(--shade);fill-opacity:.13}` +
		`.r{stroke:var(--dim);stroke-width:1;stroke-dasharray:5 4;fill:none;vector-effect:non-scaling-stroke}` +
		`.h path{fill:var(--heat);shape-rendering:crispEdges}.in{font:11px system-ui,sans-serif;fill:var(--ink)}.in.odd{fill:var(--fg)}.tick{stroke:var(--fg);stroke-width:1;stroke-dasharray:2 2;opacity:.55}.bar{fill:var(--c)}.bar.odd{fill-opacity:.62}.even{stroke:var(--bg);stroke-width:1}`)
	return b.String()
}

// escape makes text safe between tags and in attributes.
func escape(s string) string { return escapes.Replace(s) }

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// cut shortens text to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// round writes v with at most that many decimals.
func round(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.ContainsRune(text, '.') {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// percent is a place for an attribute.
func percent(at float64) string { return round(100*at, 2) + "%" }
