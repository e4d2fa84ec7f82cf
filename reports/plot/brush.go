package plot

import (
	"fmt"
	"image"
	"image/color"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// brush draws elements on a picture.
type brush struct {
	sheet sheet
	fonts *fonts
	to    *image.RGBA
	shape vector.Rasterizer
}

// viewport is what an element is placed in: per cent are of width and height,
// and a point of its own coordinates is scale times it, from the origin, in
// pixels of the picture. Widths of strokes and letters keep their size.
type viewport struct {
	x, y, width, height, scaleX, scaleY float64
	left, top                           float64 // of its own coordinates
	clip                                image.Rectangle
}

func (v viewport) point(x, y float64) point {
	return point{v.x + (x-v.left)*v.scaleX, v.y + (y-v.top)*v.scaleY}
}

type point struct{ x, y float64 }

// properties are an element's, by their CSS names.
type properties map[string]string

// inherited are those that an element has from its parent.
var inherited = []string{
	"fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "font-size", "font-weight", "text-anchor", "dominant-baseline",
}

func initial() properties {
	return properties{"fill": "#000", "fill-opacity": "1", "stroke": "none", "stroke-width": "1", "font-size": "16px", "font-weight": "400", "text-anchor": "start"}
}

// properties are those of the last of path: attributes, then rules by their
// weight, then its own style.
func (b *brush) properties(path []*element, parent properties) properties {
	e := path[len(path)-1]
	out := properties{}
	for name, value := range parent {
		if strings.HasPrefix(name, "--") {
			out[name] = value
		}
	}
	for _, name := range inherited {
		if value, ok := parent[name]; ok {
			out[name] = value
		}
		if value, ok := e.attrs[name]; ok {
			out[name] = value
		}
	}
	var rules []*cssRule
	for i := range b.sheet.rules {
		if r := &b.sheet.rules[i]; r.matches(path) {
			rules = append(rules, r)
		}
	}
	sort.SliceStable(rules, func(i, j int) bool { return rules[i].weight < rules[j].weight })
	for _, r := range rules {
		maps.Copy(out, expanded(r.set))
	}
	for declaration := range strings.SplitSeq(e.attrs["style"], ";") {
		if name, value, ok := strings.Cut(declaration, ":"); ok {
			out[name] = value
		}
	}
	return out
}

// expanded has the parts of the font shorthand that are drawn.
func expanded(set map[string]string) map[string]string {
	shorthand, ok := set["font"]
	if !ok {
		return set
	}
	out := maps.Clone(set)
	out["font-size"], _, _ = strings.Cut(shorthand, " ")
	out["font-weight"] = "400"
	return out
}

// length reads a number of own units, or per cent of what there is.
func length(text string, of float64) (float64, error) {
	if text == "" {
		return 0, nil
	}
	share, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(share, 64)
	if percent {
		n *= of / 100
	}
	return n, err
}

// draw draws the last of path, and what is in it.
func (b *brush) draw(path []*element, v viewport, parent properties) error {
	e := path[len(path)-1]
	p := b.properties(path, parent)
	var numbers [8]float64
	for i, name := range []string{"x", "y", "width", "height", "x1", "y1", "x2", "y2"} {
		of := v.width
		if i%2 == 1 {
			of = v.height
		}
		var err error
		if numbers[i], err = length(e.attrs[name], of); err != nil {
			return fmt.Errorf("%s of <%s>: %w", name, e.tag, err)
		}
	}
	x, y, width, height := numbers[0], numbers[1], numbers[2], numbers[3]
	switch e.tag {
	case "style", "title":
		return nil
	case "g":
	case "svg":
		var err error
		if v, err = v.nested(e, x, y, width, height); err != nil {
			return err
		}
	case "rect":
		return b.paint(p, v, [][]point{{v.point(x, y), v.point(x+width, y), v.point(x+width, y+height), v.point(x, y+height), v.point(x, y)}})
	case "line":
		return b.paint(p, v, [][]point{{v.point(numbers[4], numbers[5]), v.point(numbers[6], numbers[7])}})
	case "path":
		lines, err := outline(e.attrs["d"], v)
		if err != nil {
			return err
		}
		return b.paint(p, v, lines)
	case "text":
		return b.write(e, p, v, x, y)
	default:
		return fmt.Errorf("<%s> is unknown", e.tag)
	}
	for _, child := range e.children {
		if err := b.draw(append(path[:len(path):len(path)], child), v, p); err != nil {
			return err
		}
	}
	return nil
}

// nested is the viewport of an svg element: with a viewBox its coordinates are
// stretched to fill it, as preserveAspectRatio="none" says.
func (v viewport) nested(e *element, x, y, width, height float64) (viewport, error) {
	at, end := v.point(x, y), v.point(x+width, y+height)
	n := viewport{x: at.x, y: at.y, width: width, height: height, scaleX: v.scaleX, scaleY: v.scaleY, clip: v.clip}
	if e.attrs["overflow"] != "visible" {
		n.clip = n.clip.Intersect(image.Rect(int(math.Floor(at.x)), int(math.Floor(at.y)), int(math.Ceil(end.x)), int(math.Ceil(end.y))))
	}
	box, there := e.attrs["viewBox"]
	if !there {
		return n, nil
	}
	if e.attrs["preserveAspectRatio"] != "none" {
		return n, fmt.Errorf("a viewBox that keeps its proportions is unknown")
	}
	var numbers [4]float64
	if _, err := fmt.Sscan(box, &numbers[0], &numbers[1], &numbers[2], &numbers[3]); err != nil {
		return n, fmt.Errorf("viewBox %q: %w", box, err)
	}
	n.left, n.top, n.width, n.height = numbers[0], numbers[1], numbers[2], numbers[3]
	n.scaleX, n.scaleY = (end.x-at.x)/n.width, (end.y-at.y)/n.height
	return n, nil
}

// outline reads a path's lines: M, L, H and V, and l, h and v, which count from
// the last point, and z.
func outline(d string, v viewport) (lines [][]point, err error) {
	var line []point
	x, y, startX, startY := 0.0, 0.0, 0.0, 0.0
	for d != "" {
		letter := d[0]
		end := strings.IndexAny(d[1:], "MLHVlhvz") + 1
		if end == 0 {
			end = len(d)
		}
		fields := strings.FieldsFunc(strings.ReplaceAll(d[1:end], "-", " -"), func(r rune) bool { return r == ' ' })
		d = d[end:]
		var n [2]float64
		wanted := map[byte]int{'M': 2, 'L': 2, 'l': 2, 'H': 1, 'h': 1, 'V': 1, 'v': 1, 'z': 0}
		if want, ok := wanted[letter]; !ok || want != len(fields) {
			return nil, fmt.Errorf("%c with %d numbers in a path is unknown", letter, len(fields))
		}
		for i, field := range fields {
			if n[i], err = strconv.ParseFloat(field, 64); err != nil {
				return nil, fmt.Errorf("a path's %c: %w", letter, err)
			}
		}
		switch letter {
		case 'M':
			if len(line) > 0 {
				lines = append(lines, line)
			}
			x, y, startX, startY, line = n[0], n[1], n[0], n[1], nil
		case 'L':
			x, y = n[0], n[1]
		case 'l':
			x, y = x+n[0], y+n[1]
		case 'H':
			x = n[0]
		case 'h':
			x += n[0]
		case 'V':
			y = n[0]
		case 'v':
			y += n[0]
		case 'z':
			x, y = startX, startY
		}
		line = append(line, v.point(x, y))
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines, nil
}

// paint fills and strokes lines.
func (b *brush) paint(p properties, v viewport, lines [][]point) error {
	fill, filled, err := b.color(p, "fill", "fill-opacity")
	if err != nil {
		return err
	}
	if filled {
		b.fill(lines, fill, v.clip)
	}
	stroke, stroked, err := b.color(p, "stroke", "stroke-opacity")
	if err != nil || !stroked {
		return err
	}
	width, err := length(strings.TrimSuffix(p["stroke-width"], "px"), 0)
	if err != nil {
		return fmt.Errorf("stroke-width: %w", err)
	}
	var dashes []float64
	if pattern := p["stroke-dasharray"]; pattern != "" {
		for field := range strings.FieldsSeq(pattern) {
			n, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return fmt.Errorf("stroke-dasharray: %w", err)
			}
			dashes = append(dashes, n*pixels)
		}
	}
	var shapes [][]point
	for _, line := range lines {
		for _, dash := range dashed(line, dashes) {
			shapes = append(shapes, strokes(dash, width*pixels/2, p["stroke-linecap"] == "round")...)
		}
	}
	// Where nothing shines through, a long line is drawn in stretches, whose boxes
	// together are much smaller than its own.
	stretch := len(shapes)
	if stroke.A == 255 {
		stretch = 16
	}
	for part := range slices.Chunk(shapes, max(1, stretch)) {
		b.fill(part, stroke, v.clip)
	}
	return nil
}

func (b *brush) color(p properties, name, opacity string) (color.NRGBA, bool, error) {
	c, ok, err := parseColor(b.sheet.resolve(p[name], p))
	if err != nil || !ok {
		return c, false, err
	}
	alpha := 1.0
	for _, key := range []string{opacity, "opacity"} {
		if text, set := p[key]; set {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return c, false, fmt.Errorf("%s: %w", key, err)
			}
			alpha *= n
		}
	}
	c.A = uint8(math.Round(255 * alpha))
	return c, true, nil
}

