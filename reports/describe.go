package reports

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// loadOf is the variant's description of a load entry, completed from what was
// measured.
func loadOf(v *result.Variant, entry string, s *result.Series) result.Load {
	l := result.Load{Name: entry}
	if at := slices.IndexFunc(v.Loads, func(l result.Load) bool { return l.Name == entry }); at >= 0 {
		l = v.Loads[at]
	}
	if s.Method != "" {
		l.Method = s.Method
	}
	if s.Kind != "" {
		l.Kind = s.Kind
	}
	if s.Loop != "" {
		l.Loop = s.Loop
	}
	return l
}

// property is something that a heading says of a load entry, if it is the same
// in every row.
type property struct {
	name string
	path string // of the setting, below the load entry
	of   func(result.Load) string
}

// when writes a setting that is there.
func when(set bool, text string) string {
	if !set {
		return ""
	}
	return text
}

// The properties, and what they look like; empty where they are not set.
var (
	ofMethod = property{"method", "call", func(l result.Load) string { return shortMethod(l.Method) }}
	ofKind   = property{"kind", "call", func(l result.Load) string {
		return strings.ReplaceAll(clean(string(l.Kind)), "_", " ")
	}}
	// ofLoop is for loops that differ: each with all that belongs to it.
	ofLoop = property{"loop", "", func(l result.Load) string {
		parts := []string{clean(string(l.Loop))}
		of := []property{ofArrivals, ofRate, ofSessions, ofShape}
		if l.Loop == result.Closed {
			of = []property{ofWorkers, ofThink, ofShape}
		}
		for _, p := range of {
			if text := p.of(l); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, " ")
	}}
	ofWorkers  = property{"workers", "workers", func(l result.Load) string { return when(l.Workers > 0, plural(l.Workers, "worker")) }}
	ofThink    = property{"think", "think", func(l result.Load) string { return when(l.ThinkNS > 0, "think "+setting(l.ThinkNS)) }}
	ofArrivals = property{"arrivals", "arrivals", func(l result.Load) string { return clean(l.Arrivals) }}
	ofShape    = property{"shape", "shape", func(l result.Load) string { return when(l.Shape != "", "shape "+clean(l.Shape)) }}
	ofSessions = property{"sessions", "sessions", func(l result.Load) string {
		return when(l.SessionCalls > 0, "sessions of "+plural(l.SessionCalls, "call"))
	}}
	ofExpect   = property{"expect", "expect", func(l result.Load) string { return when(l.Expect != "", "expect "+clean(l.Expect)) }}
	ofKeys     = property{"keys", "keys", func(l result.Load) string { return when(l.Keys != "" && l.Keys != "uniform", clean(l.Keys)+" keys") }}
	ofRate     = property{"rate", "rate", func(l result.Load) string { return when(l.RatePerS > 0, rate(l.RatePerS)) }}
	ofMessages = property{"messages", "messages", func(l result.Load) string {
		text := plural(l.Messages, "message")
		if l.MessageEveryNS > 0 {
			text += " every " + setting(l.MessageEveryNS)
		}
		return when(l.Messages > 0 && l.Kind != result.Unary, text)
	}}
	ofRequest  = property{"request", "request", func(l result.Load) string { return payload("request", l.RequestB, l.RequestSizes) }}
	ofResponse = property{"response", "response", func(l result.Load) string { return payload("response", l.ResponseB, l.ResponseSizes) }}
	ofSLO      = property{"SLO", "slo", func(l result.Load) string { return when(l.SLONS > 0, "SLO "+setting(l.SLONS)) }}
	ofTimeout  = property{"timeout", "", func(l result.Load) string { return when(l.TimeoutNS > 0, "timeout "+setting(l.TimeoutNS)) }}
)

// payload is request 1 KiB, or response lognormal p50 1024 B, p99 65536 B.
func payload(which string, bytes int64, sizes string) string {
	if sizes != "" {
		return which + " " + clean(sizes)
	}
	return when(bytes > 0, which+" "+size(bytes))
}

// shortMethod is a method without its service.
func shortMethod(m string) string { return clean(m[strings.LastIndexByte(m, '/')+1:]) }

// common is what every row says of the property; ok is false where they differ.
func (t *table) common(p property) (text string, ok bool) {
	text = p.of(t.rows[0].load)
	for _, r := range t.rows {
		if p.of(r.load) != text {
			return "", false
		}
	}
	return text, true
}

// shared is common for where nothing is said of what differs.
func (t *table) shared(p property) string {
	text, _ := t.common(p)
	return text
}

// loop is the loop of every row; empty where they differ.
func (t *table) loop() result.Loop {
	first := t.rows[0].load.Loop
	if slices.ContainsFunc(t.rows, func(r row) bool { return r.load.Loop != first }) {
		return ""
	}
	return first
}

// differences says of each property that differs, and is no column of
// settings, how.
func (t *table) differences() []note {
	list := []property{ofMethod, ofKind}
	switch t.loop() {
	case result.Closed:
		list = append(list, ofWorkers, ofThink, ofShape)
	case "":
		list = append(list, ofLoop)
	default:
		list = append(list, ofArrivals, ofRate, ofSessions, ofThink, ofShape)
	}
	list = append(list, ofMessages, ofRequest, ofResponse, ofKeys, ofExpect, ofSLO)
	if slices.ContainsFunc(t.rows, func(r row) bool { return r.load.SLONS == 0 }) {
		list = append(list, ofTimeout)
	}
	var out []note
	for _, p := range list {
		if _, same := t.common(p); !same && !t.compares(p) {
			out = append(out, note{noteDiffers, t.difference(p)})
		}
	}
	return out
}

