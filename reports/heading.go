package reports

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// section lays out the table's heading, columns, notes, chart and remarks.
func (t *table) section(r *result.Result, several bool) section {
	columns, equal, moved := t.columns(r)
	s := section{columns: columns, moved: moved, rows: len(t.rows)}
	s.notes = slices.Concat(t.cutShort(), t.differences(), t.faultNotes(), t.unended())
	s.heading = append(s.heading, t.what(r, several))
	second := slices.Concat(t.conditions, equal, t.faultItems(), churnItems(t.churn()))
	if !t.allOK() {
		second = append(second, "a failed call ranks slower than any success")
	}
	if len(second) > 0 {
		s.heading = append(s.heading, second)
	}
	s.chart = t.newChart()
	s.recovery, s.recoveryRows, s.recoveryNote = t.recoveryTable()
	s.remarks = t.remarks()
	if t.mostlyFailed() {
		s.why = t.commonestError()
	}
	return s
}

// what says what was called and how, as far as it is the same in every row.
func (t *table) what(r *result.Result, several bool) []string {
	name := t.method()
	if entry := clean(t.entry); several && entry != name {
		name = entry + ": " + name
	}
	out := []string{name}
	add := func(items ...string) {
		for _, item := range items {
			if item != "" {
				out = append(out, item)
			}
		}
	}
	add(t.shared(ofKind))
	switch t.loop() {
	case result.Closed:
		parts := []string{"closed loop"}
		for _, p := range []property{ofWorkers, ofThink} {
			if text := t.shared(p); text != "" {
				parts = append(parts, text)
			}
		}
		add(strings.Join(parts, ", "))
	case "":
	default:
		item := "open loop"
		if text := strings.TrimSpace(t.shared(ofArrivals) + " " + t.askedRate()); text != "" {
			item += ", " + text
		}
		for _, p := range []property{ofSessions, ofThink} {
			if text := t.shared(p); text != "" {
				item += ", " + text
			}
		}
		add(item)
	}
	add(t.shared(ofShape), t.shared(ofMessages), t.shared(ofRequest), t.shared(ofResponse), t.shared(ofKeys), t.shared(ofExpect), t.shared(ofSLO))
	return append(out, t.trials(r))
}

// askedRate is "800/s", or "800/s (785 drawn)": a random process need not
// come to its mean in so short a time.
func (t *table) askedRate() string {
	asked := t.rows[0].load.RatePerS
	if _, same := t.common(ofRate); !same {
		return ""
	}
	var offered float64
	same := true // as far as it is shown
	for _, r := range t.rows {
		offered += r.figures.OfferedPerS / float64(len(t.rows))
		same = same && perSecond(r.figures.OfferedPerS) == perSecond(t.rows[0].figures.OfferedPerS)
	}
	switch {
	case asked > 0 && (t.shared(ofShape) != "" || t.shared(ofSessions) != ""):
		return rate(asked) // no mean of what was offered to compare it with
	case asked > 0 && offered > 0 && perSecond(asked) != perSecond(offered):
		return rate(asked) + " (" + perSecond(offered) + " drawn)"
	case asked > 0:
		return rate(asked)
	case same:
		return rate(offered)
	}
	return ""
}

// trials is "10 trials × 120 s", or "3–4 of 10 trials × 120 s".
func (t *table) trials(r *result.Result) string {
	low, high := len(t.rows[0].samples), 0
	for _, row := range t.rows {
		low, high = min(low, len(row.samples)), max(high, len(row.samples))
	}
	text := span(strconv.Itoa(low), strconv.Itoa(high))
	of := high
	if planned := r.Scenario.Trials; planned > 0 && low < planned {
		text += " of " + strconv.Itoa(planned)
		of = planned
	}
	noun := " trial"
	if of != 1 {
		noun += "s"
	}
	length := r.Scenario.MeasureNS
	if length == 0 {
		return text + noun
	}
	if until := clean(r.Scenario.Until); until != "" {
		return text + noun + " until " + until + ", at most " + seconds(length)
	}
	return text + noun + " × " + seconds(length)
}

// seconds writes a length of time as the axis of a trial counts it.
func seconds(ns int64) string { return trimmed(time.Duration(ns).Seconds()) + " s" }
