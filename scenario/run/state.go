package run

import (
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

const (
	// recoveredShare of the goodput per planned call from before the first
	// fault must come back, over recoveryWindow, for a trial to have recovered.
	recoveredShare = 0.95
	recoveryWindow = 5 * time.Second
	settledFor     = 3 * time.Second
	// A trial is saturated when calls in flight, averaged over the last
	// quarter of the measurement, are at least growthFactor times, and
	// growthCalls more than, those of the second quarter.
	growthFactor = 1.5
	growthCalls  = 10.0
	// It is saturated, too, when more than this share of its calls was dropped
	// because as many as max_in_flight allows were under way.
	cappedShare = 0.01
)

// state says what the system under test was doing when the measurement ended.
func state(t *result.Trial, fleet *scenario.Fleet) result.State {
	measured := time.Duration(t.MeasuredNS)
	begin, end, faulty := faultSpan(fleet, measured)
	switch {
	case faulty && end >= measured:
		return result.InFault
	case faulty:
		after, back, known := recovered(t.Intervals, begin, end, measured)
		switch {
		case !known:
			return result.InFault // it ended too late for anything to show
		case back:
			t.RecoveryNS = after
			return result.Recovered
		}
		return result.NotRecovered
	case capped(t), growing(t.Intervals, measured):
		return result.Saturated
	}
	return result.Steady
}

// faultSpan is from the begin of the first scheduled fault to the end of the
// last. Faults that are over before the measurement do not count.
func faultSpan(fleet *scenario.Fleet, measured time.Duration) (begin, end time.Duration, faulty bool) {
	if fleet == nil {
		return 0, 0, false
	}
	for _, rule := range fleet.Faults {
		from, to := span(rule, fleet.Backends, measured)
		if to <= 0 || from >= measured {
			continue
		}
		if !faulty || from < begin {
			begin = from
		}
		if !faulty || to > end {
			end = to
		}
		faulty = true
	}
	return begin, end, faulty
}

// span is from a rule's first window to the end of its last within the
// measurement, on whichever backend. What happens at a moment is over with it.
func span(rule fault.Rule, backends int, measured time.Duration) (from, to time.Duration) {
	from = rule.At
	late := time.Duration(0)
	if n := len(rule.Where.Backends); n > 0 {
		late = time.Duration(n-1) * rule.Stagger
	} else {
		late = time.Duration(backends-1) * rule.Stagger
	}
	last := rule.At + late
	if rule.Every > 0 && measured > last {
		last += (measured - 1 - last) / rule.Every * rule.Every
	}
	switch {
	case rule.Momentary():
		return from, last + 1
	case rule.For == 0:
		return from, measured
	}
	return from, last + rule.For
}

// recovered compares goodput per planned call after the fault with that before
// it. A fault that was there from the start leaves nothing to compare with but
// full goodput. A trial is back from the first second on that begins a good
// settledFor, or what there is after the fault, when all that follows is good,
// too; it is back, too, when the last recoveryWindow is good, and then it is
// not said since when. It is not known without one whole second after the
// fault.
func recovered(intervals []result.Interval, begin, end, measured time.Duration) (after *int64, back, known bool) {
	before, ok := goodShare(intervals, 0, begin)
	if !ok {
		before = 1
	}
	good := func(from, to time.Duration) (is, known bool) {
		share, known := goodShare(intervals, from, to)
		return share > 0 && share >= recoveredShare*before, known
	}
	back, known = good(max(end, measured-recoveryWindow), measured)
	for second := end.Truncate(time.Second); second < measured; second += time.Second {
		if second < end {
			continue
		}
		if is, _ := good(second, min(second+settledFor, measured)); !is {
			continue
		}
		if is, _ := good(second, measured); is {
			since := int64(second - end)
			return &since, true, known
		}
		break
	}
	return nil, back, known
}

// capped says that so many calls were in flight that arrivals were dropped.
func capped(t *result.Trial) bool {
	for i := range t.Series {
		if s := &t.Series[i]; float64(s.Dropped) > cappedShare*float64(s.Planned) {
			return true
		}
	}
	return false
}

// goodShare is in-SLO calls per planned call over the whole seconds between.
func goodShare(intervals []result.Interval, from, to time.Duration) (float64, bool) {
	var good, planned int64
	for _, i := range intervals {
		at := time.Duration(i.Second) * time.Second
		if at < from || at+time.Second > to {
			continue
		}
		for _, s := range i.Series {
			good += s.InSLO
			planned += s.Planned
		}
	}
	if planned == 0 {
		return 0, false
	}
	return float64(good) / float64(planned), true
}

func growing(intervals []result.Interval, measured time.Duration) bool {
	quarter := measured / 4
	early, ok1 := meanInFlight(intervals, quarter, 2*quarter)
	late, ok2 := meanInFlight(intervals, 3*quarter, measured)
	return ok1 && ok2 && late >= growthFactor*early && late-early >= growthCalls
}

func meanInFlight(intervals []result.Interval, from, to time.Duration) (float64, bool) {
	var sum float64
	n := 0
	for _, i := range intervals {
		if end := time.Duration(i.Second+1) * time.Second; end <= from || end > to {
			continue
		}
		n++
		for _, s := range i.Series {
			sum += float64(s.InFlight)
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}
