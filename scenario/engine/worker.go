package engine

import (
	"context"
	"time"
)

// worker makes one call at a time. It lives through both phases; a goroutine
// runs it in each.
type worker struct {
	caller Caller
	call   Call
	entry  int // the index of call.Entry in the plan
	place  place
	rest   timerSleeper // between calls
	// wake tells a parked open-loop worker to lead (true) or to end.
	wake chan bool
}

// newWorker makes the entry's number-th worker.
func (r *trial) newWorker(entry, number int) *worker {
	e := &r.plan.Entries[entry]
	return &worker{
		caller: e.NewCaller(),
		call:   Call{Entry: e},
		entry:  entry,
		// Entries begin at different stripes: most have few workers.
		place: r.recorder.place(entry + number),
		wake:  make(chan bool, 1),
	}
}

// prepare clears the call's second half and fills in the first, but for the
// times.
func (w *worker) prepare(p *phase, number int, ordinal uint64) {
	c := &w.call
	*c = Call{
		Entry: c.Entry, Warmup: p.warmup, Worker: number, Ordinal: ordinal,
		Seed:     callSeed(p.callSeeds[w.entry], number, ordinal),
		Attempts: c.Attempts[:0], Gaps: c.Gaps[:0], Responses: c.Responses[:0],
	}
}

// do makes the call and records it.
func (w *worker) do(ctx context.Context, r *recorder) {
	w.caller.Call(ctx, &w.call)
	w.call.Done = time.Now()
	r.finish(&w.place, w.entry, &w.call)
}
