package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// parseGates reads the list of conditions at a key, `gates` or `abort_when`; what
// their words name is checked once the variants are known: see checkGates.
func parseGates(p *problems, key string) []gate.Gate {
	list := p.root.Get(key)
	if list == nil || list.Kind != strict.Sequence {
		return nil // what is no list is reported by the decoder
	}
	var gates []gate.Gate
	for i, n := range list.Items {
		if n.Kind != strict.Scalar {
			continue
		}
		g, err := gate.Parse(n.Text)
		if err == nil && key == abortKey {
			err = g.Watchable()
		}
		if err != nil {
			p.failGate(key, i, err)
		}
		gates = append(gates, g)
	}
	return gates
}

// The keys of conditions: what the result must meet, and what stops a run early.
const (
	gatesKey = "gates"
	abortKey = "abort_when"
)

// checkGates finds conditions of the document that are about nothing.
func checkGates(p *problems, key string, gates []gate.Gate, s gate.Subject) {
	for i, g := range gates {
		if err := g.Check(s); err != nil {
			p.failGate(key, i, err)
		}
	}
}

// failGate reports a mistake in the i-th condition at a key, at its place within the gate's
// text where that is written as it stands.
func (p *problems) failGate(key string, i int, err error) {
	n := p.root.Get(key).Items[i]
	path := fmt.Sprintf("%s[%d]", key, i)
	at, message := gateMistake(err)
	e := p.doc.Errorf(n, path, "%s", message)
	if runes := []rune(e.Excerpt); e.Pos.Column-1 <= len(runes) {
		rest := string(runes[e.Pos.Column-1:])
		before, _, found := strings.Cut(rest, n.Text)
		if at = min(at, len(n.Text)); found {
			e.Pos.Column += utf8.RuneCountInString(before) + utf8.RuneCountInString(n.Text[:at])
			e.Width = max(1, utf8.RuneCountInString(n.Text[at:]))
		}
	}
	p.errs = append(p.errs, e)
}

// gateMistake is the place and the words of an error of package gate.
func gateMistake(err error) (at int, message string) {
	if name, ok := errors.AsType[*gate.NameError](err); ok {
		return name.At, fmt.Sprintf("there is no %s %q%s", name.Key, name.Got, allowed(name.Got, name.Them))
	}
	if e, ok := errors.AsType[*gate.Error](err); ok {
		return e.At, e.Message
	}
	return 0, err.Error()
}

// Subject is the plan as what gates are about.
func (p *Plan) Subject() gate.Subject {
	var s gate.Subject
	for _, d := range p.Dimensions {
		s.Dimensions = append(s.Dimensions, result.Dimension{Name: d.Name, Values: d.Values, Baseline: d.Baseline})
	}
	for _, v := range p.Variants {
		one := gate.SubjectVariant{Name: v.Name, Settings: v.Settings}
		for _, l := range v.Scenario.Load {
			one.Loads = append(one.Loads, gate.SubjectLoad{Name: l.Name, Kind: l.Kind()})
		}
		if v.Scenario.Fleet != nil {
			one.Faults = fault.Labels(v.Scenario.Fleet.Faults)
		}
		s.Variants = append(s.Variants, one)
	}
	return s
}

// gatesGiven reads the gates that the options add to the document's.
func (o Options) gatesGiven(s gate.Subject) ([]gate.Gate, error) {
	var gates []gate.Gate
	var errs []error
	for _, text := range o.Gates {
		g, err := gate.Parse(text)
		if err == nil {
			err = g.Check(s)
		}
		if err == nil && o.Builds != nil {
			err = o.Builds.gate(&g)
		}
		if err != nil {
			errs = append(errs, GateError("--gate", text, err))
		}
		gates = append(gates, g)
	}
	return gates, errors.Join(errs...)
}

// GateError is an error of package gate in words, with the text and a caret below
// the fault. source says where the text is from.
func GateError(source, text string, err error) error {
	at, message := gateMistake(err)
	at = min(at, len(text))
	shown := strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' {
			return ' '
		}
		return r
	}, text)
	return fmt.Errorf("%s: %s\n  %s\n  %s^", source, message, shown, strings.Repeat(" ", utf8.RuneCountInString(text[:at])))
}

// keepGates drops gates of the document of which --only has left nothing.
func (p *Plan) keepGates() {
	s := p.Subject()
	kept := p.Gates[:0]
	for _, g := range p.Gates {
		if err := g.Check(s); err != nil {
			p.Warnings = append(p.Warnings, fmt.Sprintf("--only leaves nothing for the gate %s", g))
			continue
		}
		kept = append(kept, g)
	}
	p.Gates = kept
	p.AbortWhen = slices.DeleteFunc(p.AbortWhen, func(g gate.Gate) bool { return g.Check(s) != nil })
}

// gateTrials is the trials that the gates need to be decided by an interval.
func (p *Plan) gateTrials() int {
	most := 1
	s := p.Subject()
	for _, g := range p.Gates {
		most = max(most, g.TrialsNeeded(s))
	}
	return most
}
