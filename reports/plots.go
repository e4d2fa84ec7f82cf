package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// figure is one plot of a result. Its text is clean and not yet escaped.
type figure struct {
	name  string // of a file and for --part: unique in the result
	title string
	notes []string
	plot  plot.Plot
	row   int // the row that it is of alone; −1 for all
}

// gallery is the plots of one table. A part is empty where the result has not
// what it shows.
type gallery struct {
	spectrum []figure // one or none
	overTime []figure
	heat     []figure // one for each row
	backends []figure // one or none
}

// all is every figure, in the order of display.
func (g *gallery) all() []figure {
	return slices.Concat(g.spectrum, g.overTime, g.heat, g.backends)
}

// detail bounds how much is drawn, so that a page of many variants stays small.
type detail struct {
	quantiles int // points of a spectrum
	seconds   int // points of a line over time
	columns   int // of a heatmap
	rows      int // tables' rows that are drawn
}

// fine is the detail of a plot in a file of its own.
func fine(rows int) detail { return detail{quantiles: 120, seconds: 240, columns: 120, rows: rows} }

// shared is the detail of each of n rows' plots where they share a page: about
// 6 KB each of them, or more where they are few.
func shared(n int, level float64) detail {
	part := min(1, level*16/float64(max(1, n)))
	scale := func(most, least int) int { return max(least, int(part*float64(most))) }
	return detail{quantiles: scale(100, 24), seconds: scale(180, 24), columns: scale(96, 16), rows: max(8, int(level*96))}
}

// galleries draws all that can be drawn of the result, a gallery for each
// table.
func galleries(r *result.Result, tables []table, d detail) []gallery {
	out := make([]gallery, len(tables))
	names := unique{}
	for i := range tables {
		t := &tables[i]
		var parts []string
		if len(entries(r)) > 1 {
			parts = append(parts, safe(t.entry))
		}
		for _, c := range t.conditions {
			parts = append(parts, safe(c))
		}
		prefix := ""
		if len(parts) > 0 {
			prefix = fileName(strings.Join(parts, "."), 100) + "."
		}
		name := func(s string) string { return names.name(prefix + s) }
		out[i] = gallery{spectrum: t.spectrum(d, name), overTime: t.overTime(d, name), heat: t.heat(d, name), backends: t.backends(d, name)}
	}
	return out
}

// drawn is the rows that are drawn: the first ones, and the baseline.
func (t *table) drawn(d detail) []int {
	var out []int
	for i := range t.rows {
		if len(out) < d.rows || &t.rows[i] == t.baseline {
			out = append(out, i)
		}
	}
	return out
}

// undrawn says how many rows are not.
func (t *table) undrawn(d detail) []string {
	if n := len(t.rows) - len(t.drawn(d)); n > 0 {
		return []string{plural(n, "more variant") + " not drawn"}
	}
	return nil
}

// class is that of all that belongs to a row.
func (r *row) class() string { return "r" + strconv.Itoa(r.place) }

// plotted is what a plot's title says of its table.
func (t *table) plotted() string {
	text := t.subject()
	if len(t.conditions) > 0 {
		text += ", " + strings.Join(t.conditions, ", ")
	}
	return text
}

// sloMark is the SLO as a line across a plot of times in ms, where all rows
// have the same.
func (t *table) sloMark() []plot.Mark {
	if _, same := t.common(ofSLO); !same || t.rows[0].load.SLONS == 0 {
		return nil
	}
	return []plot.Mark{{At: ms(t.rows[0].load.SLONS), Label: "SLO " + setting(t.rows[0].load.SLONS)}}
}

