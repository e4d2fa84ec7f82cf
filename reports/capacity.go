package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/shorten"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// capacity is what was found of the highest rates, in words and columns.
type capacity struct {
	result *result.Result
	asked  *result.Capacity
	rows   []capacityRow
}

// capacityRow is one variant.
type capacityRow struct {
	result.CapacityVariant
	variant *result.Variant
	label   string
}

// untold is that no rate could be judged, one way or the other.
func (row *capacityRow) untold() bool {
	return row.RatePerS == 0 && slices.Contains([]result.CapacityLimit{result.LimitGenerator, result.LimitInvalid, result.LimitTooFew}, row.Limit)
}

// newCapacity reads what the result found; it has no rows where it was not asked.
func newCapacity(r *result.Result) capacity {
	c := capacity{result: r, asked: r.Capacity}
	if r.Capacity == nil {
		return c
	}
	for _, found := range r.Capacity.Variants {
		at := slices.IndexFunc(r.Variants, func(v result.Variant) bool { return v.Name == found.Variant })
		if at < 0 {
			continue
		}
		c.rows = append(c.rows, capacityRow{CapacityVariant: found, variant: &r.Variants[at]})
	}
	names := make([]string, len(c.rows))
	for i := range c.rows {
		names[i] = clean(c.rows[i].Variant)
	}
	for i, name := range shorten.All(names, longestName) {
		c.rows[i].label = name
	}
	return c
}

// searched is whether rates were searched for, and not only concurrency swept.
func (c *capacity) searched() bool { return len(c.asked.SLO) > 0 }

// slo is the conditions as they were written.
func (c *capacity) slo() string { return clean(strings.Join(c.asked.SLO, ", ")) }

// whose is the rate in question.
func (c *capacity) whose() string {
	if c.asked.Load != "" {
		return "calls/s of " + clean(c.asked.Load)
	}
	return "calls/s"
}

// sections is the capacity's own tables, before those of the trials at it.
func (c *capacity) sections() []section {
	if len(c.rows) == 0 {
		return nil
	}
	var out []section
	if c.searched() {
		out = append(out, c.rates())
	}
	return append(out, c.scalability()...)
}

// rates is the table of the highest rates.
func (c *capacity) rates() section {
	s := section{rows: len(c.rows), heading: [][]string{{"capacity", "the highest rate with " + c.slo()}}}
	what := "every open loop scaled together"
	if c.asked.Load != "" {
		what = "rate of " + clean(c.asked.Load) + ", other load as it is"
	}
	s.heading = append(s.heading, []string{what,
		fmt.Sprintf("brackets of at most %s %%, each end confirmed by %s × %s", trimmed(c.asked.Within*100), plural(c.asked.Trials, "trial"), seconds(c.result.Scenario.MeasureNS))})
	rates := column{head: c.whose(), rank: rankInSLO, marks: make([]string, len(c.rows))}
	beyond := column{head: "not at", rank: rankChange, notes: []note{{noteChange, "not at: the lowest rate found that does not meet it"}}}
	limit := column{head: "limit", rank: rankP50, left: true}
	for i := range c.rows {
		row := &c.rows[i]
		switch {
		case row.RatePerS > 0:
			rates.cells = append(rates.cells, perSecond(row.RatePerS))
		case row.untold():
			rates.cells = append(rates.cells, "unknown")
		case row.Limit != "":
			rates.cells = append(rates.cells, "none")
		default:
			rates.cells = append(rates.cells, blank)
		}
		if row.RatePerS > 0 && !row.Confirmed {
			rates.marks[i] = " †"
			rates.notes = []note{{noteInvalid, "† in a single trial: not confirmed"}}
		}
		if row.BeyondPerS > 0 {
			beyond.cells = append(beyond.cells, perSecond(row.BeyondPerS))
		} else {
			beyond.cells = append(beyond.cells, blank)
		}
		limit.cells = append(limit.cells, c.limit(row))
		if row.Detail != "" && row.Limit != result.LimitSLO {
			s.notes = append(s.notes, note{noteFaults, row.label + ": " + clean(row.Detail)})
		}
	}
	s.columns = append(c.settings(len(c.rows), func(i int) *capacityRow { return &c.rows[i] }), rates)
	s.columns = append(append(s.columns, c.latencies()...), beyond, limit)
	return s
}

// settings is a column for each dimension.
func (c *capacity) settings(rows int, row func(int) *capacityRow) []column {
	var out []column
	for _, d := range c.result.Scenario.Dimensions {
		col := column{head: shortName(d.Name), rank: rankSettings, left: true}
		for i := range rows {
			col.cells = append(col.cells, clean(row(i).variant.Settings[d.Name]))
		}
		out = append(out, col)
	}
	return out
}

