package reports

import (
	"math"
	"time"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// second is one load entry in one second: means over the trials that a
// row's figures are of.
type second struct {
	trials                               float64 // that lasted so long
	planned, inSLO, failed, sent, flying float64
	p99                                  []float64 // ms, of the trials in which a call ended OK
	spread                               map[int]float64
}

// seconds reads the row's whole seconds of measurement.
func (t *table) seconds(r *row) []second { return t.secondsOf(r.trials(), true) }

// secondsOf reads those of any trials, with how responses were spread or not.
func (t *table) secondsOf(trials []*result.Trial, spread bool) []second {
	var out []second
	for _, trial := range trials {
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
	notes = append(notes, t.provisos(d)...)
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
		out = append(out, figure{name: name(f.name), title: f.title + ", " + t.plotted(), notes: notes, plot: p, row: -1})
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
