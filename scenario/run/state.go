package run

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
)

const (
	// A trial is saturated when calls in flight grow by more than chance makes
	// (stats.QueueGrowth) and, averaged over the last quarter of the measurement,
	// are at least growthFactor times, and growthCalls more than, those of the
	// second quarter.
	growthFactor = 1.5
	growthCalls  = 10.0
	// It is saturated, too, when more than this share of its calls was dropped
	// because as many as max_in_flight allows were under way.
	cappedShare = 0.01
)

// state says what the system under test was doing when the measurement ended.
// Recovery is stats.Phases', over all load entries together, after the last of
// the scheduled faults. Statistical checks are made at the level alpha.
func state(t *result.Trial, fleet *scenario.Fleet, loads []scenario.Load, alpha float64) result.State {
	measured := time.Duration(t.MeasuredNS)
	if fleet != nil {
		faults := describeFaults(fleet)
		if windows := stats.Events(faults, measured); len(windows) > 0 {
			phases := stats.Phases(t, "", faults...)
			if len(phases) == 0 || windows[len(windows)-1].To >= measured {
				return result.InFault
			}
			return recovery(t, phases[len(phases)-1])
		}
	}
	switch {
	case capped(t), growing(t, fleet, loads, alpha):
		return result.Saturated
	case drifting(t, fleet, loads, alpha):
		return result.Drifting
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

// growing says that calls in flight grew to the end, by more than chance makes and
// by what matters. Load entries whose calls in flight grow by plan, or are bounded,
// are left out of the sum.
func growing(t *result.Trial, fleet *scenario.Fleet, loads []scenario.Load, alpha float64) bool {
	measured := time.Duration(t.MeasuredNS)
	tells := map[string]bool{}
	for i := range loads {
		tells[loads[i].Name] = inFlightTells(&loads[i], fleet, measured)
	}
	var inFlight []float64 // at the ends of the whole seconds
	var early, late []float64
	for _, i := range t.Intervals {
		end := time.Duration(i.Second+1) * time.Second
		if i.Second < 0 || end > measured {
			continue
		}
		sum := 0.0
		for _, s := range i.Series {
			if tells[s.Name] {
				sum += float64(s.InFlight)
			}
		}
		inFlight = append(inFlight, sum)
		switch {
		case end > measured/4 && end <= measured/2:
			early = append(early, sum)
		case end > measured-measured/4:
			late = append(late, sum)
		}
	}
	if len(early) == 0 || len(late) == 0 {
		return false
	}
	was, is := stats.Mean(early), stats.Mean(late)
	return is >= growthFactor*was && is-was >= growthCalls && stats.QueueGrowth(inFlight) < alpha
}

// inFlightTells says that calls in flight of a load entry would level off in a
// system that keeps up, and grow in one that does not: not those of a closed loop,
// which its workers bound; nor where the load changes by plan; nor where what an
// arrival begins takes, by plan, so long that much of the measurement is over
// before as many end as begin.
func inFlightTells(l *scenario.Load, fleet *scenario.Fleet, measured time.Duration) bool {
	if !l.Open() || l.Shape.Profile() != nil || l.Arrivals.Replay != nil {
		return false
	}
	return l.Takes(fleet) <= measured/4
}
