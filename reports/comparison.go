package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/stats"
)

// undecided is the cell of a comparison whose interval contains no difference.
const undecided = "~"

// factor is the ratio from which a change reads better as a factor than as a
// percentage.
const factor = 10

// comparison is a cell: the estimate with its interval, or ~ with the
// difference that would have been shown.
func comparison(c *stats.Comparison) string {
	switch {
	case c == nil:
		return blank
	case !c.Possible():
		return undecided
	case !c.Shown():
		return undecided + " (" + detectable(c) + ")"
	}
	low, high := bounds(c)
	return estimate(c) + " (" + low + " – " + high + ")"
}

// estimate is +2.57, −57 %, ×12.3.
func estimate(c *stats.Comparison) string {
	if c.Scale == stats.Points {
		return signed(c.Estimate*100, decimalsOf(c))
	}
	if c.Estimate >= factor {
		return "×" + significant(c.Estimate)
	}
	return signed((c.Estimate-1)*100, decimalsOf(c)) + " %"
}

// bounds is the interval's, in the unit of the estimate, signed where they are
// below zero.
func bounds(c *stats.Comparison) (low, high string) {
	write := func(v float64) string { return unsigned(v*100, decimalsOf(c)) }
	if c.Scale == stats.Ratio {
		write = func(v float64) string { return unsigned((v-1)*100, decimalsOf(c)) }
		if c.Estimate >= factor {
			write = significant
		}
	}
	return write(c.Interval.Low), write(c.Interval.High)
}

// decimalsOf is how many decimals a comparison's points have, or its percentages: one
// where all are small. There are more where a difference that was shown would look
// like none, or a latency that is left like none at all: 100 % less.
func decimalsOf(c *stats.Comparison) int {
	all := []float64{c.Estimate}
	if c.Possible() {
		all = append(all, c.Interval.Low, c.Interval.High)
	}
	decimals, shown := 2, c.Shown()
	if c.Scale == stats.Ratio {
		decimals = 1
		for i, v := range all {
			all[i] = v - 1
			if math.Abs(v-1)*100 >= 9.95 {
				decimals = 0
			}
		}
	}
	const most = 6
	for ; decimals < most; decimals++ {
		if !slices.ContainsFunc(all, func(v float64) bool {
			text := separated(math.Abs(v*100), decimals)
			nothing := shown && v != 0 && strings.Trim(text, "0.") == ""
			return nothing || c.Scale == stats.Ratio && v > -1 && v < 0 && strings.HasPrefix(text, "100")
		}) {
			break
		}
	}
	return decimals
}

// unsigned is signed without a plus.
func unsigned(v float64, decimals int) string {
	text := separated(math.Abs(v), decimals)
	if v < 0 && signed(v, decimals) != text {
		return "−" + text
	}
	return text
}

// detectable is the difference that would have been shown, either way: ±3.1 %,
// ×2.4, ±0.04.
func detectable(c *stats.Comparison) string {
	d := c.Detectable()
	switch {
	case c.Scale == stats.Points:
		return "±" + separated(d*100, 2)
	case d >= 2:
		return "×" + significant(d)
	case (d-1)*100 < 9.95:
		return "±" + separated((d-1)*100, 1) + " %"
	}
	return "±" + separated((d-1)*100, 0) + " %"
}

// wouldHave says in a sentence what difference would have been shown: "3.1 %
// would have been".
func wouldHave(c *stats.Comparison) string {
	d := c.Detectable()
	switch {
	case c.Scale == stats.Points:
		text := separated(d*100, 2)
		if text == "0.00" {
			text = "0.01"
		}
		return held(text+" points") + " would have been"
	case d >= 2:
		return held("a factor of "+significant(d)) + " would have been"
	case (d-1)*100 < 9.95:
		return held(separated(max(0.1, (d-1)*100), 1)+" %") + " would have been"
	}
	return held(separated((d-1)*100, 0)+" %") + " would have been"
}

// ci is the interval in a sentence: 95 % CI 49 to 51 %. below turns the
// percentages round, for "51 % below".
func ci(c *stats.Comparison, below bool) string {
	if c.Scale == stats.Ratio && below {
		d := decimalsOf(c)
		return held("95 % CI " + unsigned((1-c.Interval.High)*100, d) + " to " + unsigned((1-c.Interval.Low)*100, d) + " %")
	}
	low, high := bounds(c)
	unit := ""
	switch {
	case c.Scale == stats.Ratio && c.Estimate >= factor:
		unit = " times"
	case c.Scale == stats.Ratio:
		unit = " %"
	}
	return held("95 % CI " + low + " to " + high + unit)
}

