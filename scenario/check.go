package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/scenario/clientyaml"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Validate returns what is wrong with the settings of the client and the
// fleet. The decoder calls it and finds their places in the document.
func (s Scenario) Validate() error {
	errs := []error{under("client", s.Client.Validate())}
	if s.Fleet != nil {
		errs = append(errs, under("fleet", s.Fleet.Config.Validate()))
	}
	return errors.Join(errs...)
}

// fieldError is an error of the setting at path.
type fieldError struct {
	path string
	err  error
}

func (e fieldError) Error() string { return e.err.Error() }
func (e fieldError) Unwrap() error { return e.err }
func (e fieldError) Field() string { return e.path }

// under moves err, or each of the errors joined in it, below prefix.
func under(prefix string, err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var moved []error
		for _, e := range joined.Unwrap() {
			moved = append(moved, under(prefix, e))
		}
		return errors.Join(moved...)
	}
	path := prefix
	if f, ok := err.(interface{ Field() string }); ok && f.Field() != "" {
		path += "." + f.Field()
	}
	return fieldError{path: path, err: err}
}

// fieldErrors is what under has joined, one by one.
func fieldErrors(err error) []fieldError {
	switch e := err.(type) {
	case fieldError:
		return []fieldError{e}
	case interface{ Unwrap() []error }:
		var all []fieldError
		for _, inner := range e.Unwrap() {
			all = append(all, fieldErrors(inner)...)
		}
		return all
	}
	return nil
}

// check finds what only the document as a whole can show. It reads the tree
// beside the decoded values: a setting left out and one set to 0 differ there.
func (s *Scenario) check(p *problems) {
	switch fleet, target := p.root.Get("fleet"), p.root.Get("target"); {
	case fleet == nil && target == nil:
		p.addUnlessKnown("", "needs a fleet of fake servers (fleet: {backends: 3}) or a target (target: localhost:50051)")
	case fleet != nil && target != nil:
		p.addUnlessKnown("target", "a scenario has either a fleet or a target, not both")
	case target != nil:
		s.checkTarget(p)
	}
	if p.root.Get("name") != nil && !isName(s.Name) {
		p.addUnlessKnown("name", "must be %s (got %q)", nameRule, s.Name)
	}
	if s.Fleet != nil && !slices.Contains(isolations(), s.Fleet.Isolation) {
		p.addUnlessKnown("fleet.isolation", "must be %s (got %q)%s",
			strings.Join(isolations(), " or "), s.Fleet.Isolation, didYouMean(s.Fleet.Isolation, isolations()))
	}
	s.checkDescriptors(p)
	s.checkRemote(p)
	s.checkTrials(p)
	s.checkXDS(p)
	s.checkUntil(p)
	if s.Warmup < 0 {
		p.addUnlessKnown("warmup", "must be >= 0 (got %v)", s.Warmup)
	}
	if s.Measure <= 0 {
		p.addUnlessKnown("measure", "must be > 0 (got %v)", s.Measure)
	}
	if s.Drain <= 0 {
		p.addUnlessKnown("drain", "must be > 0 (got %v)", s.Drain)
	}
	s.checkMethodSettings(p)
	if path, message := clientyaml.CheckBreaker(s.Client.Config, p.root.Get("client")); path != "" && !p.knows("client.breaker") {
		p.add("client."+path, "%s", message)
	}
	s.checkChurn(p)
	if s.Fleet != nil && s.Client.TLS != nil {
		p.addUnlessKnown("client.tls", "is for a target: clients trust the certificates of a fleet with tls: self_signed by themselves")
	}
	if s.fronted() && s.Client.Balance.NeedsLookaside() {
		p.addUnlessKnown("fleet.front", "cannot be with balance grpclb: its balancer hands out the backends' own addresses")
	}
	s.checkLoad(p)
}

func (s *Scenario) checkMethodSettings(p *problems) {
	for name, settings := range s.Client.Methods {
		path := "client.methods." + name
		s.checkZeros(p, path, name, settings)
		m, ok := methodNamed(name)
		if !ok && s.callsOwn(name) {
			continue
		}
		if !ok {
			p.addUnlessKnown(path, "unknown method %q%s", name, allowed(name, s.settableNames()))
			continue
		}
		if _, twice := s.Client.Methods[m.short]; twice && name == m.full {
			p.addUnlessKnown(path, "the method is set twice: as %s too", m.short)
		}
		if h := settings.Hedge; h != nil && !h.Off && !m.hedged() {
			p.addUnlessKnown(path+".hedge", "must be none: only unary calls and server streams are hedged, and %s is a %s",
				m.short, strings.ReplaceAll(string(m.kind), "_", " "))
		}
	}
}