// spectrum is response by percentile: each row's median over its trials, with
// the interval around it.
func (t *table) spectrum(d detail, name func(string) string) []figure {
	lines, trials := t.spectrumLines(d)
	p, any := t.spectrumPlot(lines)
	if !any {
		return nil
	}
	return []figure{{name("spectrum"), p.Title, append(t.spectrumNotes(lines, trials), t.undrawn(d)...), p, -1}}
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

// second is one load entry in one second: means over a row's trials.
type second struct {
	trials                               float64 // that lasted so long
	planned, inSLO, failed, sent, flying float64
	p99                                  []float64 // ms, of the trials in which a call ended OK
	spread                               map[int]float64
}

// seconds reads the row's whole seconds of measurement.
func (t *table) seconds(r *row) []second { return t.secondsOf(r.variant.Trials, true) }

// secondsOf reads those of any trials, with how responses were spread or not.
func (t *table) secondsOf(trials []result.Trial, spread bool) []second {
	var out []second
	for i := range trials {
		trial := &trials[i]
		for j := range trial.Intervals {
			in := &trial.Intervals[j]
			// The last second may be cut short, and the drain's are not whole.
			if in.Second < 0 || in.Second >= longestMeasure || time.Duration(in.Second+1)*time.Second > time.Duration(trial.MeasuredNS) {
				continue
			}
			for k := range in.Series {
				s := &in.Series[k]
				if s.Name != t.entry {
					continue
				}
				for len(out) <= in.Second {
					out = append(out, second{})
				}
				o := &out[in.Second]
				o.trials++
				o.planned += float64(s.Planned)
				o.inSLO += float64(s.InSLO)
				o.failed += float64(s.Failed)
				o.sent += float64(s.Attempts)
				o.flying += float64(s.InFlight)
				if s.OK > 0 && s.P99NS > 0 {
					o.p99 = append(o.p99, ms(s.P99NS))
				}
				if spread && s.Spread != nil {
					if o.spread == nil {
						o.spread = map[int]float64{}
					}
					for class, n := range s.Spread.Counts {
						o.spread[s.Spread.First+class] += float64(n)
					}
				}
			}
		}
	}
	return out
}

// merged makes at most n of the seconds, neighbours together; per is how many
// make one.
func mergedSeconds(all []second, per int) []second {
	if per <= 1 {
		return all
	}
	var out []second
	for i := 0; i < len(all); i += per {
		var sum second
		for _, s := range all[i:min(i+per, len(all))] {
			sum.trials += s.trials
			sum.planned += s.planned
			sum.inSLO += s.inSLO
			sum.failed += s.failed
			sum.sent += s.sent
			sum.flying += s.flying
			sum.p99 = append(sum.p99, s.p99...)
			for class, n := range s.spread {
				if sum.spread == nil {
					sum.spread = map[int]float64{}
				}
				sum.spread[class] += n
			}
		}
		out = append(out, sum)
	}
	return out
}

// mostShades is how many windows of one fault are shaded: more would be a
// shade over everything.
const mostShades = 60

// shades are the faults that every row has, as far as they begin or end
// within the measurement, and when endpoints joined or left; and what to say of
// them.
func (t *table) shades(length float64) (shades []plot.Shade, notes []string) {
	measured := time.Duration(length * float64(time.Second))
	for _, f := range t.faults() {
		all := stats.Windows(f, measured)
		// A fault that is always there marks nothing.
		if len(all) == 0 || len(all) > mostShades || all[0].From <= 0 && all[0].To >= measured {
			continue
		}
		for _, w := range all {
			// What happens at a moment is still to be seen.
			to := max(w.To.Seconds(), w.From.Seconds()+length/300)
			shades = append(shades, plot.Shade{From: w.From.Seconds(), To: min(length, to)})
		}
		notes = append(notes, faultName(f)+" "+faultTime(f))
	}
	var within []result.Churn
	for _, change := range t.churn() {
		if at := time.Duration(change.AtNS).Seconds(); at >= 0 && at < length && len(within) < mostShades {
			within = append(within, change)
			shades = append(shades, plot.Shade{From: at, To: min(length, at+length/300)})
		}
	}
	notes = append(notes, churnItems(within)...)
	if len(notes) > 0 {
		notes = []string{"Shaded: " + listed(notes, 4) + "."}
	}
	return shades, notes
}

// overTime is rate, goodput, p99, errors, attempts and calls in flight by second; nothing where
// the measurement is too short to have a shape.
func (t *table) overTime(d detail, name func(string) string) []figure {
	all, length := t.timelines(d)
	if length < shortestChart {
		return nil
	}
	return t.overTimePlots(d, all, length, name)
}

// timeline is a row by second. One of a trial that is under way ends in a dot.
type timeline struct {
	label   string
	row     int
	seconds []second
	head    bool
}

// timelines are those of the rows that are drawn, and the length of the longest.
func (t *table) timelines(d detail) (all []timeline, length int) {
	for _, i := range t.drawn(d) {
		one := timeline{label: t.rows[i].label, row: i, seconds: t.seconds(&t.rows[i])}
		length = max(length, len(one.seconds))
		all = append(all, one)
	}
	return all, length
}

// overTimePlots draws them over so many seconds.
func (t *table) overTimePlots(d detail, all []timeline, length int, name func(string) string) []figure {
	per := (length + d.seconds - 1) / d.seconds
	shades, notes := t.shades(float64(length))
	if per > 1 {
		notes = append(notes, "A point is "+count(int64(per))+" s.")
	}
	notes = append(notes, t.undrawn(d)...)
	rate := func(of func(second) float64) func(second) float64 {
		return func(s second) float64 {
			if s.trials == 0 {
				return math.NaN()
			}
			return of(s) / s.trials
		}
	}
	var out []figure
	for _, f := range []struct {
		name, title, axis, unit string
		scale                   plot.Scale
		of                      func(second) float64
	}{
		{"rate", "Calls due", "calls/s", "/s", plot.Linear, rate(func(s second) float64 { return s.planned })},
		{"goodput", t.goodputTitle(), "calls/s", "/s", plot.Linear, rate(func(s second) float64 { return s.inSLO })},
		{"p99", "p99 of the calls that ended OK", "ms", "ms", plot.Log, func(s second) float64 { return stats.Median(s.p99) }},
		{"errors", "Failed calls", "calls/s", "/s", plot.Linear, rate(func(s second) float64 { return s.failed })},
		{"attempts", "Attempts", "attempts/s", "/s", plot.Linear, rate(func(s second) float64 { return s.sent })},
		{"in-flight", "Calls in flight at the second's end", "calls", "calls", plot.Linear, rate(func(s second) float64 { return s.flying })},
	} {
		p := plot.Lines{
			Title: f.title + ", " + t.plotted() + ", by second", Height: 180, Shades: shades,
			X: plot.Axis{Title: "seconds of the measurement", Unit: "s", Max: float64(length)},
			Y: plot.Axis{Title: f.axis, Unit: f.unit, Scale: f.scale},
		}
		low, high := math.Inf(1), 0.0
		for _, one := range all {
			r := &t.rows[one.row]
			l := plot.Line{Label: one.label, Color: r.place, Class: r.class(), Head: one.head}
			if one.head {
				l.Class = "now " + l.Class
			}
			for j, s := range mergedSeconds(one.seconds, per) {
				v := f.of(s)
				// In the middle of what it is of.
				l.Points = append(l.Points, plot.Point{X: math.Min(float64(length), (float64(j)+0.5)*float64(per)), Y: v})
				if v > 0 && !math.IsInf(v, 1) {
					low, high = min(low, v), max(high, v)
				}
			}
			p.Lines = append(p.Lines, l)
		}
		if f.scale == plot.Log {
			if high == 0 {
				continue // nothing ended OK
			}
			p.Y.Min, p.Y.Max = plot.LogRange(low, high)
			p.Marks = t.sloMark()
		} else {
			step := plot.NiceStep(max(high, 1) / 4)
			p.Y.Max = math.Ceil(max(high, 1)/step*1.0001) * step
		}
		out = append(out, figure{name(f.name), f.title + ", " + t.plotted(), notes, p, -1})
	}
	return out
}

// goodputTitle says what counts as good.
func (t *table) goodputTitle() string {
	switch within, slo := t.within(); slo {
	case everySLO:
		return "Goodput: calls within the SLO"
	case someSLO:
		return "Goodput: calls within the SLO, or " + within
	default:
		return "Goodput: calls " + within
	}
}

// heat is a heatmap of response for each row, on the same axes and shades.
func (t *table) heat(d detail, name func(string) string) []figure {
	rows := t.drawn(d)
	all := make([][]second, len(rows))
	length, first, last := 0, math.MaxInt, -1
	for i, row := range rows {
		all[i] = t.seconds(&t.rows[row])
		length = max(length, len(all[i]))
		for _, s := range all[i] {
			for class, n := range s.spread {
				if n > 0 && class >= 0 && class < spreadClasses {
					first, last = min(first, class), max(last, class)
				}
			}
		}
	}
	if length < shortestChart || last < 0 {
		return nil
	}
	per := (length + d.columns - 1) / d.columns
	cells, top := make([][][]float64, len(rows)), 0.0
	for i := range rows {
		for _, s := range mergedSeconds(all[i], per) {
			column := make([]float64, last-first+1)
			for class := range column {
				if s.trials > 0 {
					column[class] = s.spread[first+class] / s.trials
					top = max(top, column[class])
				}
			}
			cells[i] = append(cells[i], column)
		}
		for len(cells[i]) < (length+per-1)/per {
			cells[i] = append(cells[i], nil) // a variant that was cut short
		}
	}
	shades, notes := t.shades(float64(length))
	notes = append([]string{"Darker: more calls ended OK in that second with that response."}, notes...)
	var out []figure
	for i, row := range rows {
		title := "Response over time, " + t.plotted() + ": " + t.rows[row].label
		out = append(out, figure{name("heatmap." + fileName(t.rows[row].variant.Name, 120)), title, notes, plot.Heat{
			Title: title, Height: 170, Cells: cells[i], Top: top, Shades: shades, Marks: t.sloMark(),
			X: plot.Axis{Unit: "s", Max: float64(((length + per - 1) / per) * per)},
			Y: plot.Axis{
				Title: "ms", Unit: "ms", Scale: plot.Log,
				Min: ms(result.SpreadNS(first - 1)), Max: ms(result.SpreadNS(last)),
			},
		}, row})
	}
	return out
}

// spreadClasses is more classes of a Spread than a minute has.
const spreadClasses = 200

// backends is how each row's attempts were shared among the backends.
func (t *table) backends(d detail, name func(string) string) []figure {
	p := plot.Bars{Title: "Attempts by backend, " + t.plotted()}
	for _, i := range t.drawn(d) {
		r := &t.rows[i]
		n, total := map[string]float64{}, 0.0
		var order []string
		var imbalance []float64
		for j := range r.variant.Trials {
			c := &r.variant.Trials[j].Client
			if c.Imbalance > 0 {
				imbalance = append(imbalance, c.Imbalance)
			}
			for _, pick := range c.Picks {
				if _, seen := n[pick.Backend]; !seen {
					order = append(order, pick.Backend)
				}
				n[pick.Backend] += float64(pick.Picks)
				total += float64(pick.Picks)
			}
		}
		if len(order) < 2 || total <= 0 {
			continue
		}
		bar := plot.Bar{Label: r.label, Color: r.place, Class: r.class()}
		for _, backend := range order {
			bar.Parts = append(bar.Parts, plot.Share{Label: clean(backend), Share: n[backend] / total})
		}
		if len(imbalance) > 0 {
			bar.Note = "imbalance " + separated(stats.Mean(imbalance), 2)
		}
		p.Even = max(p.Even, len(order))
		p.Rows = append(p.Rows, bar)
	}
	if len(p.Rows) == 0 {
		return nil
	}
	notes := []string{"All methods together. Dashes: even shares; imbalance is the busiest backend's attempts over an even share."}
	return []figure{{name("backends"), p.Title, append(notes, t.undrawn(d)...), p, -1}}
}
