package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/shorten"
	"github.com/grpcbench/grpcbench/reports/stats"
)

const (
	// worthLeading is the difference of in SLO, as a share, above which the
	// headline leads with it.
	worthLeading = 0.0005
	// little is the ratio of the highest to the lowest p99 below which the
	// headline names no winner. It is a rule of wording, not a test.
	little = 1.05
	// mostSentences is how many tables the headline speaks of.
	mostSentences = 4
)

// headline says in words what was shown, with intervals, and what was not. Of
// too few trials for intervals it gives point estimates, and says so.
func headline(r *result.Result, tables []table) []string {
	if len(tables) == 0 {
		return []string{"Nothing was measured."}
	}
	var out []string
	if r.Validity.Verdict == result.Invalid {
		out = append(out, "The measurement is INVALID: do not act on these figures.")
	}
	compared := false
	low, high := math.MaxInt, 0
	first := 0 // table of the load entry
	for i := range tables {
		t := &tables[i]
		compared = compared || len(t.rows) > 1
		for _, row := range t.rows {
			low, high = min(low, len(row.samples)), max(high, len(row.samples))
		}
		if i < mostSentences {
			out = append(out, t.sentences()...)
		}
		if t.entry != tables[first].entry {
			first = i
		}
		if last := i+1 == len(tables) || tables[i+1].entry != t.entry; last && first < mostSentences {
			out = append(out, effects(r, tables[first:i+1])...)
		}
	}
	if rest := len(tables) - mostSentences; rest > 0 {
		out = append(out, plural(rest, "more table")+" below.")
	}
	over := span(count(int64(low)), count(int64(high))) + " trial"
	if high != 1 {
		over += "s"
	}
	decided := slices.ContainsFunc(tables, func(t table) bool { return possible(t.changes()) || possible(t.gains()) })
	switch {
	case decided:
		return append(out, "Over "+over+"; the intervals of a table hold together.")
	case compared:
		return append(out, "Point estimates over "+over+", too few to show a difference.")
	}
	return append(out, "Over "+over+".")
}

// sentences is what the headline says of one table.
func (t *table) sentences() []string {
	if len(t.rows) == 1 {
		return []string{t.alone()}
	}
	best := t.bestInSLO()
	low, high := t.rangeInSLO()
	if high-low > worthLeading {
		at := t.ofEntry()
		if at != "" {
			at = " in SLO" + at
		}
		out := append([]string{t.leadInSLO(best)}, t.rest(best, t.opponent(best), stats.InSLO(), at)...)
		return append(out, t.followP99(best)...)
	}
	return t.leadP99()
}

// where is the conditions as the begin of a sentence.
func (t *table) where() string {
	if len(t.conditions) == 0 {
		return ""
	}
	return "At " + strings.Join(t.conditions, ", ") + ", "
}

