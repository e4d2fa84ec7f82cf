package reports

import (
	"math"
	"slices"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// spectrum is response by percentile: each row's median over its trials, with
// the interval around it.
func (t *table) spectrum(d detail, name func(string) string) []figure {
	lines, trials := t.spectrumLines(d)
	p, any := t.spectrumPlot(lines)
	if !any {
		return nil
	}
	return []figure{{name: name("spectrum"), title: p.Title, notes: append(t.spectrumNotes(lines, trials), t.provisos(d)...), plot: p, row: -1}}
}

// spectrumNotes say what lines and bands are, of so many trials each.
func (t *table) spectrumNotes(lines []plot.Line, trials []int) []string {
	notes := []string{"Lines: medians over the trials."}
	switch least := slices.Min(trials); {
	case slices.Max(trials) == 1 && !slices.ContainsFunc(lines, func(l plot.Line) bool { return len(l.Band) > 0 }):
		notes = append(notes, "No bands: a single trial has no intervals from less than 8 whole seconds.")
	case slices.Max(trials) == 1:
		notes = append(notes, "Bands: 95 % intervals within the one trial.")
	case least >= 6:
		notes = append(notes, "Bands: 95 % intervals of the medians.")
	default:
		notes = append(notes, "Bands: from the lowest to the highest trial; fewer than 6 give no interval.")
	}
	if !t.allOK() {
		notes = append(notes, "A line that rises to the top has only failed calls to its right.")
	}
	return notes
}

// spectrumLines are the rows' lines, and how many trials each is of.
func (t *table) spectrumLines(d detail) (lines []plot.Line, trials []int) {
	for _, i := range t.drawn(d) {
		r := &t.rows[i]
		l := plot.Line{Label: r.label, Color: r.place, Class: r.class()}
		if l.Points, l.Band = r.spectrum(d.quantiles); len(l.Points) > 0 {
			lines = append(lines, l)
			trials = append(trials, len(r.samples))
		}
	}
	return lines, trials
}

// spectrumPlot is the plot that the lines need; any is false where there is
// nothing to draw.
func (t *table) spectrumPlot(lines []plot.Line) (p plot.Lines, any bool) {
	low, high, last := math.Inf(1), 0.0, 0.0
	for _, l := range lines {
		for _, p := range l.Points {
			if !math.IsInf(p.Y, 1) {
				low, high = min(low, p.Y), max(high, p.Y)
			}
			last = max(last, p.X)
		}
	}
	// Nothing to draw where every call of all of them failed.
	if len(lines) == 0 || last <= leastNines || high == 0 {
		return p, false
	}
	p = plot.Lines{
		Title: "Response of " + t.plotted() + " by percentile", Height: 340, Lines: lines, Marks: t.sloMark(),
		X: plot.Axis{Title: "percentile of planned calls", Unit: "%", Scale: plot.Nines, Min: leastNines, Max: last},
		Y: plot.Axis{Title: "response, ms", Unit: "ms", Scale: plot.Log},
	}
	p.Y.Min, p.Y.Max = plot.LogRange(max(low, 1e-4), max(high, 2e-4))
	return p, true
}

// leastNines is where a spectrum begins: at the 5th percentile. The few fastest
// calls would take half of a logarithmic axis.
const leastNines = 0.0222763947 // −log₁₀ 0.95

// spectrum is the row's quantiles in ms at n places up to as many nines as its
// trials can show.
func (r *row) spectrum(n int) ([]plot.Point, []plot.Range) {
	type trial struct {
		histogram *result.Histogram
		series    *result.Series
	}
	var trials []trial
	nines := 0.0
	for _, s := range r.samples {
		h, err := s.Series.Latency[result.Response].Histogram()
		if err != nil {
			continue // the figures stand in the table all the same
		}
		trials = append(trials, trial{h, s.Series})
		nines = max(nines, math.Log10(float64(s.Series.Planned)/-math.Log(0.025)))
	}
	if nines <= leastNines {
		return nil, nil
	}
	at := func(i int) float64 { return leastNines + (nines-leastNines)*float64(i)/float64(n) }
	qs := make([]float64, n+1)
	for i := range qs {
		qs[i] = 1 - math.Pow(10, -at(i))
	}
	values := make([][]*int64, len(trials))
	for i, t := range trials {
		values[i] = t.histogram.Quantiles(t.series.Planned, qs...)
	}
	var points []plot.Point
	var band []plot.Range
	for i, q := range qs {
		var each []float64
		for j, t := range trials {
			if t.series.Planned < stats.MinSamples(q) {
				continue
			}
			ns := math.Inf(1)
			if v := values[j][i]; v != nil {
				ns = float64(*v)
			}
			each = append(each, ns/1e6)
		}
		if 2*len(each) <= len(trials) {
			break
		}
		slices.Sort(each)
		x := at(i)
		points = append(points, plot.Point{X: x, Y: stats.Median(each)})
		if len(each) == 1 {
			// Every third will do: each takes a while.
			if i%3 == 0 {
				if size, known := stats.EffectiveSize(r.trial(trials[0].series), trials[0].series, q); known {
					in := stats.QuantileInterval(trials[0].histogram, trials[0].series.Planned, size, q, stats.Level)
					band = append(band, plot.Range{X: x, Low: in.Low / 1e6, High: in.High / 1e6})
				}
			}
		} else {
			low, high := stats.QuantileRanks(int64(len(each)), 0.5, stats.Level)
			low, high = max(1, low), min(int64(len(each)), high)
			band = append(band, plot.Range{X: x, Low: each[low-1], High: each[high-1]})
		}
		if math.IsInf(points[len(points)-1].Y, 1) {
			break
		}
	}
	return points, band
}

// trial is the trial that a series is of.
func (r *row) trial(s *result.Series) *result.Trial {
	for i := range r.variant.Trials {
		t := &r.variant.Trials[i]
		for j := range t.Series {
			if &t.Series[j] == s {
				return t
			}
		}
	}
	return &result.Trial{}
}
