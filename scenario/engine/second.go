package engine

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// second is what happened in one second of one phase, by entry.
type second struct{ entries []entrySecond }

// entrySecond is one entry's second. Arrivals belong to the second they were
// due in, starts to that of the dispatch, the rest to that of the end.
type entrySecond struct {
	arrivals  int64 // planned
	dropped   int64
	started   int64 // dispatched: those that were not dropped
	withinSLO int64
	inTime    int64 // OK, and ended before the phase's length had passed
	picks     int64
	held      int64         // calls of a closed loop that waited for its rate
	heldFor   time.Duration // how long, together
	codes     codeCounts
	response  *result.Histogram // OK calls; nil until there is one
}

func newSecond(entries int) *second { return &second{entries: make([]entrySecond, entries)} }

// empty says whether nothing happened.
func (s *second) empty() bool {
	for i := range s.entries {
		e := &s.entries[i]
		if e.arrivals != 0 || e.dropped != 0 || e.started != 0 || e.picks != 0 || e.codes.sum() != 0 {
			return false
		}
	}
	return true
}

func (s *second) merge(from *second) {
	for i := range s.entries {
		to, from := &s.entries[i], &from.entries[i]
		to.arrivals += from.arrivals
		to.dropped += from.dropped
		to.started += from.started
		to.withinSLO += from.withinSLO
		to.inTime += from.inTime
		to.picks += from.picks
		to.held += from.held
		to.heldFor += from.heldFor
		to.codes.merge(&from.codes)
		if from.codes.ok() > 0 {
			if to.response == nil {
				to.response = result.NewHistogram()
			}
			to.response.Merge(from.response)
		}
	}
}

// reset empties it and keeps its memory.
func (s *second) reset() {
	for i := range s.entries {
		e := &s.entries[i]
		if e.codes.ok() > 0 {
			e.response.Reset()
		}
		e.codes.reset()
		*e = entrySecond{codes: e.codes, response: e.response}
	}
}