// checkZeros finds what a method's policy has as 0, which there stands for the
// client's setting and not for none.
func (s *Scenario) checkZeros(p *problems, path, name string, m clientcore.Method) {
	policies := p.root.Get("client").Key("methods").Key(name)
	check := func(policy, key string, zero bool, inherited any) {
		if written := policies.Key(policy).Key(key); written != nil && zero {
			p.addUnlessKnown(path+"."+policy+"."+key, "must be > 0 (got %s): where a method's %s says nothing the client's holds, %v", written, policy, inherited)
		}
	}
	if r := m.Retry; r != nil && !r.Off {
		all := r.Inherit(s.Client.Retry)
		check("retry", "attempts", r.Attempts == 0, all.Attempts)
		check("retry", "attempt_timeout", r.AttemptTimeout == 0 && all.AttemptTimeout != 0, all.AttemptTimeout)
		if all.Backoff.Immediate == nil {
			check("retry", "base", r.Base == 0, all.Base)
			check("retry", "max", r.Max == 0 && all.Backoff.Fixed == nil, all.Max)
			check("retry", "multiplier", r.Multiplier == 0 && all.Backoff.Exponential != nil, all.Multiplier)
		}
	}
	if h := m.Hedge; h != nil && !h.Off {
		all := hedge.Default()
		if s.Client.Hedge != nil {
			all = s.Client.Hedge.Inherit(all)
		}
		check("hedge", "attempts", h.Attempts == 0, all.Attempts)
	}
}

// callsOwn is whether an entry calls the user's own method of that name.
func (s *Scenario) callsOwn(name string) bool {
	return slices.ContainsFunc(s.Load, func(l Load) bool { return l.own && l.Method() == name })
}

// settableNames are the methods that client.methods may name.
func (s *Scenario) settableNames() []string {
	var names []string
	for _, l := range s.Load {
		if l.own {
			names = append(names, l.Method())
		}
	}
	if names == nil {
		return methodNames()
	}
	return names
}

func (s *Scenario) checkLoad(p *problems) {
	if len(s.Load) == 0 && !p.fleetOnly {
		p.addUnlessKnown("load", "needs at least one entry, such as {call: GetUser, rate: 500/s}")
	}
	calls := make(map[string]int) // method: entries without a name
	for _, l := range s.Load {
		calls[l.Method()]++
	}
	named := make(map[string]int)
	entries := p.root.Get("load") // nil where there are none
	for i, l := range s.Load {
		path := fmt.Sprintf("load[%d]", i)
		n := entries.Items[i]
		l.check(p, n, path)
		if _, known := s.capacity(l); l.Share > 0 && !known {
			p.addUnlessKnown(path+".rate", "a share of the fleet's capacity needs to know it: set fleet.concurrency, and a service_time for %s, or write a rate such as 500/s", l.Call)
		}
		name := l.Name
		switch {
		case name == "" && n.Key("name") != nil:
			p.addUnlessKnown(path+".name", "must not be empty")
			continue
		case name == "" && calls[l.Method()] > 1 && l.Method() != "":
			p.addUnlessKnown(path, "needs a name: %d entries call %s", calls[l.Method()], l.Call)
			continue
		case name == "":
			name = l.defaultName()
		case !isName(name):
			p.addUnlessKnown(path+".name", "must be %s (got %q)", nameRule, name)
		}
		for _, name := range append([]string{name}, l.partNames(name)...) {
			if first, taken := named[name]; taken && name != "" {
				p.addUnlessKnown(path+".name", "must be unique: load[%d] is named %q already", first, name)
			} else {
				named[name] = i
			}
		}
	}
}

// maxPayload and maxMessages keep sizes within the contract's 32-bit fields
// and a mistaken exponent from filling the memory.
const (
	maxPayload  = 1 << 30
	maxMessages = 1 << 20
)

// didYouMean is ", did you mean x?" when one of among is near name.
func didYouMean(name string, among []string) string {
	if near := strict.Suggest(name, among); near != "" {
		return fmt.Sprintf(", did you mean %s?", near)
	}
	return ""
}

// allowed is didYouMean, with all that is allowed when nothing is near.
func allowed(name string, among []string) string {
	if hint := didYouMean(name, among); hint != "" {
		return hint
	}
	return ": must be " + orList(among)
}

// orList is "a, b or c".
func orList(words []string) string {
	switch n := len(words); n {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
}
