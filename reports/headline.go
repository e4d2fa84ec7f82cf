package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
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

// headline says in words what the point estimates show. It claims no
// significance: intervals are not computed.
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
	for i := range tables {
		t := &tables[i]
		compared = compared || len(t.rows) > 1
		for _, row := range t.rows {
			low, high = min(low, len(row.samples)), max(high, len(row.samples))
		}
		if i < mostSentences {
			out = append(out, t.sentences()...)
		}
	}
	if rest := len(tables) - mostSentences; rest > 0 {
		out = append(out, plural(rest, "more table")+" below.")
	}
	over := span(count(int64(low)), count(int64(high))) + " trial"
	if high != 1 {
		over += "s"
	}
	if compared {
		return append(out, "Point estimates over "+over+"; no intervals yet.")
	}
	return append(out, "Point estimates over "+over+".")
}

// sentences is what the headline says of one table.
func (t *table) sentences() []string {
	if len(t.rows) == 1 {
		return []string{t.alone()}
	}
	best := t.bestInSLO()
	low, high := t.rangeInSLO()
	if high-low > worthLeading {
		return append([]string{t.leadInSLO(best)}, t.followP99(best)...)
	}
	return []string{t.leadP99()}
}

// where is the conditions as the begin of a sentence.
func (t *table) where() string {
	if len(t.conditions) == 0 {
		return ""
	}
	return "At " + strings.Join(t.conditions, ", ") + ", "
}

// alone is the sentence of a table with one row.
func (t *table) alone() string {
	r := &t.rows[0]
	return fmt.Sprintf("%s%s: %s %% of calls in SLO, p50 %s, p99 %s, %s OK calls a second.", t.where(), t.method(),
		percent(r.figures.InSLO), latency(r.p50), latency(r.p99), perSecond(r.figures.AchievedPerS))
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

// leadInSLO says who keeps most calls in SLO, against the baseline, or against
// the worst where the baseline does best.
func (t *table) leadInSLO(best *row) string {
	var tied []string
	other := t.baseline
	for i := range t.rows {
		if r := &t.rows[i]; percent(r.figures.InSLO) == percent(best.figures.InSLO) {
			tied = append(tied, r.label)
			if r == t.baseline {
				other = nil
			}
		}
	}
	if other == nil {
		other = slices.MinFunc(t.pointers(), func(a, b *row) int {
			return compare(a.figures.InSLO, b.figures.InSLO)
		})
	}
	verb := "keeps"
	if len(tied) > 1 {
		verb = "keep"
	}
	text := fmt.Sprintf("%s%s %s %s of %s calls in SLO; %s %s (%s)", t.where(), and(tied), verb,
		held(percent(best.figures.InSLO)+" %"), t.method(), other.label, held(percent(other.figures.InSLO)+" %"),
		held(points(best.figures.InSLO-other.figures.InSLO)+" points"))
	if len(tied) == 1 && other.figures.AttemptsPerCall > 0 {
		if ratio := separated(best.figures.AttemptsPerCall/other.figures.AttemptsPerCall, 2); ratio != "1.00" {
			text += ", at " + ratio + "× the load"
		}
	}
	return text + "."
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

// lowestP99 is the row with the lowest p99. It is nil where no p99 is a time,
// and where one is n/a: that one might be the lowest.
func (t *table) lowestP99() *row {
	if len(t.unknownP99()) > 0 {
		return nil
	}
	var best *row
	for i := range t.rows {
		if r := &t.rows[i]; r.p99.Known() && (best == nil || r.p99.NS < best.p99.NS) {
			best = r
		}
	}
	return best
}

// unknownP99 is the labels of the rows whose p99 is n/a.
func (t *table) unknownP99() []string {
	var out []string
	for i := range t.rows {
		if t.rows[i].p99.TooFew() {
			out = append(out, t.rows[i].label)
		}
	}
	return out
}

// followP99 is what remains to be said of p99 after in SLO.
func (t *table) followP99(best *row) []string {
	lowest := t.lowestP99()
	switch {
	case lowest == nil:
		return nil
	case lowest != best:
		return []string{fmt.Sprintf("%s has the lowest p99: %s%s.", lowest.label, held(duration(lowest.p99.NS)), t.against(lowest))}
	}
	return []string{fmt.Sprintf("%s has the lowest p99 too: %s%s.", best.label, held(duration(best.p99.NS)), t.against(best))}
}

// against compares the row's p99 with the baseline's.
func (t *table) against(r *row) string {
	switch {
	case t.baseline == nil || r == t.baseline:
		return ""
	case t.baseline.p99.Failed():
		return ", where that of " + t.baseline.label + " falls on failed calls"
	case !r.compared:
		return ""
	}
	p := (r.change.Ratio - 1) * 100
	decimals := 0
	if math.Abs(p) < 9.95 {
		decimals = 1
	}
	direction := " below "
	if p > 0 {
		direction = " above "
	}
	return ", " + held(separated(math.Abs(p), decimals)+" %") + direction + t.baseline.label
}

// leadP99 is the sentence where in SLO is as good as equal.
func (t *table) leadP99() string {
	lowest := t.lowestP99()
	if lowest == nil {
		low, high := t.rangeInSLO()
		why := "the p99 falls on failed calls"
		switch unknown := t.unknownP99(); {
		case len(unknown) == len(t.rows):
			why = "no p99 is known"
		case len(unknown) > 0:
			why = "the p99 is not known of " + and(unknown)
		}
		return fmt.Sprintf("%s%s: %s of calls in SLO in every variant; %s.", t.where(), t.method(),
			held(span(percent(low), percent(high))+" %"), why)
	}
	highest, all := lowest, true
	for i := range t.rows {
		r := &t.rows[i]
		all = all && r.p99.Known()
		if r.p99.Known() && r.p99.NS > highest.p99.NS {
			highest = r
		}
	}
	if all && highest.p99.NS < lowest.p99.NS*little {
		if highest.p99.NS == lowest.p99.NS {
			return fmt.Sprintf("%severy variant's p99 of %s is %s.", t.where(), t.method(), held(duration(lowest.p99.NS)))
		}
		return fmt.Sprintf("%sthe p99 of %s hardly differs: %s (%s) to %s (%s).", t.where(), t.method(),
			held(duration(lowest.p99.NS)), lowest.label, held(duration(highest.p99.NS)), highest.label)
	}
	text := fmt.Sprintf("%s%s has the lowest p99 of %s: %s", t.where(), lowest.label, t.method(), held(duration(lowest.p99.NS)))
	switch {
	case lowest != t.baseline:
		text += t.against(lowest)
	case all:
		text += fmt.Sprintf("; the highest is %s's, %s", highest.label, held(duration(highest.p99.NS)))
	}
	return text + "."
}
