package reports

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/shorten"
)

// chart is the goodput of each variant, second by second: the mean over the trials
// that its figures are of.
type chart struct {
	title  string
	lines  []chartLine
	faults []chartFault
	churn  []float64 // the seconds at which endpoints joined or left
	tells  string    // what to say of these
	top    float64   // the highest mean, calls per second
}

type chartLine struct {
	label string
	perS  []float64 // index: the second from t0
}

type chartFault struct {
	label    string
	from, to float64 // seconds from t0
	every    float64 // the period in seconds; 0: it happens once
}

const (
	shortestChart = 3  // seconds: below that there is no shape to see
	mostLines     = 12 // variants
	mostFaults    = 3
	longestLabel  = 24
	// longestMeasure is a day: a second beyond it is a damaged result's, and
	// would only fill the memory.
	longestMeasure = 24 * 3600
)

// newChart reads the intervals; nil where there are too few.
func (t *table) newChart() *chart {
	c := &chart{title: "goodput of " + t.subject()}
	length := 0
	for i := range t.rows {
		if i == mostLines {
			break
		}
		l := chartLine{label: t.rows[i].label, perS: t.goodput(&t.rows[i])}
		c.lines = append(c.lines, l)
		length = max(length, len(l.perS))
		for _, v := range l.perS {
			c.top = max(c.top, v)
		}
	}
	if length < shortestChart || c.top == 0 {
		return nil
	}
	for _, f := range t.faults() {
		from, to := time.Duration(f.AtNS).Seconds(), time.Duration(f.AtNS+f.ForNS).Seconds()
		if f.Lasts() {
			to = math.Inf(1)
		}
		every := time.Duration(f.EveryNS).Seconds()
		// A fault that is always there marks nothing.
		if from >= float64(length) || to <= 0 && every == 0 || from <= 0 && to >= float64(length) || len(c.faults) == mostFaults {
			continue
		}
		c.faults = append(c.faults, chartFault{label: faultName(f), from: from, to: to, every: every})
	}
	var counts []string
	for _, change := range t.churn() {
		if at := time.Duration(change.AtNS).Seconds(); at >= 0 && at < float64(length) {
			c.churn, counts = append(c.churn, at), append(counts, strconv.Itoa(len(change.Members)))
		}
	}
	c.tells = "endpoints: " + strings.Join(counts, ", ")
	return c
}

// goodput is the row's calls in SLO in each whole second of the measurement,
// averaged over the trials that lasted as long.
func (t *table) goodput(r *row) []float64 {
	var sum []float64
	var n []int
	for _, trial := range r.trials() {
		for _, interval := range trial.Intervals {
			// The last second may be cut short, and the drain's are not whole.
			if interval.Second < 0 || interval.Second >= longestMeasure || time.Duration(interval.Second+1)*time.Second > time.Duration(trial.MeasuredNS) {
				continue
			}
			for _, s := range interval.Series {
				if s.Name != t.entry {
					continue
				}
				for len(sum) <= interval.Second {
					sum, n = append(sum, 0), append(n, 0)
				}
				sum[interval.Second] += float64(s.InSLO)
				n[interval.Second]++
			}
		}
	}
	for i := range sum {
		sum[i] /= float64(max(1, n[i]))
	}
	return sum
}

// render draws the chart in at most n columns: a title and a line for each
// variant and fault.
func (c *chart) render(n int) []string {
	label, length := 0, 0
	for _, l := range c.lines {
		label, length = max(label, width(l.label)), max(length, len(l.perS))
	}
	for _, f := range c.faults {
		label = max(label, width(f.label))
	}
	if len(c.churn) > 0 {
		label = max(label, width(c.tells))
	}
	label = min(label, longestLabel)
	// Each character stands for as many seconds as it takes to fit.
	per := (length + n - label - 3) / (n - label - 2)
	out := items([]string{
		c.title + " in the SLO, 0 to " + strconv.Itoa(length) + " s",
		"a character is " + strconv.Itoa(per) + " s", "█ " + rate(c.top),
	}, n)
	var names []string
	for _, l := range c.lines {
		names = append(names, l.label)
	}
	names = shorten.All(names, label)
	for i, l := range c.lines {
		out = append(out, strings.TrimRight(pad(names[i], label)+"  "+spark(l.perS, per, c.top), " "))
	}
	for _, f := range c.faults {
		var b strings.Builder
		for at := 0; at < length; at += per {
			if f.marks(float64(at), float64(at+per)) {
				b.WriteRune('━')
			} else {
				b.WriteByte(' ')
			}
		}
		out = append(out, strings.TrimRight(pad(shorten.End(f.label, label), label)+"  "+b.String(), " "))
	}
	if len(c.churn) > 0 {
		marks := []rune(strings.Repeat(" ", (length+per-1)/per))
		for _, at := range c.churn {
			marks[int(at)/per] = '◆'
		}
		out = append(out, strings.TrimRight(pad(shorten.End(c.tells, label), label)+"  "+string(marks), " "))
	}
	return out
}

// marks reports whether a window of the fault is open at any time between.
func (f *chartFault) marks(from, to float64) bool {
	begin, end := f.from, f.to
	if f.every > 0 && from >= end {
		n := math.Floor((from-end)/f.every) + 1 // the next window that is not over
		begin, end = begin+n*f.every, end+n*f.every
	}
	return begin < to && end > from
}

// spark draws the values, averaged over `per` at a time, from blank (nothing
// at all) to a full block (top).
func spark(values []float64, per int, top float64) string {
	levels := []rune(" ▁▂▃▄▅▆▇█")
	var b strings.Builder
	for i := 0; i < len(values); i += per {
		part := values[i:min(i+per, len(values))]
		sum := 0.0
		for _, v := range part {
			sum += v
		}
		level := int(math.Round(sum / float64(len(part)) / top * 8))
		if sum > 0 {
			level = max(level, 1)
		}
		b.WriteRune(levels[min(level, 8)])
	}
	return b.String()
}

// pad fills s with spaces to n columns.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }
