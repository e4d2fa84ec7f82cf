package fakeserver

import (
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// identity is which attempt at which call: what draws are made by.
type identity struct {
	call, attempt uint64
}

// rules are the fleet's faults on calls, as one backend meets them: those for
// other backends are left out once, not call by call.
type rules struct {
	rules []callRule
	clock *clock
	seed  draw.Seed
	books *books
}

type callRule struct {
	fault.Rule
	number int // in the fleet's list: part of its draws
	fault  fault.OnCall
	method method // or -1: any
}

// newRules picks the rules for calls to a backend.
func newRules(all []fault.Rule, backend int, c *clock, seed draw.Seed, b *books) *rules {
	rs := &rules{clock: c, seed: seed, books: b}
	for i, r := range all {
		f := r.Inject.OnCall()
		if f == nil || !concerns(r.Where, backend) {
			continue
		}
		m := method(-1)
		if r.Where.Method != "" {
			m, _ = findMethod(r.Where.Method)
		}
		rs.rules = append(rs.rules, callRule{Rule: r, number: i, fault: f, method: m})
	}
	return rs
}

// concerns reports whether a rule is for a backend.
func concerns(w fault.Where, backend int) bool {
	return len(w.Backends) == 0 || slices.Contains(w.Backends, backend)
}

// meet judges an attempt that arrives now against the rules, in their order;
// one that ends the call is the last that is asked.
func (rs *rules) meet(m method, id identity) (e fault.Effect) {
	if len(rs.rules) == 0 {
		return e
	}
	at, set := rs.clock.at(time.Now())
	if !set {
		return e
	}
	for i := range rs.rules {
		r := &rs.rules[i]
		if r.method >= 0 && r.method != m || !r.Open(at) || !rs.hits(r, id) {
			continue
		}
		rs.books.faults[r.number].Add(1)
		r.fault.Meet(&e)
		if e.Err != nil {
			break
		}
	}
	return e
}

// hits decides by chance, where the rule leaves it to chance. Each rule draws
// for itself, by its number in the list.
func (rs *rules) hits(r *callRule, id identity) bool {
	if r.Probability == nil {
		return true
	}
	s := rs.seed.For(draw.Fault, r.number, id.call, id.attempt)
	return s.Float64() < *r.Probability
}
