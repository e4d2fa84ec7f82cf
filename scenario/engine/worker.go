package engine

import (
	"context"
	"time"
)

// worker makes one call at a time. It lives through both phases; a goroutine
// runs it in each.
type worker struct {
	caller Caller
	// preparer is caller where that prepares, else nil.
	preparer Preparer
	call     Call
	entry    int // the index of call.Entry in the plan
	place    place
	// rest waits between calls, as exactly as arrivals are waited for.
	rest func(context.Context, time.Time) error
	// wake tells a parked open-loop worker to lead (true) or to end.
	wake chan bool
}

// newWorker makes the entry's number-th worker.
func (r *trial) newWorker(entry, number int) *worker {
	e := &r.plan.Entries[entry]
	caller := e.NewCaller()
	preparer, _ := caller.(Preparer)
	return &worker{
		caller:   caller,
		preparer: preparer,
		call:     Call{Entry: e},
		entry:    entry,
		// Entries start at different stripes: most have few workers.
		place: r.recorder.place(entry + number),
		rest:  r.sleeper(),
		wake:  make(chan bool, 1),
	}
}

// prepare clears the call, but for its Entry, and fills in what is known before
// its times are.
func (w *worker) prepare(p *phase, number int, ordinal uint64) {
	// Field by field: a composite literal would be made and copied.
	c := &w.call
	c.Warmup, c.Worker, c.Ordinal = p.warmup, number, ordinal
	c.Seed = callSeed(p.callSeeds[w.entry], number, ordinal)
	c.Due, c.Dispatch, c.Sent, c.First, c.Done = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	c.Code, c.Origin, c.Message, c.Picks = "", "", "", 0
	c.Attempts, c.Gaps, c.Responses, c.Lags = c.Attempts[:0], c.Gaps[:0], c.Responses[:0], c.Lags[:0]
}

// ready lets the caller make ready for the call.
func (w *worker) ready() {
	if w.preparer != nil {
		w.preparer.Prepare(&w.call)
	}
}

// do makes the call and records it; with another, also that the next one
// begins as it ends, if it does. It does not where the caller was still busy
// with what came.
func (w *worker) do(ctx context.Context, r *recorder, another bool) (started bool) {
	w.caller.Call(ctx, &w.call)
	if w.call.Done.IsZero() {
		w.call.Done = time.Now()
	} else {
		another = false
	}
	return r.finish(&w.place, w.entry, &w.call, another)
}
