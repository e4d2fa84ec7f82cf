package scenario

import (
	"fmt"
	"slices"
	"time"
)

// channels is the pool's size, connections what they come to once all are
// ready: each channel connects to every backend, or to one with pick_first. 0
// is unknown: only the target knows how many backends it has.
func (s *Scenario) channels() int { return s.Client.Pool.Size }

func (s *Scenario) connections() int {
	switch {
	case s.picksOne():
		return s.channels()
	case s.Fleet == nil:
		return 0
	default:
		return s.channels() * s.Fleet.Backends
	}
}

func (s *Scenario) picksOne() bool { return s.Client.Balance.PickFirst != nil }

// allOnFirst reports whether every channel sends all it has to the first
// backend.
func (s *Scenario) allOnFirst() bool { return s.picksOne() && !s.Client.Balance.PickFirst.Shuffle }

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

// utilisation is the share of its slots that a backend which gets calls keeps
// busy, when `serving` backends share the load: Σ rates × mean service time ÷
// (concurrency × serving). First attempts of the open loops only; with
// pick_first, at the best spread of the channels. ok is false
// where there is no limit to be near: no fleet, no concurrency or no service
// time.
func (s *Scenario) utilisation(serving int) (u float64, ok bool) {
	if s.Fleet == nil || s.Fleet.Concurrency == 0 || s.Fleet.ServiceTime.Mean() == 0 || serving == 0 {
		return 0, false
	}
	switch {
	case s.allOnFirst():
		serving = 1
	case s.picksOne():
		serving = min(serving, s.channels())
	}
	rate, _ := s.offered()
	return rate * s.Fleet.ServiceTime.Mean().Seconds() / float64(s.Fleet.Concurrency*serving), true
}

// outage is a `down` fault and who is left during it.
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
		if rule.Inject.Down == nil {
			continue
		}
		o := outage{name: rule.Label()}
		if len(rule.Where.Backends) > 0 {
			hit := slices.Compact(slices.Sorted(slices.Values(rule.Where.Backends)))
			o.survivors = s.Fleet.Backends - len(hit)
		}
		all = append(all, o)
	}
	return all
}

// doubts are warnings about plans that can be run but might not show what
// they seem to.
func (p *Plan) doubts() []string {
	var order []string
	where := make(map[string][]string)
	for _, v := range p.Variants {
		for _, text := range v.Scenario.doubts() {
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

func (s *Scenario) doubts() []string {
	var all []string
	doubt := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.Fleet != nil {
		for _, rule := range s.Fleet.Faults {
			switch {
			case rule.At >= s.Measure:
				doubt("fault %s begins at %v, when the measurement of %v is over: it never happens", rule.Label(), rule.At, s.Measure)
			case rule.For > 0 && rule.At+rule.For <= -s.Warmup:
				doubt("fault %s ends before the warm-up of %v begins: it never happens", rule.Label(), s.Warmup)
			case rule.For > 0 && rule.At+rule.For <= 0:
				doubt("fault %s ends before the measurement begins: it happens in the warm-up only", rule.Label())
			}
		}
		if u, ok := s.utilisation(s.Fleet.Backends); ok && u >= 1 {
			doubt("%s is more than a backend can serve: calls wait longer and longer", percent(u)+" utilisation")
		}
	}
	called := make(map[string]bool)
	for _, l := range s.Load {
		called[l.Method()] = true
		all = append(all, l.doubts(s.Measure)...)
		if timeout := s.CallTimeout(l.Method()); l.SLO > 0 && timeout > 0 && l.SLO > timeout {
			doubt("the slo of %s, %v, is longer than the timeout of a call, %v", l.Name, l.SLO, timeout)
		}
		if l.Request > s.Client.Messages.MaxSend {
			doubt("requests of %s carry %s, more than client.messages.max_send (%s): every call fails",
				l.Name, byteText(l.Request), byteText(s.Client.Messages.MaxSend))
		}
		if l.Response > s.Client.Messages.MaxReceive {
			doubt("responses of %s carry %s, more than client.messages.max_receive (%s): every call fails",
				l.Name, byteText(l.Response), byteText(s.Client.Messages.MaxReceive))
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

// byteText is a size in the largest unit that it is a whole number of.
func byteText(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size && n%unit.size == 0 {
			return fmt.Sprintf("%d%s", n/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}

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
