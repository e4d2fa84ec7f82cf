package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func labels(ticks []tick) []string {
	var out []string
	for _, t := range ticks {
		out = append(out, t.label)
	}
	return out
}

func TestTicks(t *testing.T) {
	for name, c := range map[string]struct {
		axis Axis
		want []string
	}{
		"linear":             {Axis{Max: 600}, []string{"0", "200", "400", "600"}},
		"linear, fraction":   {Axis{Max: 0.9}, []string{"0", "0.5"}},
		"linear, not from 0": {Axis{Min: 3, Max: 21}, []string{"5", "10", "15", "20"}},
		"log":                {Axis{Scale: Log, Min: 2, Max: 50}, []string{"2", "5", "10", "20", "50"}},
		"log, wide":          {Axis{Scale: Log, Min: 0.1, Max: 100}, []string{"0.1", "0.3", "1", "3", "10", "30", "100"}},
		"log, very wide":     {Axis{Scale: Log, Min: 0.001, Max: 60_000}, []string{"0.001", "0.01", "0.1", "1", "10", "100", "1,000", "10,000"}},
		"nines":              {Axis{Scale: Nines, Min: 0.02, Max: 3.2}, []string{"50 %", "90 %", "99 %", "99.9 %"}},
		"empty":              {Axis{Min: 5, Max: 5}, nil},
		"endless":            {Axis{Max: math.Inf(1)}, nil},
		"no logarithm":       {Axis{Scale: Log, Min: 0, Max: 5}, nil},
	} {
		got := c.axis.ticks(4)
		if !slices.Equal(labels(got), c.want) {
			t.Errorf("%s: %q, want %q", name, labels(got), c.want)
		}
		for i, tick := range got {
			if tick.at < 0 || tick.at > 1 || i > 0 && tick.at <= got[i-1].at {
				t.Errorf("%s: %q lies at %v", name, tick.label, tick.at)
			}
		}
	}
}

func TestAt(t *testing.T) {
	log := Axis{Scale: Log, Min: 1, Max: 100}
	for v, want := range map[float64]float64{1: 0, 10: 0.5, 100: 1, 1e9: 1, 0.001: 0, -3: 0} {
		if got := log.at(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v lies at %v, want %v", v, got, want)
		}
	}
	if got := (Axis{Min: 10, Max: 20}).at(12.5); got != 0.25 {
		t.Errorf("12.5 of 10 to 20 lies at %v", got)
	}
}

