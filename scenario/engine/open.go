package engine

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// openLoop is an entry whose calls are due at times drawn beforehand.
//
// One worker at a time leads: it takes the next due time, waits for it, hands
// the lead to a parked worker (or a new one) and makes the call itself, so that
// no call changes goroutine between being due and being sent. A worker whose
// call has ended parks until it is its turn to lead.
type openLoop struct {
	trial *trial
	entry int
	sleep func(context.Context, time.Time) error
	busy  atomic.Int64 // calls under way; only the leader adds

	mu     sync.Mutex
	over   bool      // no one leads any more
	parked []*worker // with a goroutine, last in first out: warm caches
	spare  []*worker // without: from the phase before
	made   int

	// The leader's own.
	schedule load.Schedule
	next     time.Duration // the offset of the next arrival, not yet recorded
	ordinal  uint64
}

func newOpenLoop(t *trial, entry int) *openLoop {
	return &openLoop{trial: t, entry: entry, sleep: t.sleeper()}
}

// offer starts the first leader. It returns at once.
func (l *openLoop) offer(p *phase) {
	l.schedule, l.ordinal, l.over = l.trial.plan.Entries[l.entry].schedule(l.trial.plan, p.warmup), 0, false
	l.next = l.schedule.Next()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.appoint(p)
}

// schedule is the entry's arrivals in one phase.
func (e *Entry) schedule(plan *Plan, warmup bool) load.Schedule {
	name := e.Draws
	if name == "" {
		name = e.Name
	}
	seed := phaseSeed(plan, name, warmup, purposeArrivals)
	switch {
	case e.Profile == nil:
		return e.Process.Schedule(e.RatePerSecond, seed)
	case !warmup:
		return load.Shaped(e.Process, e.RatePerSecond, e.Profile, seed)
	}
	if begin := e.Profile.Factor(0); begin > 0 {
		return e.Process.Schedule(e.RatePerSecond*begin, seed)
	}
	return load.Nothing{}
}

// appoint makes a worker lead. l.mu is held.
func (l *openLoop) appoint(p *phase) {
	if n := len(l.parked); n > 0 {
		w := l.parked[n-1]
		l.parked = l.parked[:n-1]
		w.wake <- true
		return
	}
	if n := len(l.spare); n > 0 {
		w := l.spare[n-1]
		l.spare = l.spare[:n-1]
		p.group.Go(func() error {
			l.work(p, w)
			return nil
		})
		return
	}
	number := l.made
	l.made++
	p.group.Go(func() error {
		l.work(p, l.trial.newWorker(l.entry, number))
		return nil
	})
}

// work runs one worker through the phase. It begins as the leader.
func (l *openLoop) work(p *phase, w *worker) {
	for l.lead(p, w) {
		w.do(p.ctx, l.trial.recorder, false)
		l.session(p, w)
		if !l.park(w) {
			return
		}
	}
	l.dissolve(w)
}

// session makes the calls of w's session that follow its first.
func (l *openLoop) session(p *phase, w *worker) {
	e := w.call.Entry
	for n := 1; n < e.Session; n++ {
		due := w.call.Done.Add(e.Think)
		if !due.Before(p.end()) {
			return
		}
		w.prepare(p, w.call.Worker, uint64(n))
		w.call.Due = due
		if w.call.beyond() {
			return
		}
		w.ready()
		if w.rest(p.pacing, due) != nil || !due.Before(p.end()) {
			return // the end may have moved meanwhile
		}
		now := time.Now()
		if !l.trial.recorder.arrival(&w.place, w.entry, due, now, false) {
			return
		}
		w.call.Dispatch = now
		w.do(p.ctx, l.trial.recorder, false)
	}
}

// lead waits for the next arrival that may be served and hands over the lead:
// then w is to make the call. False means that there are no more.
func (l *openLoop) lead(p *phase, w *worker) bool {
	recorder, limit := l.trial.recorder, int64(w.call.Entry.MaxInFlight)
	for l.next < p.len() {
		due := p.start.Add(l.next)
		if w.call.Entry.Session > 1 {
			w.prepare(p, int(l.ordinal), 0)
		} else {
			w.prepare(p, -1, l.ordinal)
		}
		w.call.Due = due
		if w.call.beyond() {
			l.next = math.MaxInt64 // nothing is due any more
			return false
		}
		now := time.Now()
		early := now.Before(due)
		if early {
			w.ready()
			// What was due before the end is late by then, and made all the same.
			if l.sleep(p.pacing, due) != nil && (p.ctx.Err() != nil || !due.Before(p.end())) {
				return false
			}
			if !due.Before(p.end()) {
				return false // the end has moved
			}
			now = time.Now()
		} else if p.ctx.Err() != nil || p.warmup && !now.Before(p.end()) {
			return false
		}
		full := l.busy.Load() >= limit
		if !recorder.arrival(&w.place, w.entry, due, now, full) {
			return false
		}
		l.ordinal++
		l.next = l.schedule.Next()
		if full {
			continue
		}
		l.busy.Add(1)
		l.mu.Lock()
		l.appoint(p)
		l.mu.Unlock()
		w.call.Dispatch = now
		if !early {
			w.ready() // the lead is another's: it keeps nobody waiting
		}
		return true
	}
	return false
}

// park waits until it is w's turn to lead. False means that the phase has no
// more calls.
func (l *openLoop) park(w *worker) bool {
	l.busy.Add(-1)
	l.mu.Lock()
	if l.over {
		l.spare = append(l.spare, w)
		l.mu.Unlock()
		return false
	}
	l.parked = append(l.parked, w)
	l.mu.Unlock()
	return <-w.wake
}

// dissolve ends the phase for the leader and for all parked workers.
func (l *openLoop) dissolve(leader *worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for _, w := range l.parked {
		w.wake <- false
	}
	l.spare = append(append(l.spare, l.parked...), leader)
	l.parked = l.parked[:0]
}

// undispatched counts, after the phase, the arrivals due before a time that
// the leader did not come to.
func (l *openLoop) undispatched(before time.Time) (n int64) {
	limit := before.Sub(l.trial.recorder.start)
	e := &l.trial.plan.Entries[l.entry]
	for ; l.next < limit && l.next < math.MaxInt64; l.next = l.schedule.Next() {
		if e.MaxCalls > 0 && (l.ordinal+uint64(n))*uint64(max(e.Session, 1)) >= e.MaxCalls {
			break
		}
		n++
	}
	return n
}
