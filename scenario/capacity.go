package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

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