// fill fills outlines, within the clip.
func (b *brush) fill(shapes [][]point, c color.NRGBA, clip image.Rectangle) {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, shape := range shapes {
		for _, p := range shape {
			low, high = point{min(low.x, p.x), min(low.y, p.y)}, point{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	if low.x > high.x {
		return
	}
	box := image.Rect(int(math.Floor(low.x)), int(math.Floor(low.y)), int(math.Ceil(high.x)), int(math.Ceil(high.y))).Intersect(clip)
	if box.Empty() {
		return
	}
	r := &b.shape
	r.Reset(box.Dx(), box.Dy())
	for _, shape := range shapes {
		for i, p := range shape {
			x, y := float32(p.x-float64(box.Min.X)), float32(p.y-float64(box.Min.Y))
			if i == 0 {
				r.MoveTo(x, y)
			} else {
				r.LineTo(x, y)
			}
		}
		r.ClosePath()
	}
	r.Draw(b.to, box, image.NewUniform(c), image.Point{})
}

// dashed cuts a line into its dashes; without a pattern it is one.
func dashed(line []point, pattern []float64) [][]point {
	if len(pattern) == 0 || len(line) < 2 {
		return [][]point{line}
	}
	var out [][]point
	on, i, left := true, 0, pattern[0]
	now := []point{line[0]}
	for k := 1; k < len(line); k++ {
		from, to := line[k-1], line[k]
		for {
			rest := math.Hypot(to.x-from.x, to.y-from.y)
			if rest <= left {
				left -= rest
				if on {
					now = append(now, to)
				}
				break
			}
			from = point{from.x + (to.x-from.x)*left/rest, from.y + (to.y-from.y)*left/rest}
			if on {
				out = append(out, append(now, from))
			}
			i = (i + 1) % len(pattern)
			on, left, now = !on, pattern[i], []point{from}
		}
	}
	if on && len(now) > 1 {
		out = append(out, now)
	}
	return out
}

// strokes is the outlines of a line of twice that width: a rectangle for each
// stretch and a circle at each bend, all the way round alike, so that where they
// overlap is covered once.
func strokes(line []point, half float64, roundEnds bool) [][]point {
	var out [][]point
	circle := func(at point) {
		const corners = 12
		var shape []point
		for i := range corners {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
			shape = append(shape, point{at.x + half*cos, at.y + half*sin})
		}
		out = append(out, shape)
	}
	for i := 1; i < len(line); i++ {
		from, to := line[i-1], line[i]
		size := math.Hypot(to.x-from.x, to.y-from.y)
		if size == 0 {
			continue
		}
		dx, dy := (to.x-from.x)/size*half, (to.y-from.y)/size*half
		out = append(out, []point{{from.x + dy, from.y - dx}, {to.x + dy, to.y - dx}, {to.x - dy, to.y + dx}, {from.x - dy, from.y + dx}})
		if i > 1 {
			circle(from)
		}
	}
	if roundEnds && len(line) > 0 {
		circle(line[0])
		circle(line[len(line)-1])
	}
	return out
}

// fonts are the Go fonts.
type fonts struct{ regular, bold *opentype.Font }

func newFonts() (*fonts, error) {
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, err
	}
	return &fonts{regular, bold}, nil
}

// write writes a text.
func (b *brush) write(e *element, p properties, v viewport, x, y float64) error {
	for name, to := range map[string]*float64{"dx": &x, "dy": &y} {
		n, err := length(e.attrs[name], 0)
		if err != nil {
			return fmt.Errorf("%s of <text>: %w", name, err)
		}
		*to += n
	}
	c, ok, err := b.color(p, "fill", "fill-opacity")
	if err != nil || !ok {
		return err
	}
	size, err := length(strings.TrimSuffix(p["font-size"], "px"), 0)
	if err != nil {
		return fmt.Errorf("font-size: %w", err)
	}
	of := b.fonts.regular
	if weight, err := strconv.Atoi(p["font-weight"]); err == nil && weight >= 600 {
		of = b.fonts.bold
	}
	face, err := opentype.NewFace(of, &opentype.FaceOptions{Size: size * pixels, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return err
	}
	defer face.Close()
	at := v.point(x, y)
	to := fixed.Point26_6{X: fixed.Int26_6(math.Round(at.x * 64)), Y: fixed.Int26_6(math.Round(at.y * 64))}
	if p["dominant-baseline"] == "central" {
		m := face.Metrics()
		to.Y += (m.Ascent - m.Descent) / 2
	}
	switch wide := font.MeasureString(face, e.text); p["text-anchor"] {
	case "middle":
		to.X -= wide / 2
	case "end":
		to.X -= wide
	}
	d := font.Drawer{Dst: b.to, Src: image.NewUniform(c), Face: face, Dot: to}
	d.DrawString(e.text)
	return nil
}
