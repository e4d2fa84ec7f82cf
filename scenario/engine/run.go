package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run runs one trial: warm-up, barrier, measurement, drain. When ctx ends
// during the measurement it stops at once, cancels the calls in flight (they
// count as unfinished) and returns what was measured, marked Partial; when ctx
// ends before, it returns ctx's error. Besides that, errors come from a plan
// that makes no sense and from Barrier.
//
// No goroutine of Run's outlives it: it waits for every Caller to return.
func Run(ctx context.Context, plan Plan) (*Outcome, error) {
	if err := plan.check(); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	t := newTrial(&plan)
	if plan.Warmup > 0 {
		t.run(ctx, &phase{warmup: true, start: time.Now(), planned: plan.Warmup})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t0 := time.Now()
	if plan.Barrier != nil {
		at, err := plan.Barrier(ctx)
		if err != nil {
			return nil, fmt.Errorf("barrier before the measurement: %w", err)
		}
		// A t0 that came over a wire has no monotonic reading: give it one.
		now := time.Now()
		t0 = now.Add(at.Sub(now))
	}
	p := &phase{start: t0, planned: plan.Measure}
	t.run(ctx, p)
	if p.interrupted && p.measured <= 0 {
		return nil, ctx.Err()
	}
	return t.outcome(p)
}

// trial is one run of a plan.
type trial struct {
	plan     *Plan
	recorder *recorder
	loops    []loop // by entry
	seconds  secondLog
}

// loop is a load entry at work.
type loop interface {
	// offer starts making the phase's calls, in p.group. It returns at once.
	offer(p *phase)
	// undispatched counts, when all workers have returned, the arrivals due
	// before a time that were neither dispatched nor dropped.
	undispatched(before time.Time) int64
}

// phase is the warm-up or the measurement, each with its drain.
type phase struct {
	warmup  bool
	start   time.Time
	planned time.Duration

	// length is how long it lasts: no calls are due from then on. It is what
	// was planned, or shorter once there is enough.
	length atomic.Int64

	// Set by trial.run.
	ctx       context.Context // ends when the phase is over
	pacing    context.Context // ends with the phase, or when an end that was moved has come
	endPacing context.CancelFunc
	group     *errgroup.Group // owns the workers
	callSeeds []uint64        // by entry
	limit     *limiter        // of the closed loops; nil is none

	ended bool // the length has passed, or the phase was interrupted

	// The outcome.
	interrupted  bool
	measured     time.Duration
	undispatched []int64 // by entry
}

func newTrial(plan *Plan) *trial {
	t := &trial{plan: plan, recorder: newRecorder(plan.Entries), seconds: secondLog{entries: plan.Entries}}
	for i := range plan.Entries {
		if plan.Entries[i].open() {
			t.loops = append(t.loops, newOpenLoop(t, i))
		} else {
			t.loops = append(t.loops, newClosedLoop(t, i))
		}
	}
	return t
}

// sleeper is the plan's Sleep, or one that serves one goroutine at a time.
func (t *trial) sleeper() func(context.Context, time.Time) error {
	if t.plan.Sleep != nil {
		return t.plan.Sleep
	}
	return new(timerSleeper).sleep
}

// run runs one phase to the end of its drain and settles its books.
func (t *trial) run(ctx context.Context, p *phase) {
	p.length.Store(int64(p.planned))
	t.recorder.begin(p.start, p.end(), p.end().Add(t.plan.Drain))

	// Callers do not see ctx end before the books are closed: what they would
	// return then is no error of anything under test.
	callers, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	p.ctx, p.group = callers, new(errgroup.Group)
	p.pacing, p.endPacing = context.WithCancel(callers)
	defer p.endPacing()
	p.callSeeds = make([]uint64, len(t.plan.Entries))
	for i := range t.plan.Entries {
		p.callSeeds[i] = phaseSeed(t.plan, t.plan.Entries[i].Name, p.warmup, purposeCalls)
	}
	p.limit = newLimiter(t.plan.ClosedPerS, p.start)
	for _, l := range t.loops {
		l.offer(p)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.group.Wait() // workers return no errors: a failed call is a finding
	}()

	seconds := t.watch(ctx, p, done)
	t.endOfLength(p) // when interrupted, this is the end
	closed := time.Now()
	t.recorder.close()
	cancel()
	<-done

	until := p.end()
	if p.interrupted && closed.Before(until) {
		until = closed
	}
	p.measured = until.Sub(p.start)
	if p.warmup {
		return // its drain belongs to no second, and its books to no one
	}
	p.undispatched = make([]int64, len(t.loops))
	for i, l := range t.loops {
		p.undispatched[i] = l.undispatched(until)
	}
	t.recorder.settle(closed, p.undispatched)
	for time.Duration(seconds)*time.Second < p.measured || t.recorder.pending() {
		t.emit(p, seconds)
		seconds++
	}
}

// watch emits each second as it ends, until the phase is over: when its length
// has passed and all calls have returned, or when the drain or ctx has ended.
// It returns the first second that it did not emit.
func (t *trial) watch(ctx context.Context, p *phase, done <-chan struct{}) (seconds int) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		over := p.end()
		if done != nil {
			over = over.Add(t.plan.Drain)
		}
		next := over
		if at, ok := p.secondEnd(seconds); ok && at.Before(over) {
			next = at
		}
		if !p.ended && p.end().Before(next) {
			next = p.end()
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
		case <-done:
			over, done = p.end(), nil
		case <-timer.C:
		}
		if ctx.Err() != nil {
			p.interrupted = true
			return seconds
		}
		now := time.Now()
		if !now.Before(p.end()) {
			t.endOfLength(p)
		}
		if at, ok := p.secondEnd(seconds); ok && !now.Before(at) {
			enough := t.emit(p, seconds)
			seconds++
			if enough && !p.ended {
				// An end that has not come yet: no call beyond it can have been made.
				over = t.shorten(p, now.Sub(p.start).Truncate(time.Second)+time.Second, over)
			}
		}
		if !now.Before(over) {
			return seconds
		}
	}
}

