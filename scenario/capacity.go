package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// channels is those of all clients, connections what they come to once all are
// ready: each channel connects to every backend, or to some or one of them, as the
// balancing policy has it. 0 is unknown: only the target knows how many backends it
// has.
func (s *Scenario) channels() int { return s.Client.Pool.Size * max(s.Client.Count, 1) }

func (s *Scenario) connections() int {
	if s.Fleet == nil && !s.picksOne() {
		return 0
	}
	return s.channels() * s.perChannel()
}

// perChannel is how many backends a channel is connected to.
func (s *Scenario) perChannel() int {
	if s.picksOne() {
		return 1
	}
	if n := s.subset(); n > 0 {
		return min(n, s.Fleet.Backends)
	}
	return s.Fleet.Backends
}

// subset is how many backends random_subsetting leaves a channel; 0 is all.
func (s *Scenario) subset() int {
	for _, p := range s.policies() {
		if p.RandomSubsetting != nil {
			return p.RandomSubsetting.Size
		}
	}
	return 0
}

// policies is the balancing policy and those below it.
func (s *Scenario) policies() []balance.Policy {
	all := []balance.Policy{s.Client.Balance}
	for {
		switch last := all[len(all)-1]; {
		case last.OutlierDetection != nil:
			all = append(all, last.OutlierDetection.Child)
		case last.RandomSubsetting != nil:
			all = append(all, last.RandomSubsetting.Child)
		default:
			return all
		}
	}
}

// pickFirst is the pick_first that all calls of a channel go by; nil where none
// does.
func (s *Scenario) pickFirst() *balance.PickFirst {
	all := s.policies()
	return all[len(all)-1].PickFirst
}

// picksOne reports whether a channel is one connection, to one backend: with
// pick_first, and through a front that has one address for all.
func (s *Scenario) picksOne() bool { return s.pickFirst() != nil || s.fronted() }

// drawn reports whether each channel has backends of its own, so that how evenly
// the load is spread is a matter of which they are.
func (s *Scenario) drawn() bool { return s.picksOne() || s.subset() > 0 }

func (s *Scenario) fronted() bool { return s.Fleet != nil && s.Fleet.Front == fakeserver.L4 }

// allOnFirst reports whether every channel sends all it has to the first
// backend.
func (s *Scenario) allOnFirst() bool {
	first := s.pickFirst()
	return first != nil && !first.Shuffle && s.subset() == 0 && !s.fronted()
}

// offered is Σ rates of the open loops, in calls per second, and whether there
// are closed loops besides, whose rate the answer decides.
func (s *Scenario) offered() (rate float64, closed bool) {
	for _, l := range s.Load {
		if l.Open() {
			rate += l.callRate(s.Measure)
		} else {
			closed = true
		}
	}
	return rate, closed
}

// capacity is how many calls of a load entry the fleet can serve in a second
// when it serves nothing else: Σ concurrency ÷ mean time in a slot. ok is false
// where there is no limit: no fleet, no concurrency or no service time.
func (s *Scenario) capacity(l Load) (perSecond float64, ok bool) {
	if s.Fleet == nil || s.Fleet.Backends == 0 {
		return 0, false
	}
	for b := range s.Fleet.Backends {
		work := s.meanWork(b, l)
		if s.Fleet.Slots(b) == 0 || work <= 0 {
			return 0, false
		}
		perSecond += float64(s.Fleet.Slots(b)) / work.Seconds()
	}
	return perSecond, true
}

// meanWork is how long a call of l is in a slot of a backend, on average over
// the methods of a mix.
func (s *Scenario) meanWork(backend int, l Load) time.Duration {
	if l.Mix == nil {
		return s.Fleet.MeanWork(backend, l.Method(), l.messages())
	}
	var sum, weights float64
	for name, weight := range l.Mix {
		if m, ok := methodNamed(name); ok {
			sum += weight * float64(s.Fleet.MeanWork(backend, m.full, l.messages()))
			weights += weight
		}
	}
	if weights == 0 {
		return 0
	}
	return time.Duration(sum / weights)
}

// messages is the number of messages of each stream, as it comes to be when it
// is left out.
func (l Load) messages() int {
	if l.Messages == 0 {
		return defaultMessages
	}
	return l.Messages
}

// utilisations is, for each backend, the share of its slots that it keeps busy
// when `serving` backends share the load evenly: Σ rate × mean time in a slot ÷
// (concurrency × serving). First attempts of the open loops only; where channels
// have backends of their own, at the best spread. ok is false where
// there is no limit to be near: no fleet, no concurrency or no service time.
func (s *Scenario) utilisations(serving int) (each []float64, ok bool) {
	if s.Fleet == nil || serving == 0 {
		return nil, false
	}
	switch {
	case s.allOnFirst():
		serving = 1
	case s.drawn():
		serving = min(serving, s.channels()*s.perChannel())
	}
	each = make([]float64, s.Fleet.Backends)
	for b := range each {
		slots := s.Fleet.Slots(b)
		if slots == 0 {
			return nil, false
		}
		for _, l := range s.Load {
			if l.Open() {
				each[b] += l.steadyRate(s.Measure) * s.Fleet.MeanWork(b, l.Method(), l.messages()).Seconds() / float64(slots*serving)
			}
		}
		if each[b] == 0 && !s.takesTime(b) {
			return nil, false
		}
	}
	return each, true
}

// takesTime reports whether calls that are made keep a backend busy.
func (s *Scenario) takesTime(backend int) bool {
	return slices.ContainsFunc(s.Load, func(l Load) bool { return s.Fleet.MeanWork(backend, l.Method(), l.messages()) > 0 })
}

// utilisation is that of the busiest backend.
func (s *Scenario) utilisation(serving int) (u float64, ok bool) {
	each, ok := s.utilisations(serving)
	if !ok {
		return 0, false
	}
	return slices.Max(each), true
}

// outage is a `down` or `restart` fault and who is left during it.
type outage struct {
	name      string
	survivors int
}

func (s *Scenario) outages() []outage {
	if s.Fleet == nil {
		return nil
	}
	var all []outage
	for _, rule := range s.Fleet.Faults {
		if rule.Inject.Down == nil && rule.Inject.Restart == nil {
			continue
		}
		hit := s.concerned(rule)
		if rule.Stagger > 0 && rule.For > 0 {
			// One goes down while earlier ones may be down still.
			hit = min(hit, int((rule.For+rule.Stagger-1)/rule.Stagger))
		}
		all = append(all, outage{name: rule.Label(), survivors: s.Fleet.Backends - hit})
	}
	return all
}

// concerned is how many backends a rule is for.
func (s *Scenario) concerned(rule fault.Rule) int {
	if len(rule.Where.Backends) == 0 {
		return s.Fleet.Backends
	}
	return len(rule.Where.Backends)
}

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

// percent is 0.534 as 53 %.
func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// minutes is a duration for people: 45 s, 1.5 min, 2.1 h.
func minutes(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.3g min", d.Minutes())
	default:
		return fmt.Sprintf("%.3g h", d.Hours())
	}
}
