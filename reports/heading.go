package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// section lays out the table's heading, columns, chart and remarks.
func (t *table) section(r *result.Result, several bool) section {
	columns, equal := t.columns(r)
	s := section{columns: columns, rows: len(t.rows)}
	s.heading = append(s.heading, t.what(r, several))
	second := slices.Concat(t.conditions, equal, faults(r))
	if !t.allOK() {
		second = append(second, "a failed call ranks slower than any success")
	}
	if len(second) > 0 {
		s.heading = append(s.heading, second)
	}
	s.chart = t.newChart(r)
	s.remarks = t.remarks()
	if t.mostlyFailed() {
		s.why = t.commonestError()
	}
	return s
}

// what says what was called and how.
func (t *table) what(r *result.Result, several bool) []string {
	l, kind := t.load, t.series().Kind
	name := t.method()
	if several && clean(l.Name) != name {
		name = clean(l.Name) + ": " + name
	}
	out := []string{name, strings.ReplaceAll(clean(string(kind)), "_", " ")}
	if t.series().Loop == result.Closed {
		item := "closed loop"
		if l.Workers > 0 && !t.varies(r, "workers") {
			item += ", " + plural(l.Workers, "worker")
		}
		if l.ThinkNS > 0 && !t.varies(r, "think") {
			item += ", think " + setting(l.ThinkNS)
		}
		out = append(out, item)
	} else {
		item := "open loop"
		if l.Arrivals != "" && !t.varies(r, "arrivals") {
			item += ", " + clean(l.Arrivals)
		}
		offered, same := t.offered()
		switch asked := l.RatePerS; {
		case asked > 0 && !t.varies(r, "rate") && t.near(asked):
			item += " " + rate(asked)
			if same && perSecond(asked) != perSecond(offered) {
				// A random process need not come to its mean in so short a time.
				item += " (" + perSecond(offered) + " drawn)"
			}
		case same:
			item += " " + rate(offered)
		}
		out = append(out, item)
	}
	if l.Messages > 0 && kind != result.Unary && !t.varies(r, "messages") {
		out = append(out, plural(l.Messages, "message"))
	}
	if l.RequestB > 0 && !t.varies(r, "request") {
		out = append(out, "request "+size(l.RequestB))
	}
	if l.ResponseB > 0 && !t.varies(r, "response") {
		out = append(out, "response "+size(l.ResponseB))
	}
	if l.SLONS > 0 && !t.varies(r, "slo") {
		out = append(out, "SLO "+setting(l.SLONS))
	}
	return append(out, t.trials(r))
}

// varies says whether that setting of the load entry is compared: then the
// scenario's description holds for its first variant only.
func (t *table) varies(r *result.Result, field string) bool {
	return slices.ContainsFunc(r.Scenario.Dimensions, func(d result.Dimension) bool {
		return d.Name == "load."+t.load.Name+"."+field
	})
}

// near says that every row was offered about that rate: one that was not had
// it changed by an overlay, which only shows in what was drawn.
func (t *table) near(asked float64) bool {
	const most = 0.2
	for _, r := range t.rows {
		if math.Abs(r.figures.OfferedPerS-asked) > most*asked {
			return false
		}
	}
	return true
}

// offered is the rate that every row was offered, if it is the same one.
func (t *table) offered() (perS float64, same bool) {
	first := perSecond(t.rows[0].figures.OfferedPerS)
	for _, r := range t.rows {
		if perSecond(r.figures.OfferedPerS) != first {
			return 0, false
		}
	}
	return t.rows[0].figures.OfferedPerS, true
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
	return text + noun + " × " + seconds(length)
}

// seconds writes a length of time as the axis of a trial counts it.
func seconds(ns int64) string { return trimmed(time.Duration(ns).Seconds()) + " s" }

// faults describes the scheduled faults.
func faults(r *result.Result) []string {
	const most = 4
	var out []string
	for i, f := range r.Scenario.Faults {
		if i == most {
			out = append(out, plural(len(r.Scenario.Faults)-most, "more fault"))
			break
		}
		out = append(out, faultName(f)+" "+faultTime(f))
	}
	return out
}

func faultName(f result.FaultWindow) string {
	name, kind := clean(f.Name), clean(f.Kind)
	if name == "" || name == kind {
		return kind
	}
	return name + " (" + kind + ")"
}

func faultTime(f result.FaultWindow) string {
	at := trimmed(time.Duration(f.AtNS).Seconds())
	switch {
	case f.ForNS > 0:
		return at + "–" + seconds(f.AtNS+f.ForNS)
	case f.AtNS <= 0:
		return "throughout"
	}
	return "from " + at + " s"
}
