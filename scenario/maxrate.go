package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// peakRate is the most calls per second that an open loop plans: its rate at the
// peak of its shape, with all calls of its sessions. Calls of a burst come at
// once, so they all count; replayed arrivals have their busiest second. Random
// arrivals scatter about it, as they do about any rate.
func (l Load) peakRate() float64 {
	share, calls := l.mixShare(), 1.0
	if l.Sessions != nil {
		calls = float64(l.Sessions.Calls)
	}
	if r := l.Arrivals.Replay; r != nil {
		return share * calls * float64(r.Busiest(time.Second))
	}
	rate := l.Rate
	if p := l.Shape.Profile(); p != nil {
		rate *= p.Peak()
	}
	if b := l.Arrivals.Bursts; b != nil {
		rate = max(rate, share*float64(b.Size))
	}
	return rate * calls
}

// peak is what all open loops come to at their peaks, whether or not they fall
// together.
func (s *Scenario) peak() float64 {
	sum := 0.0
	for _, l := range s.Load {
		if l.Open() {
			sum += l.peakRate()
		}
	}
	return sum
}

// closed is whether there are closed loops.
func (s *Scenario) closed() bool {
	return slices.ContainsFunc(s.Load, func(l Load) bool { return !l.Open() })
}

// ClosedRate is the calls per second that all closed loops together are held to:
// what max_rate has left over the peaks of the open loops. 0 is no limit.
func (s *Scenario) ClosedRate() float64 {
	if s.MaxRate == 0 || !s.closed() {
		return 0
	}
	return s.MaxRate - s.peak()
}

// above reports whether a rate is above a bound by more than the rounding of the
// parts that it is the sum of.
func above(rate, bound float64) bool { return rate > bound*(1+1e-9) }

// maxRateText is what max_rate leaves room for.
func (s *Scenario) maxRateText() string {
	switch closed := s.ClosedRate(); {
	case s.MaxRate == 0:
		return "no limit"
	case closed > 0 && s.peak() > 0:
		return fmt.Sprintf("%s offered: %s at the peaks of the open loops, the closed ones are held to the %s left",
			rateText(s.MaxRate), rateText(s.peak()), rateText(closed))
	case closed > 0:
		return fmt.Sprintf("%s offered: the closed loops are held to it", rateText(s.MaxRate))
	}
	return fmt.Sprintf("%s offered: it comes to %s at its peaks", rateText(s.MaxRate), rateText(s.peak()))
}

// checkMaxRate finds a load above max_rate. The scenario is complete by now.
func (s *Scenario) checkMaxRate(p *problems) {
	if p.root.Get("max_rate") == nil {
		return
	}
	if s.MaxRate <= 0 {
		p.add("max_rate", "must be > 0/s (got %v/s)", s.MaxRate)
		return
	}
	var order []string // entries of the document, a mix as one
	peaks, places := make(map[string]float64), make(map[string]int)
	for _, l := range s.Load {
		if !l.Open() {
			continue
		}
		if _, seen := peaks[l.entry()]; !seen {
			order = append(order, l.entry())
		}
		peaks[l.entry()] += l.peakRate()
		places[l.entry()] = l.place
	}
	var each []string
	alone := false
	for _, name := range order {
		each = append(each, name+" "+rateText(peaks[name]))
		if above(peaks[name], s.MaxRate) {
			alone = true
			path := fmt.Sprintf("load[%d].rate", places[name])
			if p.root.Get(path) == nil {
				path = parent(path) // replayed arrivals have none
			}
			p.add(path, "%s comes to %s at its peak, and max_rate is %s",
				name, rateText(peaks[name]), rateText(s.MaxRate))
		}
	}
	switch sum := s.peak(); {
	case alone:
	case above(sum, s.MaxRate):
		p.add("max_rate", "the load comes to %s at its peaks (%s): must be at least that (got %s)",
			rateText(sum), strings.Join(each, ", "), rateText(s.MaxRate))
	case s.closed() && !above(s.MaxRate, sum):
		p.add("max_rate", "leaves nothing for closed loops: must be more than the %s of the open ones (got %s)",
			rateText(sum), rateText(s.MaxRate))
	}
}

// rateText is a rate for people: 1,200/s, 0.5/s.
func rateText(perSecond float64) string {
	if perSecond >= 100 || perSecond == math.Trunc(perSecond) {
		return thousands(int64(math.Round(perSecond))) + "/s"
	}
	return fmt.Sprintf("%.3g/s", perSecond)
}
