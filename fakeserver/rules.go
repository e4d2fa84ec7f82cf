package fakeserver

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

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
	number  int // in the fleet's list: part of its draws
	fault   fault.OnCall
	methods [methodCount]bool
	keys    []string // of Where.Metadata
}

// newRules picks the rules for calls to a backend.
func newRules(all []fault.Rule, backend int, c *clock, seed draw.Seed, b *books) *rules {
	rs := &rules{clock: c, seed: seed, books: b}
	for i, r := range all {
		f := r.Inject.OnCall()
		own, concerned := r.ForBackend(backend)
		if f == nil || !concerned {
			continue
		}
		rule := callRule{Rule: own, number: i, fault: f, keys: slices.Sorted(maps.Keys(r.Where.Metadata))}
		for m := range methodCount {
			rule.methods[m] = r.Meets(m.kind()) &&
				(r.Where.Kind == "" || r.Where.Kind == m.kind()) &&
				(r.Where.Method == "" || m.named(r.Where.Method))
		}
		rs.rules = append(rs.rules, rule)
	}
	return rs
}

// matches reports whether an attempt is one that the rule is for.
func (r *callRule) matches(ctx context.Context, m method, at time.Duration, who fault.Subject) bool {
	if !r.methods[m] || !r.Open(at) || r.Where.Attempt != nil && uint64(*r.Where.Attempt) != who.Attempt {
		return false
	}
	for _, key := range r.keys {
		if !slices.Contains(metadata.ValueFromIncomingContext(ctx, key), r.Where.Metadata[key]) {
			return false
		}
	}
	return true
}

// meeting is a fault that an attempt is to meet.
type meeting struct {
	rule *callRule
	met  bool
}

// choose judges an attempt that arrives now: which faults it is to meet, in
// the order of the rules.
func (rs *rules) choose(ctx context.Context, m method, who fault.Subject) (chosen []meeting) {
	if len(rs.rules) == 0 {
		return nil
	}
	at, set := rs.clock.at(time.Now())
	if !set {
		return nil
	}
	for i := range rs.rules {
		r := &rs.rules[i]
		if r.matches(ctx, m, at, who) && r.Selects(rs.seed, r.number, who) {
			chosen = append(chosen, meeting{rule: r})
		}
	}
	return chosen
}

// act lets the faults that an attempt is to meet act at a step of it, and
// counts those that it meets now.
func (rs *rules) act(chosen []meeting, step *fault.Step) {
	for i := range chosen {
		c := &chosen[i]
		if c.rule.fault.Act(step) && !c.met {
			c.met = true
			rs.books.faults[c.rule.number].Add(1)
		}
		if step.End != nil {
			return
		}
	}
}

// subject is which attempt at which call: what draws are made by. Clients say
// so in metadata. A call of one that does not is told apart by its place in
// the order in which the method's calls without an id reach this backend,
// which is its ordinal too; so is the ordinal of a call whose id does not end
// in a number.
func (s *service) subject(ctx context.Context, m method) fault.Subject {
	who := fault.Subject{Attempt: 1}
	id := metadata.ValueFromIncomingContext(ctx, callKey)
	numbered := false
	if len(id) > 0 {
		who.Call = draw.Hash(id[0])
		who.Ordinal, numbered = ordinal(id[0])
	}
	if !numbered {
		n := s.books.arrivals[m].Add(1)
		who.Ordinal = n - 1
		if len(id) == 0 {
			who.Call = draw.Mix(uint64(draw.Ordinal), uint64(s.backend), uint64(m), n)
		}
	}
	if v := metadata.ValueFromIncomingContext(ctx, previousKey); len(v) > 0 {
		if previous, err := strconv.ParseUint(v[0], 10, 32); err == nil {
			who.Attempt += previous
		}
	}
	return who
}

// ordinal is the number that a call's id ends in: 17 of reads/17, and of
// sync/3/17, the 18th call of worker 3.
func ordinal(id string) (uint64, bool) {
	n, err := strconv.ParseUint(id[strings.LastIndexByte(id, '/')+1:], 10, 64)
	return n, err == nil
}
