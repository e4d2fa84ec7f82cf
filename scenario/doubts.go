package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// ended reports whether all windows of a rule are over by a time.
func (s *Scenario) ended(rule fault.Rule, by time.Duration) bool {
	last := rule.At + time.Duration(s.concerned(rule)-1)*rule.Stagger
	return rule.Every == 0 && (rule.For > 0 && last+rule.For <= by || rule.Momentary() && last < by)
}

// meets reports whether the load has calls that a rule on calls is for.
func (s *Scenario) meets(rule fault.Rule) bool {
	return slices.ContainsFunc(s.Load, func(l Load) bool { return s.meetsIn(rule, l) })
}

// meetsIn is meets for one load entry. The calls of a session are numbered from its
// first.
func (s *Scenario) meetsIn(rule fault.Rule, l Load) bool {
	for key, value := range rule.Where.Metadata {
		if !s.sends(key, value) {
			return false
		}
	}
	m, known := methodNamed(l.Call)
	kind := fault.RPCKind(l.Kind())
	return known && rule.Meets(kind) && (rule.Where.Kind == "" || rule.Where.Kind == kind) &&
		(rule.Where.Method == "" || rule.Where.Method == m.short || rule.Where.Method == m.full) &&
		(rule.Nth == nil || l.Sessions == nil || *rule.Nth <= l.Sessions.Calls)
}

// sends reports whether calls may carry this metadata. A key that hashing goes
// by has the values of users, who are many.
func (s *Scenario) sends(key, value string) bool {
	if hash := s.Client.Balance.ConsistentHash; hash != nil && strings.EqualFold(hash.Header, key) {
		return true
	}
	for k, v := range s.Client.Metadata {
		if strings.EqualFold(k, key) && v == value {
			return true
		}
	}
	return false
}

// Doubts are warnings about plans that can be run but might not show what they seem
// to: those that hold whatever the rate and the number of trials.
func (p *Plan) Doubts() []string { return p.doubts((*Scenario).doubts) }

// doubts are those of each variant, with the variants that have them.
func (p *Plan) doubts(of func(*Scenario) []string) []string {
	var order []string
	where := make(map[string][]string)
	for _, v := range p.Variants {
		for _, text := range of(v.Scenario) {
			if where[text] == nil {
				order = append(order, text)
			}
			where[text] = append(where[text], v.Name)
		}
	}
	for i, text := range order {
		switch n := len(where[text]); {
		case n == len(p.Variants):
		case n == 1:
			order[i] = fmt.Sprintf("%s (variant %s)", text, where[text][0])
		default:
			order[i] = fmt.Sprintf("%s (variant %s and %d more)", text, where[text][0], n-1)
		}
	}
	return order
}

// change is one of the endpoints that clients of a fleet are told of: when it comes,
// and the key that it is written at.
type change struct {
	key string
	at  time.Duration
}

func (s *Scenario) changes() []change {
	var all []change
	for _, c := range s.Churn {
		all = append(all, change{"churn", c.At})
	}
	if l := s.Fleet.Lookaside; l != nil {
		for _, c := range l.Changes {
			all = append(all, change{"fleet.lookaside", c.At})
		}
	}
	if x := s.Fleet.XDS; x != nil {
		for _, c := range x.Changes {
			all = append(all, change{"fleet.xds", c.At})
		}
	}
	return all
}

// overload is the warning about a rate that the fleet cannot serve.
func (s *Scenario) overload() []string {
	if s.Fleet == nil {
		return nil
	}
	if u, ok := s.utilisation(s.Fleet.Backends); ok && u >= 1 {
		return []string{percent(u) + " utilisation is more than a backend can serve: calls wait longer and longer"}
	}
	return nil
}

func (s *Scenario) doubts() []string {
	var all []string
	doubt := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.Fleet != nil {
		for _, rule := range s.Fleet.Faults {
			switch {
			case rule.At >= s.Measure:
				doubt("fault %s begins at %v, when the measurement of %v is over: it never happens", rule.Label(), rule.At, s.Measure)
			case s.ended(rule, -s.Warmup) && !rule.Momentary(): // a moment that is past comes at once
				doubt("fault %s ends before the warm-up of %v begins: it never happens", rule.Label(), s.Warmup)
			case s.ended(rule, 0):
				doubt("fault %s ends before the measurement begins: it happens in the warm-up only", rule.Label())
			case rule.Inject.OnCall() != nil && !s.meets(rule):
				doubt("fault %s never happens: no load entry makes calls that it is for", rule.Label())
			case rule.Burst != nil:
				for _, l := range s.Load {
					if l.Sessions != nil && l.Sessions.Calls < rule.Burst.Every && s.meetsIn(rule, l) {
						doubt("fault %s counts to %d among the calls of each session of %s, which are %d: it meets the first %d of every one",
							rule.Label(), rule.Burst.Every, l.Name, l.Sessions.Calls, min(rule.Burst.Size, l.Sessions.Calls))
					}
				}
			}
			if o := rule.Inject.Oversize; o != nil && o.Size <= s.Client.Messages.MaxReceive {
				doubt("fault %s sends %s, no more than client.messages.max_receive (%s): the client takes it",
					rule.Label(), strict.ByteText(o.Size), strict.ByteText(s.Client.Messages.MaxReceive))
			}
		}
		for _, change := range s.changes() {
			if change.at >= s.Measure {
				doubt("%s has a change at %v, when the measurement of %v is over: it never happens", change.key, change.at, s.Measure)
			}
		}
	}
	if t := s.Client.TLS; t != nil && t.InsecureSkipVerify {
		doubt("client.tls.insecure_skip_verify accepts ANY server's certificate: whoever is in between can read and change every call, secrets included")
	}
	called := make(map[string]bool)
	for _, l := range s.Load {
		called[l.Method()] = true
		all = append(all, l.doubts(s)...)
		if timeout := s.CallTimeout(l.Method()); l.SLO > 0 && timeout > 0 && l.SLO > timeout {
			doubt("the slo of %s, %v, is longer than the timeout of a call, %v", l.Name, l.SLO, timeout)
		}
		for _, payload := range []struct {
			what, key   string
			bytes, most int64
			sizes       load.Sizes
		}{
			{"requests", "max_send", l.Request, s.Client.Messages.MaxSend, l.RequestSizes},
			{"responses", "max_receive", l.Response, s.Client.Messages.MaxReceive, l.ResponseSizes},
		} {
			if payload.bytes <= payload.most {
				continue
			}
			carry, fails := strict.ByteText(payload.bytes), "every call fails"
			if payload.sizes.Name() != "" {
				carry, fails = "up to "+carry, "calls with more fail"
			}
			doubt("%s of %s carry %s, more than client.messages.%s (%s): %s", payload.what, l.Name, carry, payload.key, strict.ByteText(payload.most), fails)
		}
	}
	for _, m := range methods() {
		for _, name := range []string{m.short, m.full} {
			if _, set := s.Client.Methods[name]; set && !called[m.full] {
				doubt("client.methods.%s does nothing: no load entry calls %s", name, m.short)
			}
		}
	}
	return all
}
