package run

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// recovery watches a measurement that ends when the system has recovered from
// its faults: from the first second after the last of them from which goodput
// per planned call, over recoveryWindow, is at least recoveredShare of what it
// was before the first.
type recovery struct {
	begin, end, plus time.Duration // of the faults; and what is to follow
	intervals        []result.Interval
	at               time.Duration // since when, once it is known
	known            bool
}

// newRecovery is nil where the measurement has its planned length.
func newRecovery(s *scenario.Scenario) *recovery {
	if s.MeasureUntil == nil {
		return nil
	}
	r := &recovery{plus: s.MeasureUntil.Until.Plus}
	r.begin, r.end, _ = faultSpan(s.Fleet, s.Measure)
	return r
}

// enough takes in one more second, and says whether the one that has begun may
// be the last.
func (r *recovery) enough(i result.Interval) bool {
	r.intervals = append(r.intervals, i)
	now := time.Duration(i.Second+1) * time.Second
	if !r.known {
		// Whole seconds only: the one in which the fault ended is no part of it.
		from := max(now-recoveryWindow, 0)
		if first := (r.end + time.Second - 1).Truncate(time.Second); from >= first {
			r.known, r.at = r.good(from, now), from
		}
	}
	return r.known && now+time.Second >= r.at+r.plus
}

// good compares goodput per planned call with that before the first fault; a
// fault that was there from the start leaves nothing to compare with but full
// goodput.
func (r *recovery) good(from, to time.Duration) bool {
	before, ok := goodShare(r.intervals, 0, r.begin)
	if !ok {
		before = 1
	}
	share, ok := goodShare(r.intervals, from, to)
	return ok && share > 0 && share >= recoveredShare*before
}
