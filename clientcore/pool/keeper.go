package pool

import (
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/connectivity"
)

// settle is how long a new channel may take to be READY before the next one is
// made. One that is to replace an aged channel, and is not READY by then, is
// given up: the old one is better.
const settle = 10 * time.Second

// keeper replaces channels. Its goroutine is the only one that changes slots
// after New, and the only one of the pool.
//
// One channel is replaced at a time: while the new one connects no other is
// touched, but for channels that have nothing to do.
type keeper struct {
	*Pool
	rand   *rand.Rand // used by New, then by the goroutine
	nudges chan struct{}
	stop   chan struct{}
	done   chan struct{}

	// Guarded by Pool.mu.
	trial    *trial                // the replacement under way
	draining map[*channel]struct{} // replaced, with calls in flight
	drained  []*channel            // replaced and empty, to be closed

	rebuilds, recycles, idled int64
}

// trial is a new channel that is given until to connect.
type trial struct {
	channel *channel
	old     *channel // to be replaced when channel is READY; nil when that is done
	until   time.Time
}

func newKeeper(p *Pool) *keeper {
	return &keeper{
		Pool:     p,
		rand:     rand.New(rand.NewPCG(p.seed, 0x706f6f6c)),
		nudges:   make(chan struct{}, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		draining: map[*channel]struct{}{},
	}
}

// draw gives c its own share of chance, so that channels that were made
// together are not replaced together.
func (k *keeper) draw(c *channel) {
	c.patience = scale(time.Duration(k.cfg.StuckFor), 1+0.1*k.rand.Float64())
	c.life = scale(k.cfg.MaxAge, 0.9+0.2*k.rand.Float64())
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

func (k *keeper) nudge() {
	select {
	case k.nudges <- struct{}{}:
	default: // it has been told, and has not looked yet
	}
}

// end stops the goroutine and waits for it.
func (k *keeper) end() {
	close(k.stop)
	<-k.done
}

func (k *keeper) run() {
	defer close(k.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		at := k.tend()
		if at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(at))
		}
		select {
		case <-k.stop:
			return
		case <-k.nudges:
		case <-timer.C:
		}
	}
}

// tend does what is due, and returns when there is more to do, or zero.
func (k *keeper) tend() time.Time {
	for {
		do, at := k.next(time.Now())
		if do == nil {
			return at
		}
		do()
	}
}

// next is what is due now, or nil and when there will be something. The job
// itself is done without mu.
func (k *keeper) next(now time.Time) (do func(), at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, time.Time{}
	}
	if closing := k.drained; len(closing) > 0 {
		k.drained = nil
		return func() {
			for _, c := range closing {
				_ = c.close() // no call is left to hear of it
			}
		}, time.Time{}
	}
	due := func(t time.Time) bool {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
		return !t.After(now)
	}
	if t := k.trial; t != nil {
		over := due(t.until)
		switch state := t.channel.state; {
		case t.old == nil && (over || state != connectivity.Connecting):
			k.trial = nil
		case t.old == nil:
		case state == connectivity.Ready, over && state == connectivity.Idle:
			// A channel that is IDLE has not failed: it connects on demand.
			return func() { k.adopt(t) }, time.Time{}
		case over:
			return func() { k.giveUp(t) }, time.Time{}
		}
	}
	for _, c := range k.slots {
		if c.asleep || k.trial != nil && k.trial.old == c {
			continue
		}
		if k.cfg.MaxIdle > 0 && due(k.idleAt(c, now)) {
			return func() { k.rest(c) }, time.Time{}
		}
	}
	if k.trial != nil {
		return nil, at
	}
	var first *channel
	var job func(*channel)
	var soonest time.Time
	consider := func(t time.Time, c *channel, do func(*channel)) {
		if t.Before(c.notBefore) {
			t = c.notBefore
		}
		if due(t) && (first == nil || t.Before(soonest)) {
			first, job, soonest = c, do, t
		}
	}
	for _, c := range k.slots {
		if k.cfg.StuckFor > 0 && !c.failing.IsZero() {
			consider(c.failing.Add(c.patience), c, k.rebuild)
		}
		if k.cfg.MaxAge > 0 && !c.asleep {
			consider(c.connected.Add(c.life), c, k.recycle)
		}
	}
	if first == nil {
		return nil, at
	}
	return func() { job(first) }, time.Time{}
}

