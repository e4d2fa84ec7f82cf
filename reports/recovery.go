package reports

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// recoveryNote explains the table of recovery.
const recoveryNote = "Medians over the trials, by whole seconds. Failed: during the fault; lost: calls short of the goodput from before, until recovery; peak p99: until then; " +
	"attempts: per call, before the first fault, during this one, and after it until recovery. Recovery: from the fault's end until 95 % of the goodput from before is back for 5 s; " +
	"not by: nor while it was watched; metastable: nor in 10 × the fault, a minute at least."

// These explain the column of wasted work, where there is one: by fault, and as
// results of old have it.
const (
	wastedNote      = " Wasted: the fleet's work for callers that were gone when it ended, from the fault's begin until recovery."
	wastedTrialNote = " Wasted: the fleet's work for callers that were gone, in the whole trial: the result does not say when."
)

// phases is what one variant's trials went through around one fault, or around
// several that were on together.
type phases struct {
	row    int
	fault  string
	trials []stats.Phase
}

// recoveryTable has a row for each variant and each of its faults; nil where
// nothing was scheduled but what was on throughout.
func (t *table) recoveryTable() (columns []column, rows []int, notes string) {
	var all []phases
	faults := map[string]bool{}
	for i := range t.rows {
		for _, p := range t.phases(i) {
			all, rows = append(all, p), append(rows, i)
			faults[p.fault] = true
		}
	}
	if len(all) == 0 {
		return nil, nil, ""
	}
	of := func(head string, cell func(phases) string) column {
		c := column{head: head}
		for _, p := range all {
			c.cells = append(c.cells, cell(p))
		}
		return c
	}
	label := of("variant", func(p phases) string { return t.rows[p.row].label })
	label.left, label.rank = true, rankSettings
	columns = append(columns, label)
	if len(faults) > 1 {
		fault := of("fault", func(p phases) string { return p.fault })
		fault.left, fault.rank = true, rankSettings
		columns = append(columns, fault)
	}
	figure := func(head string, value func(stats.Phase) float64, text func(float64) string) {
		columns = append(columns, of(head, func(p phases) string {
			if v := p.median(value); !math.IsNaN(v) {
				return text(v)
			}
			return blank
		}))
	}
	calls := func(v float64) string { return separated(v, 0) }
	ratio := func(v float64) string { return separated(v, 2) }
	peak := func(p stats.Phase) float64 {
		if p.PeakP99NS == 0 {
			return math.NaN()
		}
		return float64(p.PeakP99NS)
	}
	var peaks []float64
	for _, p := range all {
		peaks = append(peaks, p.median(peak))
	}
	u := unitFor(peaks)
	figure("failed", func(p stats.Phase) float64 { return float64(p.Failed) }, calls)
	figure("lost", func(p stats.Phase) float64 { return p.Lost }, calls)
	figure("peak p99 "+u.name, peak, func(v float64) string { return significant(v / u.ns) })
	figure("attempts before", func(p stats.Phase) float64 { return p.Before }, ratio)
	figure("during", func(p stats.Phase) float64 { return p.During }, ratio)
	figure("after", func(p stats.Phase) float64 { return p.After }, ratio)
	notes = recoveryNote
	byFault, byTrial := false, false
	stands := map[int]bool{} // where it is by trial it stands once
	wasted := of("wasted s", func(p phases) string {
		if ns := p.median(func(one stats.Phase) float64 { return one.WastedNS }); !math.IsNaN(ns) {
			byFault = true
			return significant(ns / float64(time.Second))
		}
		if stands[p.row] {
			return blank
		}
		stands[p.row] = true
		cell := t.rows[p.row].wasted()
		byTrial = byTrial || cell != blank
		return cell
	})
	if slices.ContainsFunc(wasted.cells, func(s string) bool { return s != blank && s != "0" }) {
		columns = append(columns, wasted)
		if byFault {
			notes += wastedNote
		}
		if byTrial {
			notes += wastedTrialNote
		}
	}
	return append(columns,
		of("recovery", func(p phases) string {
			_, text := recoveryOf(p.trials)
			return text
		}),
		of("trials back", func(p phases) string {
			back, judged := 0, 0
			for _, one := range p.trials {
				if one.Judged {
					judged++
				}
				if one.Recovered {
					back++
				}
			}
			if judged == 0 {
				return blank
			}
			return strconv.Itoa(back) + " of " + strconv.Itoa(judged)
		}),
	), rows, notes
}

