package engine

import "time"

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
			for i := range l.trial.plan.Entries[l.entry].Workers {
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
	var rest timerSleeper
	think := w.call.Entry.Think
	for n := uint64(0); ; n++ {
		now := time.Now()
		if !now.Before(p.end) || p.ctx.Err() != nil {
			return
		}
		w.prepare(p, number, n)
		w.call.Due, w.call.Dispatch = now, now
		if !l.trial.recorder.arrival(w.stripe, w.entry, now, now, false) {
			return
		}
		w.do(p.ctx, l.trial.recorder)
		if think == 0 {
			continue
		}
		next := w.call.Done.Add(think)
		if !next.Before(p.end) || rest.sleep(p.ctx, next) != nil {
			return
		}
	}
}