// compares says whether the property is compared by its path, and so a column.
func (t *table) compares(p property) bool {
	return slices.ContainsFunc(t.dimensions, func(d result.Dimension) bool {
		if p.name == ofTimeout.name {
			return strings.HasPrefix(d.Name, "client.") && strings.HasSuffix(d.Name, ".timeout")
		}
		path := "load." + t.entry + "." + p.path
		return p.path != "" && (d.Name == path || strings.HasPrefix(d.Name, path+"."))
	})
}

// difference is "SLO differs: 50 ms (a, b), 5 ms (c)".
func (t *table) difference(p property) string {
	const most, longest = 4, 100
	var values []string
	labels := map[string][]string{}
	for _, r := range t.rows {
		// The name stands before the values already.
		value := strings.TrimPrefix(p.of(r.load), p.name+" ")
		if value == "" {
			value = "none"
		}
		if labels[value] == nil {
			values = append(values, value)
		}
		labels[value] = append(labels[value], r.label)
	}
	var whole []string
	for _, v := range values {
		whole = append(whole, v+" ("+listed(labels[v], most)+")")
	}
	verb := " differs: "
	if strings.HasSuffix(p.name, "s") {
		verb = " differ: "
	}
	if text := p.name + verb + listed(whole, most); width(text) <= longest {
		return text
	}
	return p.name + verb + listed(values, most)
}

// faultsOf is the variant's faults that can touch the load entry.
func faultsOf(v *result.Variant, l result.Load) []result.FaultWindow {
	var out []result.FaultWindow
	for _, f := range v.Faults {
		if f.Touches(l.Method) {
			out = append(out, f)
		}
	}
	return out
}

// faults is the faults that every row has.
func (t *table) faults() []result.FaultWindow {
	var out []result.FaultWindow
	for _, f := range t.rows[0].faults {
		if len(t.having(f)) == len(t.rows) {
			out = append(out, f)
		}
	}
	return out
}

// having is the labels of the rows that have this fault.
func (t *table) having(f result.FaultWindow) []string {
	var out []string
	for _, r := range t.rows {
		if slices.ContainsFunc(r.faults, func(g result.FaultWindow) bool { return sameFault(f, g) }) {
			out = append(out, r.label)
		}
	}
	return out
}

// sameFault compares what is said of faults.
func sameFault(f, g result.FaultWindow) bool {
	return faultName(f) == faultName(g) && faultTime(f) == faultTime(g)
}

// faultItems describes the faults that every row has.
func (t *table) faultItems() []string {
	const most = 4
	var out []string
	common := t.faults()
	for i, f := range common {
		if i == most {
			return append(out, plural(len(common)-most, "more fault"))
		}
		out = append(out, faultName(f)+" "+faultTime(f))
	}
	return out
}

// faultNotes says which rows have the faults that not every row has.
func (t *table) faultNotes() []note {
	const most = 4
	var seen []result.FaultWindow
	var out []note
	for _, r := range t.rows {
		for _, f := range r.faults {
			have := t.having(f)
			if len(have) == len(t.rows) || slices.ContainsFunc(seen, func(g result.FaultWindow) bool { return sameFault(f, g) }) {
				continue
			}
			seen = append(seen, f)
			which := "only in " + and(have)
			if len(t.rows)-len(have) < len(have) {
				var lack []string
				for _, r := range t.rows {
					if !slices.Contains(have, r.label) {
						lack = append(lack, r.label)
					}
				}
				which = "not in " + and(lack)
			}
			out = append(out, note{noteFaults, faultName(f) + " " + faultTime(f) + " " + which})
		}
	}
	if len(out) > most {
		return append(out[:most:most], note{noteFaults, plural(len(out)-most, "more fault") + " in some variants"})
	}
	return out
}

func faultName(f result.FaultWindow) string {
	const most = 4
	name, kind := clean(f.Name), clean(f.Kind)
	text := name + " (" + kind + ")"
	if name == "" || name == kind {
		text = kind
	}
	switch {
	case len(f.Backends) > most:
		text += " of " + plural(len(f.Backends), "backend")
	case len(f.Backends) > 0:
		var of []string
		for _, b := range f.Backends {
			of = append(of, "b"+strconv.Itoa(b))
		}
		text += " of " + strings.Join(of, ", ")
	}
	return text
}

func faultTime(f result.FaultWindow) string {
	at := trimmed(time.Duration(f.AtNS).Seconds())
	switch {
	case f.Moment && f.EveryNS > 0:
		return "at " + at + " s and every " + seconds(f.EveryNS)
	case f.Moment:
		return "at " + at + " s"
	case f.EveryNS > 0:
		return at + "–" + seconds(f.AtNS+f.ForNS) + " and every " + seconds(f.EveryNS)
	case f.ForNS > 0:
		return at + "–" + seconds(f.AtNS+f.ForNS)
	case f.AtNS <= 0:
		return "throughout"
	}
	return "from " + at + " s"
}
