package reports

import (
	"fmt"
	"math"
	"strconv"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// grows is how throughput goes with concurrency, in words.
func (row *capacityRow) grows() string {
	law := row.Law
	if law.PeakN != nil && law.PeakPerS != nil {
		return fmt.Sprintf("peaks at %s with %s, by the Universal Scalability Law.", estimated(*law.PeakN, "workers"), estimated(*law.PeakPerS, "calls/s"))
	}
	most, _ := row.throughput(law.MostN)
	twice, _ := row.throughput(2 * law.MostN)
	peak, from := "has no peak", ""
	if !row.ruledOut() {
		peak = "has no peak shown"
		if law.PeakFromN != nil {
			from = " " + held("(95 % CI from "+small(*law.PeakFromN)+")")
		}
	}
	return fmt.Sprintf("%s up to %s workers%s, twice the most that were measured: by the Universal Scalability Law %s there, and %s at %s.",
		peak, trimmed(2*law.MostN), from, rate(twice), rate(most), trimmed(law.MostN))
}

// ruledOut is whether there is no peak as far as the law is read: its interval
// begins beyond.
func (row *capacityRow) ruledOut() bool {
	return row.Law.PeakFromN != nil && *row.Law.PeakFromN >= 2*row.Law.MostN
}

// estimated is an estimate with its interval, in a sentence.
func estimated(e result.Estimate, noun string) string {
	text := significant(e.Value) + " " + noun
	if around := interval(e); around != blank {
		text += " (95 % CI " + around + ")"
	}
	return held(text)
}

func interval(e result.Estimate) string {
	switch {
	case e.Low != nil && e.High != nil:
		return small(*e.Low) + " to " + small(*e.High)
	case e.Low != nil:
		return "from " + small(*e.Low)
	}
	return blank
}

// small is significant, with an exponent where a figure is very small.
func small(v float64) string {
	if v != 0 && math.Abs(v) < 1e-3 {
		return strconv.FormatFloat(v, 'e', 2, 64)
	}
	return significant(v)
}

// lines is the rows of a table of the capacity: each of one variant, with its
// cells.
type lines struct {
	of    []*capacityRow
	cells [][]string
}

func (l *lines) add(row *capacityRow, cells ...string) {
	l.of, l.cells = append(l.of, row), append(l.cells, cells)
}

// section lays them out, with the variants' settings before the columns.
func (l *lines) section(c *capacity, columns ...column) section {
	s := section{rows: len(l.of), columns: c.settings(len(l.of), func(i int) *capacityRow { return l.of[i] })}
	for j, col := range columns {
		for i := range l.cells {
			col.cells = append(col.cells, l.cells[i][j])
		}
		s.columns = append(s.columns, col)
	}
	return s
}

// scalability is the tables of concurrency: throughput as it was measured beside
// that of the law, and the law.
func (c *capacity) scalability() []section {
	var points, law lines
	var notes []note
	for i := range c.rows {
		row := &c.rows[i]
		if len(row.Sweep) == 0 {
			continue
		}
		notes = append(notes, row.measured(&points)...)
		if row.Law != nil {
			row.parameters(&law)
		}
	}
	if len(points.of) == 0 {
		return nil
	}
	s := points.section(c, column{head: "workers", rank: rankInSLO}, column{head: "OK/s", rank: rankP50},
		column{head: "law/s", rank: rankP99}, column{head: "off by %", rank: rankGain})
	heading := []string{"throughput by concurrency", "closed loop", fmt.Sprintf("%s × %s each", plural(c.asked.Trials, "trial"), seconds(c.result.Scenario.MeasureNS))}
	if c.asked.Load != "" {
		heading = append([]string{clean(c.asked.Load)}, heading...)
	}
	s.heading, s.notes = [][]string{heading}, notes
	if len(law.of) == 0 {
		return []section{s}
	}
	s.notes = append(s.notes, note{noteDiffers, "law: as fitted, to twice the concurrency that was measured and no further"})
	fitted := law.section(c, column{head: "parameter", rank: rankInSLO, left: true}, column{head: "fitted", rank: rankP50},
		column{head: "95 % CI", rank: rankP99, left: true})
	fitted.heading = [][]string{{"Universal Scalability Law", "X(N) = λN / (1 + σ(N−1) + κN(N−1))"}}
	return []section{s, fitted}
}

// measured adds a line for each concurrency, and one for twice the highest, of the
// law alone.
func (row *capacityRow) measured(to *lines) (notes []note) {
	if row.NoLaw != "" {
		notes = append(notes, note{noteFaults, row.label + ": no law: " + clean(row.NoLaw)})
	}
	for _, p := range row.Sweep {
		mark, per, off := "", blank, blank
		if p.Limit != "" {
			mark = " †"
			notes = append(notes, note{noteInvalid, "† has no part in the law: " + clean(p.Detail)})
		}
		x, known := row.throughput(float64(p.Workers))
		if mean := stats.Mean(p.PerS); len(p.PerS) > 0 {
			per = perSecond(mean)
			if known {
				off = signed((mean/x-1)*100, 1)
			}
		}
		to.add(row, strconv.Itoa(p.Workers)+mark, per, cellOf(x, known), off)
	}
	if row.Law != nil {
		x, known := row.throughput(2 * row.Law.MostN)
		to.add(row, trimmed(2*row.Law.MostN), blank, cellOf(x, known), blank)
	}
	return notes
}

func cellOf(perS float64, known bool) string {
	if !known {
		return blank
	}
	return perSecond(perS)
}

// throughput is what the law gives for n workers, where it may be read.
func (row *capacityRow) throughput(n float64) (perS float64, known bool) {
	if row.Law == nil {
		return 0, false
	}
	x, err := stats.Scalability{Lambda: row.Law.Lambda.Value, Sigma: row.Law.Sigma.Value, Kappa: row.Law.Kappa.Value, MostN: row.Law.MostN}.At(n)
	return x, err == nil
}

// parameters adds a line for each of the law's parameters, and for its peak.
func (row *capacityRow) parameters(to *lines) {
	l := row.Law
	to.add(row, "λ, calls/s of one", small(l.Lambda.Value), interval(l.Lambda))
	to.add(row, "σ, contention", small(l.Sigma.Value), interval(l.Sigma))
	to.add(row, "κ, coherency", small(l.Kappa.Value), interval(l.Kappa))
	if l.PeakN == nil || l.PeakPerS == nil {
		beyond := "> " + trimmed(2*l.MostN)
		from := blank
		switch {
		case row.ruledOut():
			from = beyond
		case l.PeakFromN != nil:
			from = "from " + small(*l.PeakFromN)
		}
		to.add(row, "N*, workers at the peak", beyond, from)
		return
	}
	to.add(row, "N*, workers at the peak", small(l.PeakN.Value), interval(*l.PeakN))
	to.add(row, "calls/s at the peak", small(l.PeakPerS.Value), interval(*l.PeakPerS))
}