// sentence is text behind where the table stands, with a capital where it has no such
// place.
func (t *table) sentence(text string) string {
	if where := t.where(); where != "" {
		return where + text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// alone is the sentence of a table with one row.
func (t *table) alone() string {
	r := &t.rows[0]
	return fmt.Sprintf("%s%s: %s %% of calls in SLO, p50 %s, p99 %s, %s OK calls a second.", t.where(), t.subject(),
		percent(r.figures.InSLO), r.quantile(stats.P50, r.p50), r.quantile(stats.P99, r.p99), perSecond(r.figures.AchievedPerS))
}

// quantile is a variant's quantile in words, with its interval: over the
// trials where there are enough of them, within the trial where there is one.
func (r *row) quantile(q stats.Quantile, l stats.Latency) string {
	text := latency(l)
	if !l.Known() {
		return text
	}
	i, ok := stats.Across(r.samples, q, stats.Level)
	if len(r.samples) == 1 {
		i, ok = r.within(q)
	}
	if !ok {
		return text
	}
	high := "failed"
	if !math.IsInf(i.High, 0) {
		high = duration(i.High)
	}
	return held(text + " (95 % CI " + duration(i.Low) + " to " + high + ")")
}

// within is the quantile's interval within the variant's only trial.
func (r *row) within(q stats.Quantile) (stats.Interval, bool) {
	for i := range r.variant.Trials {
		t := &r.variant.Trials[i]
		for j := range t.Series {
			if &t.Series[j] == r.samples[0].Series {
				return stats.Within(t, &t.Series[j], q)
			}
		}
	}
	return stats.Interval{}, false
}

// latency writes one quantile in words.
func latency(l stats.Latency) string {
	switch {
	case l.TooFew():
		return "n/a"
	case l.Failed():
		return "failed"
	}
	return duration(l.NS)
}

func (t *table) rangeInSLO() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, r := range t.rows {
		low, high = min(low, r.figures.InSLO), max(high, r.figures.InSLO)
	}
	return low, high
}

// bestInSLO is the row with the most calls in SLO; of those that show the same
// figure, the one with the lowest p99.
func (t *table) bestInSLO() *row {
	_, high := t.rangeInSLO()
	var best *row
	for i := range t.rows {
		r := &t.rows[i]
		if percent(r.figures.InSLO) == percent(high) && (best == nil || ranked(r.p99) < ranked(best.p99)) {
			best = r
		}
	}
	return best
}

// ranked orders quantiles: what is not known last.
func ranked(l stats.Latency) float64 {
	if l.TooFew() {
		return math.Inf(1)
	}
	return l.NS
}

// opponent is the row that the one with most calls in SLO is compared with: the
// baseline, or the worst where the baseline does as well.
func (t *table) opponent(best *row) *row {
	if t.baseline != nil && percent(t.baseline.figures.InSLO) != percent(best.figures.InSLO) {
		return t.baseline
	}
	return slices.MinFunc(t.pointers(), func(a, b *row) int { return compare(a.figures.InSLO, b.figures.InSLO) })
}

// leadInSLO says who keeps most calls in SLO, against its opponent.
func (t *table) leadInSLO(best *row) string {
	var tied []string
	other := t.opponent(best)
	for i := range t.rows {
		if r := &t.rows[i]; percent(r.figures.InSLO) == percent(best.figures.InSLO) {
			tied = append(tied, r.label)
		}
	}
	verb := "keeps"
	if len(tied) > 1 {
		verb = "keep"
	}
	// One of the two is the baseline, or as good.
	c := best.gain
	if other != t.baseline {
		c = nil
		if other.gain != nil {
			reverse := other.gain.Reverse()
			c = &reverse
		}
	}
	difference := held(points(best.figures.InSLO-other.figures.InSLO) + " points")
	switch {
	case c != nil && c.More():
		// The estimate that the interval belongs to, as in the table.
		difference = held(estimate(c)+" points") + ", " + ci(c, false)
	case c != nil && c.Less():
		// Who leads by the mean owes it to a few trials.
		difference = "mean and blocks disagree: block by block " + held(estimate(c)+" points") + ", " + ci(c, false)
	case c != nil && c.Possible():
		difference = "no difference shown; " + wouldHave(c)
	}
	text := fmt.Sprintf("%s%s %s %s of %s calls in SLO; %s %s (%s)", t.where(), and(tied), verb,
		held(percent(best.figures.InSLO)+" %"), t.subject(), other.label, held(percent(other.figures.InSLO)+" %"), difference)
	if len(tied) == 1 && other.figures.AttemptsPerCall > 0 {
		if ratio := separated(best.figures.AttemptsPerCall/other.figures.AttemptsPerCall, 2); ratio != "1.00" {
			text += ", at " + ratio + "× the load"
		}
	}
	return text + "."
}

// ofEntry names the load entry where another calls the same method: sentences of
// both would else read alike.
func (t *table) ofEntry() string {
	if !t.shares {
		return ""
	}
	return " of " + shorten.End(clean(t.entry), longestName)
}

// rest says of which of the others the best was not shown to differ, or with which
// it could not be compared, at what the sentence before did not name. The baseline
// and `spoken`, which may be nil, have been spoken of.
func (t *table) rest(best, spoken *row, m stats.Metric, at string) []string {
	var open, above, apart []string
	var widest *stats.Comparison
	list := stats.Against(t.samplesOf(), t.indexOf(best), m)
	for i, c := range list {
		r := &t.rows[i]
		if r == best || r == t.baseline || r == spoken {
			continue
		}
		if m.Scale == stats.Points && percent(r.figures.InSLO) == percent(best.figures.InSLO) {
			continue // named beside it already
		}
		switch {
		case c == nil && m.Scale == stats.Ratio && r.p99.Failed():
			// No contender, in more than half of its trials.
		case c == nil:
			apart = append(apart, r.label)
		case m.Scale == stats.Points && c.More():
			above = append(above, r.label)
		case c.Possible() && !c.Shown():
			open = append(open, r.label)
			if widest == nil || c.Detectable() > widest.Detectable() {
				widest = c
			}
		}
	}
	var out []string
	if len(open) > 0 {
		out = append(out, fmt.Sprintf("%s against %s%s: no difference shown (%s).", best.label, and(open), at, wouldHave(widest)))
	}
	if len(above) > 0 {
		out = append(out, fmt.Sprintf("%s against %s%s: mean and blocks disagree, block by block %s is below.", best.label, and(above), at, best.label))
	}
	if len(apart) > 0 && possible(list) {
		why := "no block has both"
		if m.Scale == stats.Ratio {
			why = "a trial's is failed or n/a"
		}
		out = append(out, fmt.Sprintf("%s against %s%s: not compared, %s.", best.label, and(apart), at, why))
	}
	return out
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (t *table) pointers() []*row {
	out := make([]*row, len(t.rows))
	for i := range t.rows {
		out[i] = &t.rows[i]
	}
	return out
}

// and lists names in a sentence.
func and(names []string) string {
	switch n := len(names); {
	case n == 1:
		return names[0]
	case n > 4:
		return strings.Join(names[:3], ", ") + " and " + strconv.Itoa(n-3) + " more"
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

func (t *table) anyShown(list []*stats.Comparison) bool {
	return slices.ContainsFunc(list, func(c *stats.Comparison) bool { return c != nil && c.Shown() })
}

// widest is the comparison that could have shown least; nil where one could
// show nothing at all, or there is none.
func (t *table) widest(list []*stats.Comparison) *stats.Comparison {
	var widest *stats.Comparison
	for _, c := range list {
		switch {
		case c == nil:
			continue
		case !c.Possible():
			return nil
		case widest == nil || c.Detectable() > widest.Detectable():
			widest = c
		}
	}
	return widest
}
