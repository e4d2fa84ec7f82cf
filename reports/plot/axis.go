// Package plot draws line plots, heatmaps and bars as SVG. It knows nothing of
// results: it is given figures and clean text, and escapes the text.
//
// A plot is drawn once for two places. Inline is a part of an HTML page: as
// wide as there is room, with colours from the page's style sheet. Standalone
// is a whole SVG file. In both, everything inside the plot's frame is placed in
// per cent and only lines of data are scaled, so that text is never squeezed.
package plot

import (
	"math"
	"strconv"
	"strings"
)

// Scale is how an axis turns values into places.
type Scale int

// The scales. On Nines a value is −log₁₀(1−q) of a quantile q: 1 is 90 %, 2 is
// 99 %, 3 is 99.9 %.
const (
	Linear Scale = iota
	Log
	Nines
)

// Axis is one axis of a plot: from Min to Max, which is above it. On a Log axis
// both are above 0.
type Axis struct {
	Title    string
	Unit     string // of a value that is read off
	Scale    Scale
	Min, Max float64
}

// at is where a value lies: 0 at Min, 1 at Max. What is outside lies at the
// nearer end.
func (a Axis) at(v float64) float64 {
	low, high := a.Min, a.Max
	if a.Scale == Log {
		v, low, high = math.Log(max(v, low)), math.Log(low), math.Log(high)
	}
	if high <= low {
		return 0
	}
	return min(1, max(0, (v-low)/(high-low)))
}

// tick is one mark of an axis.
type tick struct {
	at    float64
	label string
}

// ticks are the axis's marks, about as many as asked for.
func (a Axis) ticks(about int) []tick {
	var out []tick
	if span := a.Max - a.Min; !(span > 0) || math.IsInf(span, 0) || a.Scale == Log && !(a.Min > 0) {
		return nil
	}
	add := func(v float64, label string) {
		// A little slack, for steps that do not add up exactly.
		if slack := (a.Max - a.Min) * 1e-9; v >= a.Min-slack && v <= a.Max+slack {
			out = append(out, tick{a.at(v), label})
		}
	}
	switch a.Scale {
	case Nines:
		for _, q := range []struct {
			nines float64
			label string
		}{{0, "0"}, {math.Log10(2), "50"}, {1, "90"}, {2, "99"}, {3, "99.9"}, {4, "99.99"}, {5, "99.999"}, {6, "99.9999"}} {
			add(q.nines, q.label+" %")
		}
	case Log:
		steps := []float64{1, 2, 5}
		switch decades := math.Log10(a.Max / a.Min); {
		case decades > 4:
			steps = []float64{1}
		case decades > 2.5:
			steps = []float64{1, 3}
		}
		for e := math.Floor(math.Log10(a.Min)); e <= math.Log10(a.Max); e++ {
			for _, s := range steps {
				v := s * math.Pow(10, e)
				add(v, Number(v))
			}
		}
	default:
		step := NiceStep((a.Max - a.Min) / float64(about))
		for i := math.Ceil(a.Min/step - 1e-9); i*step <= a.Max+step*1e-9; i++ {
			add(i*step, Number(i*step))
		}
	}
	return out
}

// NiceStep is the least of 1, 2 and 5 times a power of ten that is at least v.
func NiceStep(v float64) float64 {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*base >= v*(1-1e-9) {
			return m * base
		}
	}
	return 10 * base
}

// LogRange widens low and high, both above 0, to values that can stand at the
// ends of a Log axis.
func LogRange(low, high float64) (float64, float64) {
	down, up := low, high
	for _, m := range []float64{1, 2, 5} {
		if v := m * math.Pow(10, math.Floor(math.Log10(low))); v <= low*(1+1e-9) {
			down = v
		}
	}
	up = NiceStep(high)
	if up <= down {
		up = NiceStep(down * 1.5)
	}
	return down, up
}

// Number writes a value as an axis does: 0.5, 20, 1,500.
func Number(v float64) string {
	text := strconv.FormatFloat(math.Abs(v), 'g', 6, 64)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	var b strings.Builder
	if v < 0 && text != "0" {
		b.WriteString("−")
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}