// phases is the row's, by fault, in the order of their first windows.
func (t *table) phases(row int) []phases {
	var out []phases
	r := &t.rows[row]
	for _, sample := range r.samples {
		trial := sample.Trial
		var names []string
		own := map[string][]stats.Phase{}
		for _, p := range stats.Phases(trial, t.entry, r.faults...) {
			name := clean(p.Window.Name)
			if own[name] == nil {
				names = append(names, name)
			}
			own[name] = append(own[name], p)
		}
		for _, name := range names {
			at := slices.IndexFunc(out, func(p phases) bool { return p.fault == name })
			if at < 0 {
				at = len(out)
				out = append(out, phases{row: row, fault: name})
			}
			out[at].trials = append(out[at].trials, stats.Worst(own[name]))
		}
	}
	return slices.DeleteFunc(out, func(p phases) bool { return !p.known() })
}

// known is whether any call of these seconds ended.
func (p phases) known() bool {
	return slices.ContainsFunc(p.trials, func(one stats.Phase) bool {
		return !math.IsNaN(one.Before) || !math.IsNaN(one.During) || !math.IsNaN(one.After)
	})
}

// median is over the trials that have the figure; NaN where none has.
func (p phases) median(of func(stats.Phase) float64) float64 {
	var values []float64
	for _, one := range p.trials {
		if v := of(one); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return math.NaN()
	}
	return stats.Median(values)
}

// wasted is the seconds of work that the fleet did in a trial for callers that
// were gone, as a cell.
func (r *row) wasted() string {
	var each []float64
	for _, sample := range r.samples {
		if fleet := sample.Trial.Fleet; fleet != nil {
			sum := int64(0)
			for _, b := range fleet.Backends {
				sum += b.WastedNS
			}
			each = append(each, time.Duration(sum).Seconds())
		}
	}
	if len(each) == 0 {
		return blank
	}
	return significant(stats.Median(each))
}

// recoveryOf is the recovery of several trials: the median time in seconds, and in
// a word; infinite, "not by 12 s" or "metastable" where half of them or more had not
// recovered; NaN and a dash where none went on for long enough after the fault.
func recoveryOf(trials []stats.Phase) (median float64, text string) {
	var each []float64
	shortest := time.Duration(math.MaxInt64)
	not, metastable := 0, 0
	for _, p := range trials {
		switch {
		case p.Recovered:
			each = append(each, p.Recovery.Seconds())
			continue
		case !p.Judged:
			continue
		}
		each = append(each, math.Inf(1))
		not++
		if p.Metastable {
			metastable++
		}
		shortest = min(shortest, p.Watched)
	}
	if len(each) == 0 {
		return math.NaN(), blank
	}
	median = stats.Median(each)
	switch {
	case !math.IsInf(median, 1):
		return median, trimmed(median) + " s"
	case 2*metastable > not:
		return median, "metastable"
	}
	// It is known by the second, however a trial was cut short.
	return median, "not by " + seconds(int64(shortest.Truncate(time.Second)))
}

// backOf is what a trial's state says of recovery after its last fault. Whoever
// ran it found it by stats.Phases, over all load entries together.
func backOf(trial *result.Trial, faults []result.FaultWindow) stats.Phase {
	measured := time.Duration(trial.MeasuredNS)
	p := stats.Phase{Watched: measured}
	if windows := stats.Events(faults, measured); len(windows) > 0 {
		p.Window = windows[len(windows)-1]
		p.Watched = measured - p.Window.To
	}
	switch {
	case trial.RecoveryNS != nil:
		p.Judged, p.Recovered, p.Recovery = true, true, time.Duration(*trial.RecoveryNS)
	case trial.State == result.NotRecovered, trial.State == result.Metastable:
		p.Judged, p.Metastable = true, trial.State == result.Metastable
		if phases := stats.Phases(trial, "", faults...); len(phases) > 0 {
			p.Watched = phases[len(phases)-1].Watched // less, where nobody called to the end
		}
	}
	return p
}