// differs says in a sentence how the row differs from another, with the
// interval where there is one: "50 % below a (95 % CI 49 to 51 %)". It is empty
// where no difference was shown, or they were not compared.
func differs(c *stats.Comparison, other string) string {
	if c == nil || c.Possible() && !c.Shown() {
		return ""
	}
	p := (c.Estimate - 1) * 100
	decimals := decimalsOf(c)
	text := held(separated(math.Abs(p), decimals)+" %") + " below " + other
	switch {
	case c.Estimate >= factor:
		text = held(significant(c.Estimate)+" times") + " that of " + other
	case p > 0:
		text = held(separated(math.Abs(p), decimals)+" %") + " above " + other
	}
	if c.Possible() {
		text += " (" + ci(c, p < 0) + ")"
	}
	return text
}

// possible says whether any of the comparisons could have shown a difference.
func possible(list []*stats.Comparison) bool {
	return slices.ContainsFunc(list, func(c *stats.Comparison) bool { return c != nil && c.Possible() })
}

// samplesOf is the samples of every row.
func (t *table) samplesOf() [][]stats.Sample {
	out := make([][]stats.Sample, len(t.rows))
	for i := range t.rows {
		out[i] = t.rows[i].samples
	}
	return out
}

// compareAll compares every row with the baseline.
func (t *table) compareAll() {
	at := t.indexOf(t.baseline)
	p99, slo := stats.Against(t.samplesOf(), at, stats.ResponseAt(stats.P99)), stats.Against(t.samplesOf(), at, stats.InSLO())
	for i := range t.rows {
		t.rows[i].change, t.rows[i].gain = p99[i], slo[i]
	}
}

func (t *table) indexOf(r *row) int {
	for i := range t.rows {
		if &t.rows[i] == r {
			return i
		}
	}
	return -1
}

// changes and gains are the rows' comparisons with the baseline.
func (t *table) changes() []*stats.Comparison {
	var out []*stats.Comparison
	for _, r := range t.rows {
		out = append(out, r.change)
	}
	return out
}

func (t *table) gains() []*stats.Comparison {
	var out []*stats.Comparison
	for _, r := range t.rows {
		out = append(out, r.gain)
	}
	return out
}

// changeColumn compares p99 with the baseline's; any is false where no row can
// be compared, and the column is then good for its note only.
func (t *table) changeColumn() (c column, any bool) {
	none, some := "p99 is not compared: a trial's is failed or n/a", "a trial's p99 is failed or n/a"
	if !slices.ContainsFunc(t.gains(), func(c *stats.Comparison) bool { return c != nil }) {
		none = "p99 is not compared: " + apart // not even shares are
	}
	return t.against("p99 vs "+t.baselineName(), rankChange, t.changes(), none, some)
}

// gainColumn compares the share in SLO with the baseline's, likewise.
func (t *table) gainColumn() (c column, any bool) {
	return t.against("vs "+t.baselineName()+", points", rankGain, t.gains(), "in SLO is not compared: "+apart, apart)
}

// apart is why two variants cannot be compared, whatever was measured.
const apart = "no block has both"

// against makes a column of comparisons with the baseline; none is what is said
// where no row could be compared, and some why those could not that were not.
func (t *table) against(head string, rank int, list []*stats.Comparison, none, some string) (c column, any bool) {
	c = column{head: head, rank: rank}
	lacks, open := false, false
	for i := range t.rows {
		if &t.rows[i] == t.baseline {
			c.cells = append(c.cells, "")
			continue
		}
		c.cells = append(c.cells, comparison(list[i]))
		lacks = lacks || list[i] == nil
		open = open || list[i] != nil && !list[i].Shown()
	}
	compared := slices.ContainsFunc(list, func(c *stats.Comparison) bool { return c != nil })
	switch {
	case !compared:
		c.notes = []note{{noteNotCompared, none}}
		return c, false
	case !possible(list):
		c.notes = []note{{noteChange, t.tooFewBlocks(list)}}
		return c, false
	}
	c.notes = []note{{noteChange, "95 % intervals, which hold together for a column"}}
	if open {
		c.notes = append(c.notes, note{noteUndecided, undecided + " no difference shown (in brackets what would have been)"})
	}
	if lacks {
		c.notes = append(c.notes, note{noteNotCompared, blank + " not compared: " + some})
	}
	return c, true
}

// tooFewBlocks says why no difference of a list can be shown.
func (t *table) tooFewBlocks(list []*stats.Comparison) string {
	blocks := 0
	for _, c := range list {
		if c != nil {
			blocks = max(blocks, c.Blocks)
		}
	}
	return fmt.Sprintf("%s can show no difference: that takes %d", plural(blocks, "block"), stats.TrialsNeeded(len(t.rows)-1))
}