// idleAt is when c will have been idle for MaxIdle, at the earliest.
func (k *keeper) idleAt(c *channel, now time.Time) time.Time {
	at := now
	if c.load.Load() == 0 {
		at = k.start.Add(time.Duration(c.used.Load()))
	}
	at = at.Add(k.cfg.MaxIdle)
	if at.Before(c.notBefore) {
		at = c.notBefore
	}
	return at
}

// make dials a channel for old's slot. It is nil when that failed, or the pool
// is closed: old stays, and is not to be replaced before the wait is over.
func (k *keeper) make(old *channel, wait time.Duration) *channel {
	c := k.newChannel(old.slot)
	err := k.connectTo(c)
	k.mu.Lock()
	closed := k.closed
	if err != nil {
		old.notBefore = time.Now().Add(wait)
	}
	k.mu.Unlock()
	if err != nil {
		return nil
	}
	if closed {
		_ = c.close() // Close has its own errors to tell
		return nil
	}
	return c
}

// swapLocked puts c into old's slot. The calls of old end in peace. mu is held.
func (k *keeper) swapLocked(old, c *channel) {
	k.slots[old.slot] = c
	k.draining[old] = struct{}{}
	k.refreshLocked() // from here on no new pick finds old,
	if old.retire() { // and a pick that has found it does not get in
		k.emptyLocked(old)
	}
}

// empty is told that a channel that is retired has no calls.
func (k *keeper) empty(c *channel) {
	k.mu.Lock()
	k.emptyLocked(c)
	k.mu.Unlock()
	k.nudge()
}

func (k *keeper) emptyLocked(c *channel) {
	if _, ok := k.draining[c]; ok {
		delete(k.draining, c)
		k.drained = append(k.drained, c)
	}
}

// rebuild replaces a channel that is stuck. It has nothing to lose, so the new
// one takes its place at once.
func (k *keeper) rebuild(old *channel) {
	c := k.make(old, old.patience)
	if c == nil {
		return
	}
	k.mu.Lock()
	if k.closed || old.failing.IsZero() {
		k.mu.Unlock()
		_ = c.close() // not needed: old has recovered
		return
	}
	k.awakenLocked(c)
	k.swapLocked(old, c)
	k.trial = &trial{channel: c, until: time.Now().Add(settle)}
	k.rebuilds++
	k.mu.Unlock()
	c.conn.Connect()
}

// recycle makes a channel that is to replace one that is old, and connects it.
func (k *keeper) recycle(old *channel) {
	c := k.make(old, k.cfg.MaxAge/10)
	if c == nil {
		return
	}
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		_ = c.close()
		return
	}
	k.awakenLocked(c)
	k.trial = &trial{channel: c, old: old, until: time.Now().Add(settle)}
	k.mu.Unlock()
	c.conn.Connect()
}

// adopt replaces the aged channel by the new one.
func (k *keeper) adopt(t *trial) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return // Close has closed both
	}
	k.trial = nil
	k.swapLocked(t.old, t.channel)
	k.recycles++
}

// giveUp lets an aged channel be, since the new one does not connect.
func (k *keeper) giveUp(t *trial) {
	k.mu.Lock()
	if !k.closed {
		k.trial = nil
		t.old.notBefore = time.Now().Add(k.cfg.MaxAge / 10)
	}
	k.mu.Unlock()
	_ = t.channel.close()
}

// rest replaces a channel that has nothing to do by one that is asleep.
func (k *keeper) rest(old *channel) {
	c := k.make(old, k.cfg.MaxIdle)
	if c == nil {
		return
	}
	k.mu.Lock()
	if k.closed || old.load.Load() != 0 {
		k.mu.Unlock()
		_ = c.close() // not needed: old has a call
		return
	}
	k.swapLocked(old, c)
	k.idled++
	k.mu.Unlock()
}

// othersLocked is the channels that are in no slot and not closed. mu is held.
func (k *keeper) othersLocked() []*channel {
	all := k.drained
	for c := range k.draining {
		all = append(all, c)
	}
	if k.trial != nil && k.trial.old != nil {
		all = append(all, k.trial.channel)
	}
	return all
}
