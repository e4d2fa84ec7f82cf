package plot

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
)

func drawn(t *testing.T, p Plot, notes ...string) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := PNG(&b, p, "title", notes...); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// near says whether a colour is that of the theme, drawn over white with that
// opacity.
func near(c color.Color, hex string, opacity float64) bool {
	want, _, err := parseColor(hex)
	if err != nil {
		panic(err)
	}
	r, g, b, _ := c.RGBA()
	for _, pair := range [][2]float64{{float64(r >> 8), float64(want.R)}, {float64(g >> 8), float64(want.G)}, {float64(b >> 8), float64(want.B)}} {
		if math.Abs(pair[0]-(255+(pair[1]-255)*opacity)) > 3 {
			return false
		}
	}
	return true
}

// Everything lies where the SVG file has it, in its colour: lines, their dots and
// bands, shades, marks, cells, bars.
func TestPNGDrawsWhatTheSVGHas(t *testing.T) {
	lines := Lines{
		Height: 200, X: Axis{Max: 10}, Y: Axis{Max: 10}, Shades: []Shade{{0, 2}}, Marks: []Mark{{At: 9, Label: "SLO"}},
		Lines: []Line{
			{Color: 1, Points: []Point{{0, 5}, {10, 5}}, Band: []Range{{0, 4, 7}, {10, 4, 7}}},
			{Color: 2, Points: []Point{{0, 1}, {6, 1}}, Head: true},
			{Color: 8, Points: []Point{{3, 3}, {10, 3}}}, // the first colour again, dashed
		},
	}
	m := drawn(t, lines)
	// The frame of the picture: as Standalone places it.
	left, top, width, height := 61.0, float64(edge+titleHeight+keyHeight+30), float64(fileWidth-61-12-edge/2), 200.0
	at := func(x, y float64) color.Color { // of the axes
		return m.At(int(pixels*(left+width*x/10)), int(pixels*(top+height*(1-y/10))))
	}
	for name, one := range map[string]struct {
		c       color.Color
		hex     string
		opacity float64
	}{
		"nothing":  {at(7.3, 7.7), "#fff", 1},
		"line":     {at(7.3, 5), light[1], 1},
		"band":     {at(7.3, 6.5), light[1], .14},
		"shade":    {at(1.1, 8.2), "#b45309", .13},
		"dot":      {m.At(int(pixels*(left+width*0.6)+7), int(pixels*(top+height*0.9))), light[2], 1}, // beyond the line's end
		"no dot":   {at(6.3, 1), "#fff", 1},
		"clipped":  {m.At(int(pixels*(left+width))+1, int(pixels*(top+height*0.5))), "#fff", 1}, // beside the frame
		"gridline": {at(7.3, 10), "#d8dee4", 1},
	} {
		if !near(one.c, one.hex, one.opacity) {
			t.Errorf("%s: %v, want %s × %v", name, one.c, one.hex, one.opacity)
		}
	}
	on, off := 0, 0
	for x := 3.1; x < 9.9; x += 0.002 {
		switch c := at(x, 3); {
		case near(c, light[0], 1):
			on++
		case near(c, "#fff", 1):
			off++
		}
	}
	if on < 1000 || off < 500 || on < off {
		t.Errorf("a line that is dashed 7 to 4: %d places on, %d off", on, off)
	}

	heat := drawn(t, Heat{Height: 200, X: Axis{Max: 2}, Y: Axis{Scale: Log, Min: 1, Max: 100}, Top: 1, Cells: [][]float64{{0, 1}, {1, 0}}})
	top = float64(edge + titleHeight + 30)
	at = func(x, y float64) color.Color { return heat.At(int(pixels*(left+width*x)), int(pixels*(top+height*y))) }
	if !near(at(.25, .25), "#0b4f8a", 1) || !near(at(.75, .75), "#0b4f8a", 1) || !near(at(.25, .75), "#fff", 1) {
		t.Errorf("cells: %v %v %v", at(.25, .25), at(.75, .75), at(.25, .75))
	}
	bars := drawn(t, Bars{Rows: []Bar{{Label: "a", Color: 3, Parts: []Share{{"b0", 0.25}, {"b1", 0.75}}}}})
	y := pixels * (edge + titleHeight + 2 + 19 + 4)
	if c := bars.At(pixels*(edge+60), y); !near(c, light[3], 1) {
		t.Errorf("a bar is %v", c)
	}
	if c := bars.At(pixels*(edge+300), y); !near(c, light[3], .62) {
		t.Errorf("its second part is %v", c)
	}
}

// Letters are drawn, in their weight and at their side.
func TestPNGWrites(t *testing.T) {
	ink := func(m image.Image, r image.Rectangle) (n int) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				if c, _, _, _ := m.At(x, y).RGBA(); c < 0x8000 {
					n++
				}
			}
		}
		return n
	}
	p := every()[0]
	with, without := drawn(t, p, "a note − of 3 µs × 2 ≤ …"), drawn(t, p)
	bottom := without.Bounds().Dy() - pixels*edge
	if n := ink(with, image.Rect(0, bottom, 1000, with.Bounds().Dy())); n < 200 {
		t.Errorf("a note of %d dark pixels", n)
	}
	if with.Bounds().Dy() != without.Bounds().Dy()+pixels*keyHeight || with.Bounds().Dx() != pixels*fileWidth {
		t.Errorf("%v, without a note %v", with.Bounds(), without.Bounds())
	}
}

func TestPNGOfEvery(t *testing.T) {
	for i, p := range every() {
		var b bytes.Buffer
		if err := PNG(&b, p, nasty, nasty); err != nil {
			t.Errorf("plot %d: %v", i, err)
		}
	}
	full := errors.New("full")
	if err := PNG(failing{full}, every()[0], "t"); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}

// What of SVG is not known is an error: no picture lacks what its file has.
func TestPNGKnowsNothingElse(t *testing.T) {
	for _, inner := range []string{
		`<circle r="3"/>`, `<path d="M0 0C1 1 2 2 3 3"/>`, `<path d="M0 0L1"/>`, `<path d="Q"/>`, `<rect fill="red"/>`, `<rect x="1em"/>`,
		`<svg width="1" height="1" viewBox="0 0 1 1"/>`, `<svg width="1" height="1" viewBox="0 0 1" preserveAspectRatio="none"/>`,
		`<text dx="a">x</text>`, `<line stroke="#000" stroke-width="w"/>`, `<line stroke="#000" stroke-dasharray="a b"/>`,
	} {
		file := `<svg width="10" height="10"><style>` + Theme(":root") + Style + `</style>` + inner + `</svg>`
		if _, err := rasterize([]byte(file)); err == nil {
			t.Errorf("%s is drawn", inner)
		}
	}
	for _, file := range []string{"", "<svg>", `<svg width="a" height="1"></svg>`, strings.Repeat("<g>", 3)} {
		if _, err := rasterize([]byte(file)); err == nil {
			t.Errorf("%q is drawn", file)
		}
	}
}
