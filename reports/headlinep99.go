package reports

import (
	"fmt"
	"slices"

	"github.com/grpcbench/grpcbench/reports/stats"
)

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
	if lowest == nil {
		return nil
	}
	if !t.shownP99(lowest) {
		if c := t.widest(t.changes()); c != nil && !t.anyShown(t.changes()) {
			return []string{"No difference in p99 shown: " + wouldHave(c) + t.notCompared99() + "."}
		}
		return nil
	}
	too := ""
	if lowest == best {
		too = " too"
	}
	text := fmt.Sprintf("%s has the lowest p99%s%s: %s%s.", lowest.label, t.ofEntry(), too, held(duration(lowest.p99.NS)), t.against99(lowest))
	return append([]string{text}, t.rest(lowest, t.baseline, stats.ResponseAt(stats.P99), " at p99"+t.ofEntry())...)
}

// shownP99 says whether the row with the lowest p99 may be said to have it:
// it was shown to be below the baseline's, or, being the baseline, some other
// above it, and none was shown to be below it. Where so few trials could show no
// difference, the estimates speak; so they do where there is no time to compare the
// lowest with.
func (t *table) shownP99(lowest *row) bool {
	less := func(c *stats.Comparison) bool { return c != nil && c.Less() }
	more := func(c *stats.Comparison) bool { return c != nil && c.More() }
	switch {
	case slices.ContainsFunc(stats.Against(t.samplesOf(), t.indexOf(lowest), stats.ResponseAt(stats.P99)), less):
		return false // lower block by block, higher in the median trial
	case !possible(t.changes()):
		return !possible(t.gains()) || !t.comparable99(lowest)
	case lowest == t.baseline:
		return slices.ContainsFunc(t.changes(), more)
	}
	return less(lowest.change)
}

// comparable99 says whether the row with the lowest p99 would be compared with one
// that is a time, too: the baseline's, or, being the baseline, any other's.
func (t *table) comparable99(lowest *row) bool {
	if lowest != t.baseline {
		return t.baseline != nil && t.baseline.p99.Known()
	}
	return slices.ContainsFunc(t.rows, func(r row) bool { return r.variant != lowest.variant && r.p99.Known() })
}

// notCompared99 says of which rows it is not known whether their p99 differs from
// the baseline's.
func (t *table) notCompared99() string {
	var rows []string
	why := "a trial's is failed or n/a"
	for i := range t.rows {
		if r := &t.rows[i]; t.baseline != nil && r != t.baseline && r.change == nil {
			rows = append(rows, r.label)
			if r.gain == nil {
				why = apart
			}
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return "; " + and(rows) + " not compared, " + why
}

// against99 compares the row's p99 with the baseline's.
func (t *table) against99(r *row) string {
	if t.baseline == nil || r == t.baseline {
		return ""
	}
	if t.baseline.p99.Failed() {
		return ", where that of " + t.baseline.label + " falls on failed calls"
	}
	if text := differs(r.change, t.baseline.label); text != "" {
		return ", " + text
	}
	return ""
}

// leadP99 is what is said where in SLO is as good as equal.
func (t *table) leadP99() []string {
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
		return []string{fmt.Sprintf("%s%s: %s of calls in SLO in every variant; %s.", t.where(), t.subject(),
			held(span(percent(low), percent(high))+" %"), why)}
	}
	highest, all := lowest, true
	for i := range t.rows {
		r := &t.rows[i]
		all = all && r.p99.Known()
		if r.p99.Known() && r.p99.NS > highest.p99.NS {
			highest = r
		}
	}
	same := duration(lowest.p99.NS) == duration(highest.p99.NS)
	decided := possible(t.changes())
	switch {
	case all && same && !t.anyShown(t.changes()):
		text := t.sentence(fmt.Sprintf("every variant's p99 of %s is %s", t.subject(), held(duration(lowest.p99.NS))))
		if c := t.widest(t.changes()); c != nil {
			text += " (" + wouldHave(c) + " shown)"
		}
		return []string{text + t.notCompared99() + "."}
	case all && decided && !t.anyShown(t.changes()) && t.notCompared99() == "":
		return []string{t.nothingShown(lowest, highest)}
	case all && !decided && highest.p99.NS < lowest.p99.NS*little:
		return []string{t.sentence(fmt.Sprintf("the p99 of %s hardly differs: %s (%s) to %s (%s).", t.subject(),
			held(duration(lowest.p99.NS)), lowest.label, held(duration(highest.p99.NS)), highest.label))}
	case !t.shownP99(lowest):
		return t.onlyWorse(highest)
	}
	text := fmt.Sprintf("%s%s has the lowest p99 of %s: %s", t.where(), lowest.label, t.subject(), held(duration(lowest.p99.NS)))
	switch {
	case lowest != t.baseline:
		text += t.against99(lowest)
	case all:
		text += fmt.Sprintf("; the highest is %s's, %s", highest.label, held(duration(highest.p99.NS)))
		if above := differs(highest.change, t.baseline.label); above != "" {
			text += ", " + above
		}
	}
	return append([]string{text + "."}, t.rest(lowest, t.baseline, stats.ResponseAt(stats.P99), "")...)
}

// nothingShown is the sentence of a table in which no p99 was shown to differ
// from the baseline's.
func (t *table) nothingShown(lowest, highest *row) string {
	what := "no setting"
	if len(t.dimensions) == 1 {
		what = clean(t.dimensions[0].Name)
	}
	blocks := 0
	for _, c := range t.changes() {
		if c != nil {
			blocks = max(blocks, c.Blocks)
		}
	}
	verb := "makes no difference"
	if len(t.dimensions) != 1 {
		verb = "makes a difference"
	}
	text := fmt.Sprintf("%s%s %s to the p99 of %s that %s can show: %s to %s", t.where(), what, verb, t.subject(),
		plural(blocks, "trial"), held(duration(lowest.p99.NS)), held(duration(highest.p99.NS)))
	if c := t.widest(t.changes()); c != nil {
		text += " (" + wouldHave(c) + " shown)"
	}
	return text + "."
}

// onlyWorse is what is said where some p99 was shown to differ from the
// baseline's, but not the lowest.
func (t *table) onlyWorse(highest *row) []string {
	text := t.sentence(fmt.Sprintf("no variant's p99 of %s was shown to be the lowest", t.subject()))
	if t.baseline == nil {
		return []string{text + "."}
	}
	if above := differs(highest.change, t.baseline.label); above != "" {
		text += fmt.Sprintf("; %s's, %s, is %s", highest.label, held(duration(highest.p99.NS)), above)
	}
	return []string{text + t.notCompared99() + "."}
}
