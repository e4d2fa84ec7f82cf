package reports

import (
	"math"
	"slices"
	"strings"
)

func (t *table) inSLO() column {
	c := t.each("in SLO %", rankInSLO, func(r *row) string { return percent(r.figures.InSLO) })
	switch within, slo := t.within(); slo {
	case noSLO:
		c.notes = []note{{noteInSLO, "in SLO: " + within + ", no SLO being set"}}
	case someSLO:
		c.notes = []note{{noteInSLO, "in SLO: OK, " + within}}
	}
	return c
}

// How many of the rows have an SLO.
const (
	noSLO = iota
	someSLO
	everySLO
)

// within says what stands for the SLO where none is set.
func (t *table) within() (text string, slo int) {
	n := 0
	for _, r := range t.rows {
		if r.load.SLONS > 0 {
			n++
		}
	}
	timeout, same := t.common(ofTimeout)
	switch {
	case n == len(t.rows):
		return "", everySLO
	case n > 0:
		return "within the timeout where no SLO is set", someSLO
	case !same:
		return "OK within each variant's timeout", noSLO
	case timeout == "":
		return "OK", noSLO
	}
	return "OK within the timeout of " + strings.TrimPrefix(timeout, "timeout "), noSLO
}

// unended says how many of the failed calls did not fail but were never made,
// or never ended.
func (t *table) unended() []note {
	var parts []string
	for _, k := range []struct {
		one, many, why string
		of             func(*row) int64
	}{
		{"unfinished call", "unfinished calls", "still running when the drain ended", func(r *row) int64 { return r.figures.Unfinished }},
		{"dropped one", "dropped ones", "max_in_flight reached", func(r *row) int64 { return r.figures.Dropped }},
	} {
		low, high := int64(math.MaxInt64), int64(0)
		var having []*row
		for i := range t.rows {
			n := k.of(&t.rows[i])
			low, high = min(low, n), max(high, n)
			if n > 0 {
				having = append(having, &t.rows[i])
			}
		}
		if high == 0 {
			continue
		}
		noun := k.many
		if high == 1 && low == 1 {
			noun = k.one
		}
		switch {
		case len(t.rows) == 1:
			parts = append(parts, count(high)+" "+noun+" ("+k.why+")")
		case high <= 2*low:
			parts = append(parts, span(count(low), count(high))+" "+noun+" a variant ("+k.why+")")
		default:
			slices.SortStableFunc(having, func(a, b *row) int { return compare(float64(k.of(b)), float64(k.of(a))) })
			var each []string
			for _, r := range having {
				each = append(each, count(k.of(r))+" in "+r.label)
			}
			parts = append(parts, k.many+" ("+k.why+"): "+listed(each, 3))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	sep := " and "
	if strings.Contains(strings.Join(parts, ""), "): ") {
		sep = "; "
	}
	return []note{{noteUnended, "failed % includes " + strings.Join(parts, sep)}}
}
