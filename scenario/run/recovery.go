package run

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
)

// untilRecovered ends a measurement so long after goodput has come back from the
// last of the scheduled faults, by the rule of stats.Phases.
type untilRecovered struct {
	faults    []result.FaultWindow
	end       time.Duration // of the last fault
	plus      time.Duration
	intervals []result.Interval
	known     bool
	at        time.Duration // when goodput was back
}

// newRecovery is nil where the measurement has its planned length.
func newRecovery(s *scenario.Scenario) *untilRecovered {
	if s.MeasureUntil == nil {
		return nil
	}
	r := &untilRecovered{faults: describeFaults(s.Fleet), plus: s.MeasureUntil.Until.Plus}
	if windows := stats.Events(r.faults, s.Measure); len(windows) > 0 {
		r.end = windows[len(windows)-1].To
	}
	return r
}

// enough takes in one more second, and says whether the one that has begun may
// be the last.
func (r *untilRecovered) enough(i result.Interval) bool {
	r.intervals = append(r.intervals, i)
	now := time.Duration(i.Second+1) * time.Second
	if !r.known && now > r.end {
		phases := stats.Phases(&result.Trial{MeasuredNS: int64(now), Intervals: r.intervals}, "", r.faults...)
		if n := len(phases); n > 0 && phases[n-1].Recovered {
			r.known, r.at = true, phases[n-1].Window.To+phases[n-1].Recovery
		}
	}
	return r.known && now+time.Second >= r.at+r.plus
}

// length is how long a trial's measurement is, as far as is known by its seconds.
type length struct {
	until *untilRecovered // nil where it is what was planned
	to    time.Duration
}

func newLength(s *scenario.Scenario, planned time.Duration) *length {
	return &length{until: newRecovery(s), to: planned}
}

// has says whether a second is whole, and one of the measurement: what only ends in
// the drain is none.
func (l *length) has(i result.Interval) bool {
	return time.Duration(i.Second+1)*time.Second <= l.to
}

// enough is untilRecovered's.
func (l *length) enough(i result.Interval) bool {
	if l.until == nil || !l.until.enough(i) {
		return false
	}
	l.to = min(l.to, time.Duration(i.Second+2)*time.Second)
	return true
}
