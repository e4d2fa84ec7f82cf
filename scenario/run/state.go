package run

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
)

const (
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
// Recovery is stats.Phases', over all load entries together, after the last of
// the scheduled faults.
func state(t *result.Trial, fleet *scenario.Fleet) result.State {
	measured := time.Duration(t.MeasuredNS)
	if fleet != nil {
		faults := describeFaults(fleet)
		if windows := stats.AllWindows(faults, measured); len(windows) > 0 {
			phases := stats.Phases(t, "", faults...)
			if len(phases) == 0 || windows[len(windows)-1].To >= measured {
				return result.InFault
			}
			return recovery(t, phases[len(phases)-1])
		}
	}
	if capped(t) || growing(t.Intervals, measured) {
		return result.Saturated
	}
	return result.Steady
}

// recovery is the state after the last fault; it notes when goodput was back.
func recovery(t *result.Trial, last stats.Phase) result.State {
	switch {
	case !last.Judged:
		return result.InFault // it ended too late for anything to show
	case last.Recovered:
		after := int64(last.Recovery)
		t.RecoveryNS = &after
		return result.Recovered
	case last.Metastable:
		return result.Metastable
	}
	return result.NotRecovered
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