func TestRanges(t *testing.T) {
	for v, want := range map[float64]float64{0.9: 1, 1: 1, 1.1: 2, 4.9: 5, 5.1: 10, 230: 500, 0: 1, -4: 1} {
		if got := NiceStep(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("NiceStep(%v) = %v, want %v", v, got, want)
		}
	}
	for _, c := range [][4]float64{{0.21, 97, 0.2, 100}, {2, 2, 2, 5}, {7, 11, 5, 20}} {
		if low, high := LogRange(c[0], c[1]); math.Abs(low-c[2]) > 1e-12 || math.Abs(high-c[3]) > 1e-12 {
			t.Errorf("LogRange(%v, %v) = %v, %v", c[0], c[1], low, high)
		}
	}
	for v, want := range map[float64]string{0: "0", 1500: "1,500", -2000: "−2,000", 0.25: "0.25", 1e6: "1,000,000", 0.1 + 0.2: "0.3"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestPath(t *testing.T) {
	p := Lines{X: Axis{Max: 10}, Y: Axis{Max: 100}}
	for name, c := range map[string]struct {
		points []Point
		want   string
	}{
		"a line":                {[]Point{{0, 0}, {5, 50}, {10, 100}}, "M0 10000l5000 -5000l5000 -5000"},
		"a gap":                 {[]Point{{0, 0}, {1, math.NaN()}, {2, 100}, {3, 100}}, "M0 10000M2000 0l1000 0"},
		"it rises and ends":     {[]Point{{0, 0}, {5, 50}, {6, math.Inf(1)}, {7, 3}}, "M0 10000l5000 -5000H6000V0"},
		"all failed":            {[]Point{{2, math.Inf(1)}, {7, 3}}, "M2000 0"},
		"nothing":               {[]Point{{2, math.NaN()}}, ""},
		"outside is at the end": {[]Point{{0, 200}, {20, -5}}, "M0 0l10000 10000"},
	} {
		if got := p.path(c.points); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	band := p.band([]Range{{0, 10, 20}, {5, 40, math.Inf(1)}})
	if band != "M0 8000L5000 0L5000 6000L0 9000z" {
		t.Errorf("the band is %s", band)
	}
	if p.band([]Range{{0, 1, 2}}) != "" {
		t.Error("a band of one place")
	}
}

// Cells of one level in a row are one piece, rows count from the bottom, and
// the fewest calls are still seen.
func TestHeat(t *testing.T) {
	p := Heat{Cells: [][]float64{{1, 100}, {1, 100}, {0, 25}, nil}, Top: 100}
	paths := p.paths(2)
	for level, want := range map[int]string{1: "M0 1h2v1h-2z", 4: "M2 0h1v1h-1z", 8: "M0 0h2v1h-2z"} {
		if paths[level] != want {
			t.Errorf("level %d: %s, want %s", level, paths[level], want)
		}
	}
	if all := strings.Join(paths[:], ""); strings.Count(all, "M") != 3 || paths[0] != "" {
		t.Errorf("all paths: %q", paths)
	}
}

// Lines that share a colour are dashed in different ways.
func TestClassesDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := range Colors * len(dashes) {
		if before, twice := seen[Class(i)]; twice {
			t.Errorf("%d looks like %d: %s", i, before, Class(i))
		}
		seen[Class(i)] = i
	}
	for class := range seen {
		for part := range strings.FieldsSeq(class) {
			if !strings.Contains(Style, "."+part) {
				t.Errorf("no style for %s", part)
			}
		}
	}
}

const nasty = `</text><script>alert(1)</script>"'&`

func every() []Plot {
	line := Line{Label: nasty, Points: []Point{{0, 1}, {1, 2}}, Band: []Range{{0, 1, 2}, {1, 2, 3}}}
	x, y := Axis{Title: nasty, Unit: nasty, Max: 1}, Axis{Title: nasty, Unit: nasty, Max: 3}
	return []Plot{
		Lines{Title: nasty, Height: 100, X: x, Y: y, Lines: []Line{line}, Shades: []Shade{{0, 0.5}}, Marks: []Mark{{2, nasty}}},
		Heat{Title: nasty, Height: 100, X: x, Y: y, Cells: [][]float64{{1}}, Top: 1, Shades: []Shade{{0, 0.5}}, Marks: []Mark{{2, nasty}}},
		Bars{Title: nasty, Even: 2, Rows: []Bar{{Label: nasty, Note: nasty, Parts: []Share{{nasty, 0.5}, {"b1", 0.5}}}}},
	}
}

// Text is escaped wherever it stands, and both forms are well-formed.
func TestEscapes(t *testing.T) {
	for i, p := range every() {
		var file bytes.Buffer
		if err := Standalone(&file, p, nasty, nasty); err != nil {
			t.Fatal(err)
		}
		for where, text := range map[string]string{"inline": Inline(p), "file": file.String()} {
			scripts := 0
			decoder := xml.NewDecoder(strings.NewReader(text))
			for {
				token, err := decoder.Token()
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("plot %d, %s: %v:\n%s", i, where, err, text)
				}
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
					scripts++
				}
			}
			if scripts > 0 || !strings.Contains(text, "&lt;script&gt;") {
				t.Errorf("plot %d, %s: not escaped:\n%s", i, where, text)
			}
		}
	}
}

func TestStandaloneKeepsTheWritersError(t *testing.T) {
	full := errors.New("full")
	if err := Standalone(failing{full}, every()[0], "t"); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