// latencies is the p99 of each load entry at the highest rate.
func (c *capacity) latencies() []column {
	names := entries(c.result)
	values := make([][]stats.Latency, len(names))
	var all []float64
	for e, name := range names {
		for i := range c.rows {
			l := stats.Latency{NS: math.NaN()}
			if c.rows[i].RatePerS > 0 {
				l = stats.Response(stats.Samples(c.rows[i].variant, name), stats.P99)
			}
			if l.Known() {
				all = append(all, l.NS)
			}
			values[e] = append(values[e], l)
		}
	}
	u := unitFor(all)
	var out []column
	for e, name := range names {
		head := "p99 " + u.name
		if len(names) > 1 {
			head = clean(name) + " " + head
		}
		ranges, what := c.ranges(name, values[e])
		col := column{head: head, rank: rankP99 + e*rankCPU, notes: []note{{noteUndecided, what}}}
		for i, l := range values[e] {
			text := blank
			switch {
			case l.Failed():
				text = "failed"
				col.notes = append(col.notes, note{noteFailed, "failed: the rank lands on a call that failed"})
			case l.Known():
				text = significant(l.NS / u.ns)
				if in := ranges[i]; in != nil {
					text += " " + within(*in, u.ns)
				}
			case c.rows[i].RatePerS > 0:
				text = tooFew
			}
			col.cells = append(col.cells, text)
		}
		out = append(out, col)
	}
	return out
}

// ranges is that of each row's p99 of a load entry, nil where it has none, and what
// it is: the hull of the trials' own intervals, or where a trial has none, in all
// rows, that of the trials themselves.
func (c *capacity) ranges(entry string, p99 []stats.Latency) (ranges []*stats.Interval, what string) {
	of := func(find func([]stats.Sample, stats.Quantile) (stats.Interval, bool)) (out []*stats.Interval, all, any bool) {
		out, all = make([]*stats.Interval, len(c.rows)), true
		for i := range c.rows {
			if !p99[i].Known() {
				continue
			}
			in, ok := find(stats.Samples(c.rows[i].variant, entry), stats.P99)
			if ok {
				out[i] = &in
			}
			all, any = all && ok, any || ok
		}
		return out, all, any
	}
	if hulls, all, any := of(stats.Hull); all && any {
		return hulls, "p99: the trials' median, and from the lowest to the highest bound of their own 95 % intervals"
	}
	if extremes, _, any := of(stats.Extremes); any {
		return extremes, "p99: the trials' median, and from the lowest to the highest of them; some have no interval of their own"
	}
	return make([]*stats.Interval, len(c.rows)), "p99: the trials' median"
}

// within is an interval in parentheses, (2.44 – 2.70), or what there is of it.
func within(i stats.Interval, unit float64) string {
	switch {
	case math.IsInf(i.High, 1) && i.Low > 0:
		return "(≥ " + significant(i.Low/unit) + ")"
	case math.IsInf(i.High, 1):
		return ""
	case i.Low <= 0:
		return "(≤ " + significant(i.High/unit) + ")"
	}
	return "(" + significant(i.Low/unit) + " – " + significant(i.High/unit) + ")"
}

// limit is what keeps the variant from a higher rate, in a cell.
func (c *capacity) limit(row *capacityRow) string {
	switch row.Limit {
	case "":
		return blank
	case result.LimitSLO:
		return strings.Join(c.misses(row), ", ")
	case result.LimitSaturated:
		return "saturated"
	case result.LimitInFlight:
		return "max_in_flight"
	case result.LimitGenerator:
		return "the load generator"
	case result.LimitInvalid:
		return "trials INVALID"
	case result.LimitTooFew:
		return "too few calls"
	case result.LimitMaxRate:
		return "the highest rate allowed"
	}
	return clean(string(row.Limit))
}

// misses is the conditions that the rate beyond does not meet, with what was seen:
// p99 131 ms.
func (c *capacity) misses(row *capacityRow) []string {
	var probe *result.CapacityProbe
	for i := range row.Probes {
		if p := &row.Probes[i]; p.RatePerS == row.BeyondPerS && len(p.Gates) > 0 {
			probe = p
		}
	}
	if probe == nil {
		return []string{"SLO"}
	}
	return ProbeMisses(*probe)
}

// ProbeMisses is what a rate does not meet, with what was seen: p99 131 ms.
func ProbeMisses(p result.CapacityProbe) []string {
	var out []string
	for _, g := range p.Gates {
		for _, one := range g.Cases {
			if one.Outcome == result.GatePassed {
				continue
			}
			text := clean(g.Metric)
			if len(g.Cases) > 1 && one.Load != "" {
				text = clean(one.Load) + " " + text
			}
			switch {
			case one.OnFailed:
				text += " failed"
			case one.Figure != nil:
				text += " " + missedFigure(g.Unit, *one.Figure, g.Limit)
			default:
				text += " unknown"
			}
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}

// missedFigure writes a figure that missed its limit, by a hair perhaps.
func missedFigure(unit string, v, limit float64) string {
	write := func(v float64, more int) string {
		if unit == "share" {
			return separated(v*100, 2+more) + " %"
		}
		return gateValue(unit, v, more)
	}
	return write(v, tellingApart(write, limit, v))
}
