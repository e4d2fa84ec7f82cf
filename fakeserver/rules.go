package fakeserver

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// rules are the fleet's faults on calls, as one backend meets them: those for
// other backends are left out once, not call by call. Rules may come and go
// while calls are judged.
type rules struct {
	backend int
	clock   *clock
	seed    draw.Seed
	list    atomic.Pointer[[]callRule] // never written to, only replaced
}

type callRule struct {
	fault.Rule
	number  int // in the fleet's list: part of its draws
	count   *ruleCount
	fault   fault.OnCall
	methods [methodCount]bool
	keys    []string // of Where.Metadata
}

// newRules picks the rules for calls to a backend.
func newRules(all []fault.Rule, backend int, c *clock, seed draw.Seed, b *books) *rules {
	rs := &rules{backend: backend, clock: c, seed: seed}
	rs.list.Store(&[]callRule{})
	counts := *b.rules.Load()
	for i, r := range all {
		rs.add(r, i, counts[i])
	}
	return rs
}

// add adds a rule after the others, if it is one for calls to the backend. One
// goroutine at a time may add and drop.
func (rs *rules) add(r fault.Rule, number int, count *ruleCount) {
	f := r.Inject.OnCall()
	own, concerned := r.ForBackend(rs.backend)
	if f == nil || !concerned {
		return
	}
	rule := callRule{Rule: own, number: number, count: count, fault: f, keys: slices.Sorted(maps.Keys(r.Where.Metadata))}
	for m := range methodCount {
		rule.methods[m] = r.Meets(m.kind()) &&
			(r.Where.Kind == "" || r.Where.Kind == m.kind()) &&
			(r.Where.Method == "" || m.named(r.Where.Method))
	}
	list := append(slices.Clone(*rs.list.Load()), rule)
	rs.list.Store(&list)
}

// drop takes a rule away. Attempts that are under way meet it still.
func (rs *rules) drop(label string) {
	list := slices.DeleteFunc(slices.Clone(*rs.list.Load()), func(r callRule) bool { return r.count.label == label })
	rs.list.Store(&list)
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
	rules := *rs.list.Load()
	if len(rules) == 0 {
		return nil
	}
	at, set := rs.clock.at(time.Now())
	if !set {
		return nil
	}
	for i := range rules {
		r := &rules[i]
		if r.matches(ctx, m, at, who) && r.Selects(rs.seed, r.number, who) {
			chosen = append(chosen, meeting{rule: r})
		}
	}
	return chosen
}

// act lets the faults that an attempt is to meet act at a step of it, and
// counts those that it meets now.
func (rs *rules) act(c *call, step *fault.Step) {
	for i := range c.faults {
		m := &c.faults[i]
		if m.rule.fault.Act(step) && !m.met {
			m.met = true
			m.rule.count.calls.of(c.method, c.attempt).Add(1)
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