// endOfLength tells, once, that the measurement's length has passed.
func (t *trial) endOfLength(p *phase) {
	if !p.ended && !p.warmup && t.plan.OnMeasured != nil {
		t.plan.OnMeasured()
	}
	p.ended = true
	if p.len() < p.planned {
		p.endPacing() // some sleep for what is not to come any more
	}
}

// secondEnd is when the phase's n-th second ends. The last second of a warm-up
// may be a short one, and its drain has none.
func (p *phase) secondEnd(n int) (at time.Time, ok bool) {
	from := time.Duration(n) * time.Second
	to := from + time.Second
	if p.warmup {
		to = min(to, p.len())
	}
	return p.start.Add(to), from < to
}

// emit takes the phase's n-th second out of the recorder and hands it on.
func (t *trial) emit(p *phase, n int) (enough bool) {
	interval := t.recorder.interval(t.recorder.collect())
	interval.Second = n
	if p.warmup {
		interval.Second -= int((p.len() + time.Second - 1) / time.Second)
	} else {
		t.seconds.add(interval)
	}
	if t.plan.OnInterval != nil {
		t.plan.OnInterval(interval)
	}
	for i := range interval.Series {
		interval.Series[i].Responses = nil // the recorder's own, to be used again
	}
	return !p.warmup && t.plan.Enough != nil && t.plan.Enough(interval)
}

// shorten lets the phase end at a length that has not passed yet, unless it
// ends before. It returns the new time at which watch is over, given the old.
func (t *trial) shorten(p *phase, length time.Duration, over time.Time) time.Time {
	by := p.len() - length
	if by <= 0 {
		return over
	}
	p.length.Store(int64(length))
	t.recorder.shorten(p.end(), p.end().Add(t.plan.Drain))
	return over.Add(-by)
}

// len is how long the phase lasts, and end when that has passed.
func (p *phase) len() time.Duration { return time.Duration(p.length.Load()) }
func (p *phase) end() time.Time     { return p.start.Add(p.len()) }
