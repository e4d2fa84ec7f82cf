package engine

import (
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// maxStripes bounds the memory on a machine with many cores: even a million
// calls a second keep one of 16 stripes busy for a few per cent of the time.
const maxStripes = 16

// keptMeasures are the measures whose histograms grow over the whole phase.
// Response is not among them: it is kept by the second.
var keptMeasures = [...]result.Measure{
	result.ResponseFailed, result.Service, result.Wait, result.Lag, result.AttemptTime, result.FirstMessage, result.MessageGap,
	result.MessageResponse,
}

// Where keptMeasures has each measure.
const (
	keptFailed = iota
	keptService
	keptWait
	keptLag
	keptAttempt
	keptFirst
	keptGap
	keptMessage
)

// recorder counts the calls of one phase. Workers record into stripes, each
// behind its own lock; the collector takes each second out as it ends.
// Nothing grows with the number of calls, and recording does not allocate.
//
// A stripe has two seconds open, so that what belongs to the old one is told
// from what belongs to the new by its timestamps, not by which of collector
// and worker woke first.
type recorder struct {
	entries   []Entry
	stripes   []*stripe
	start     time.Time // of the phase
	end       int64     // of its length, in ns from start: the drain begins
	cutoff    int64     // the end of the drain: what ends then or later is unfinished
	failures  []failures
	exemplars exemplars

	// The collector's own.
	spare  *second
	merged *second
	total  *second
}

// stripe is one part of a recorder. Which part has a call does not matter.
type stripe struct {
	mu      sync.Mutex
	next    *stripe // round in a ring
	closed  bool
	floor   int64      // the earliest second that is still open
	seconds [2]*second // floor and floor+1, by parity
	kept    [][len(keptMeasures)]*result.Histogram
	late    []int64  // picks of calls that ended after the stripe was closed
	_       [64]byte // stripes' locks in cache lines of their own
}

func newRecorder(entries []Entry) *recorder {
	r := &recorder{
		entries:  entries,
		stripes:  make([]*stripe, min(2*runtime.GOMAXPROCS(0), maxStripes)),
		failures: make([]failures, len(entries)),
		spare:    newSecond(len(entries)),
		merged:   newSecond(len(entries)),
		total:    newSecond(len(entries)),
	}
	for i := range r.stripes {
		r.stripes[i] = &stripe{
			seconds: [2]*second{newSecond(len(entries)), newSecond(len(entries))},
			kept:    make([][len(keptMeasures)]*result.Histogram, len(entries)),
			late:    make([]int64, len(entries)),
		}
	}
	for i, s := range r.stripes {
		s.next = r.stripes[(i+1)%len(r.stripes)]
	}
	return r
}

// begin empties the recorder for a phase. The memory is kept, so that the
// measurement does not begin with page faults.
func (r *recorder) begin(start, end, cutoff time.Time) {
	r.start = start
	r.end, r.cutoff = r.at(end), r.at(cutoff)
	for _, s := range r.stripes {
		s.mu.Lock()
		s.closed, s.floor = false, 0
		s.seconds[0].reset()
		s.seconds[1].reset()
		for i := range s.kept {
			for _, h := range s.kept[i] {
				if h != nil {
					h.Reset()
				}
			}
		}
		clear(s.late)
		s.mu.Unlock()
	}
	for i := range r.failures {
		r.failures[i].reset()
	}
	r.exemplars.reset()
	r.merged.reset()
	r.total.reset()
}

// shorten sets an earlier end, which has not come yet, in the middle of a
// phase.
func (r *recorder) shorten(end, cutoff time.Time) {
	for _, s := range r.stripes {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	r.end, r.cutoff = r.at(end), r.at(cutoff)
}

// place is where one worker records: a stripe, until another worker is in its
// way there. As there are more stripes than processors, those that run at a
// time soon have one each.
type place struct{ stripe *stripe }

// place is where the worker-th worker begins.
func (r *recorder) place(worker int) place { return place{r.stripes[worker%len(r.stripes)]} }

// lock locks a stripe that no one else records into at the moment.
func (p *place) lock() *stripe {
	s := p.stripe
	for !s.mu.TryLock() {
		if s = s.next; s == p.stripe { // all of them: their holders may wait for a processor
			s.mu.Lock()
			break
		}
	}
	p.stripe = s
	return s
}

// at is when t is, counted from the phase's start.
func (r *recorder) at(t time.Time) int64 { return int64(t.Sub(r.start)) }

// secondOf numbers the second of the phase that lies at ns.
func secondOf(ns int64) int64 { return max(0, ns/int64(time.Second)) }

// second is the open second for number n. What belongs to one that has been
// collected goes to the next best.
func (s *stripe) second(n int64) *second {
	n = min(max(n, s.floor), s.floor+1)
	return s.seconds[n&1]
}

// arrival records that the call is due, and dispatched or dropped. False means
// that the phase is over and nothing was recorded.
func (r *recorder) arrival(p *place, entry int, due, dispatch time.Time, dropped bool) bool {
	dueNS := r.at(due)
	dispatchNS := dueNS
	if dispatch != due {
		dispatchNS = r.at(dispatch)
	}
	s := p.lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	e := &s.second(secondOf(dueNS)).entries[entry]
	e.arrivals++
	if dropped {
		e.dropped++
		return true
	}
	s.second(secondOf(dispatchNS)).entries[entry].started++
	if r.entries[entry].open() {
		s.keep(entry, keptLag, dispatchNS-dueNS)
	}
	return true
}

// held records that a closed loop's call had to wait until a time so as not to
// be above the rate that it is held to.
func (r *recorder) held(p *place, entry int, until time.Time, waited time.Duration) {
	s := p.lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	e := &s.second(secondOf(r.at(until))).entries[entry]
	e.held++
	e.heldFor += waited
}

// finish records a call that has ended, unless it ended too late: then only
// its attempts count, and those of its messages that were answered. With
// another, the caller's next call is due and dispatched as this one ends, if
// that is before the phase's length has passed: started says so.
func (r *recorder) finish(p *place, entry int, call *Call, another bool) (started bool) {
	due, done, sent := r.at(call.Due), r.at(call.Done), int64(unsent)
	if !call.Sent.IsZero() {
		sent = r.at(call.Sent)
	}
	s := p.lock()
	counted := !s.closed && done < r.cutoff
	if counted {
		e := &s.second(secondOf(done)).entries[entry]
		r.count(s, e, entry, call, due, sent, done)
		if another && done < r.end {
			e.arrivals++
			e.started++
			started = true
		}
	} else {
		s.late[entry] += call.Picks
		s.messages(entry, call)
	}
	s.mu.Unlock()
	if counted && !call.Warmup {
		r.exemplars.offer(entry, call, done-due)
	}
	return started
}

// unsent is when a call was sent that never was.
const unsent = math.MinInt64

// count records a call into the second in which it ended, whose e is its
// entry's. Times count from the phase's start. s is locked.
func (r *recorder) count(s *stripe, e *entrySecond, entry int, call *Call, due, sent, done int64) {
	e.picks += call.Picks
	response := done - due
	if call.Code == codeNames[codeOK] {
		e.codes.known[codeOK]++
		if e.response == nil {
			e.response = result.NewHistogram()
		}
		e.response.Record(response)
		if slo := int64(call.Entry.SLO); slo == 0 || response <= slo {
			e.withinSLO++
		}
		if done < r.end {
			e.inTime++
		}
		if sent != unsent {
			s.keep(entry, keptService, done-sent)
		}
	} else {
		e.codes.add(call.Code)
		s.keep(entry, keptFailed, response)
		r.failures[entry].add(call)
	}
	if sent == unsent {
		s.keep(entry, keptWait, response)
	} else {
		s.keep(entry, keptWait, sent-due)
		if call.Entry.Kind != result.Unary && !call.First.IsZero() {
			s.keep(entry, keptFirst, int64(call.First.Sub(call.Sent)))
		}
	}
	for i := range call.Attempts {
		s.keep(entry, keptAttempt, call.Attempts[i].DurationNS)
	}
	s.messages(entry, call)
}

// messages records the messages of a call, which may be unfinished or have
// failed: each that came has its own times. s is locked.
func (s *stripe) messages(entry int, call *Call) {
	for _, gap := range call.Gaps {
		s.keep(entry, keptGap, int64(gap))
	}
	for _, response := range call.Responses {
		s.keep(entry, keptMessage, int64(response))
	}
	for _, lag := range call.Lags {
		s.keep(entry, keptLag, int64(lag))
	}
}

func (s *stripe) keep(entry, measure int, ns int64) {
	h := s.kept[entry][measure]
	if h == nil {
		h = result.NewHistogram()
		s.kept[entry][measure] = h
	}
	h.Record(ns)
}

// close ends the counting: calls that are still running are unfinished, and
// further arrivals are refused.
func (r *recorder) close() {
	for _, s := range r.stripes {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
	}
}

// settle adds, after close and when all calls have returned, what came too
// late to be counted as it happened: attempts of calls that were cut off, and
// arrivals that were never dispatched, by entry.
func (r *recorder) settle(at time.Time, undispatched []int64) {
	last := r.stripes[0].second(secondOf(r.at(at)))
	for i := range last.entries {
		last.entries[i].arrivals += undispatched[i]
		for _, s := range r.stripes {
			last.entries[i].picks += s.late[i]
		}
	}
}

// collect takes the earliest open second out of all stripes and opens the
// next but one. The result is valid until the next call.
func (r *recorder) collect() *second {
	r.merged.reset()
	for _, s := range r.stripes {
		s.mu.Lock()
		taken := s.seconds[s.floor&1]
		s.seconds[s.floor&1] = r.spare
		s.floor++
		s.mu.Unlock()
		r.merged.merge(taken)
		taken.reset()
		r.spare = taken
	}
	r.total.merge(r.merged)
	return r.merged
}

// pending says whether an open second holds anything.
func (r *recorder) pending() bool {
	for _, s := range r.stripes {
		s.mu.Lock()
		empty := s.seconds[0].empty() && s.seconds[1].empty()
		s.mu.Unlock()
		if !empty {
			return true
		}
	}
	return false
}

// kept merges one measure of one entry into h over all stripes. Only after all
// workers have returned.
func (r *recorder) kept(h *result.Histogram, entry, measure int) {
	for _, s := range r.stripes {
		if from := s.kept[entry][measure]; from != nil {
			h.Merge(from)
		}
	}
}
