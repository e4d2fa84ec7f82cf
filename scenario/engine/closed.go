package engine

import (
	"math"
	"time"
)

// closedLoop is an entry whose workers each wait for a call to end, and think,
// before the next.
type closedLoop struct {
	trial   *trial
	entry   int
	workers []*worker
}

func newClosedLoop(t *trial, entry int) *closedLoop { return &closedLoop{trial: t, entry: entry} }

// offer starts the workers at the phase's start. It returns at once.
func (l *closedLoop) offer(p *phase) {
	p.group.Go(func() error {
		if len(l.workers) == 0 {
			for i := range l.trial.plan.Entries[l.entry].most() {
				l.workers = append(l.workers, l.trial.newWorker(l.entry, i))
			}
		}
		if l.trial.sleeper()(p.ctx, p.start) != nil {
			return nil
		}
		for i, w := range l.workers {
			p.group.Go(func() error {
				l.work(p, w, i)
				return nil
			})
		}
		return nil
	})
}

// undispatched is always zero: a closed loop has no schedule to be late for.
func (l *closedLoop) undispatched(time.Time) int64 { return 0 }

func (l *closedLoop) work(p *phase, w *worker, number int) {
	e := w.call.Entry
	// A worker that always goes on at once is ready for its next call as the
	// last one ends: no need to ask the clock, or to record it apart.
	greedy := e.Think == 0 && e.Profile == nil && p.limit == nil && e.MaxCalls == 0 && w.preparer == nil
	started := false
	for n := uint64(0); ; n++ {
		if started {
			due := w.call.Done
			w.prepare(p, number, n)
			w.call.Due, w.call.Dispatch = due, due
		} else if !l.begin(p, w, number, n) {
			return
		}
		started = w.do(p.ctx, l.trial.recorder, greedy)
		if e.Think == 0 {
			continue
		}
		next := w.call.Done.Add(e.Think)
		if !next.Before(p.end()) || w.rest(p.pacing, next) != nil {
			return
		}
	}
}

// begin begins a call, once the profile wants the worker and the rate allows
// it. False means that there are no more in this phase.
func (l *closedLoop) begin(p *phase, w *worker, number int, ordinal uint64) bool {
	if !l.wanted(p, w, number) {
		return false
	}
	w.prepare(p, number, ordinal)
	if w.call.beyond() {
		return false
	}
	w.ready()
	now := time.Now()
	if !now.Before(p.end()) || p.ctx.Err() != nil {
		return false
	}
	if at := p.limit.take(now); at.After(now) {
		if !at.Before(p.end()) || w.rest(p.pacing, at) != nil {
			return false
		}
		waited := at.Sub(now)
		if now = time.Now(); !now.Before(p.end()) {
			return false // late, or the end has moved
		}
		l.trial.recorder.held(&w.place, w.entry, at, waited)
	}
	w.call.Due, w.call.Dispatch = now, now
	return l.trial.recorder.arrival(&w.place, w.entry, now, now, false)
}

// wanted waits until the profile asks for the worker of that number. False
// means that it does not any more in this phase.
func (l *closedLoop) wanted(p *phase, w *worker, number int) bool {
	e := w.call.Entry
	if e.Profile == nil {
		return true
	}
	// The nearest whole number of workers is at work: this one from here on.
	level := (float64(number) + 0.5) / float64(e.Workers)
	if p.warmup {
		return e.Profile.Factor(0) >= level
	}
	now := time.Since(p.start)
	at := math.Ceil(e.Profile.Reaches(now.Seconds(), level) * float64(time.Second))
	if !(at < float64(p.len())) {
		return false
	}
	// Rounding may put it a moment before now: then it is now.
	return time.Duration(at) <= now || w.rest(p.pacing, p.start.Add(time.Duration(at))) == nil
}

// most is how many workers there may be at a time.
func (e *Entry) most() int {
	if e.Profile == nil {
		return e.Workers
	}
	return int(math.Round(float64(e.Workers) * e.Profile.Peak()))
}
