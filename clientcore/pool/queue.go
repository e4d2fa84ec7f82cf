package pool

import (
	"container/list"
	"context"
	"time"
)

// queue is the calls that wait for a channel with room, in their order, and the
// times that they waited. Pool.mu guards it. While there is a call in it no
// channel that can be picked has room: whatever makes room serves the queue
// before it lets go of mu.
type queue struct {
	waiters list.List // of *waiter
	room    []*channel
	waits   int64
	waited  time.Duration
}

// waiter is one call in the queue.
type waiter struct {
	element *list.Element // nil when it is out of the queue
	done    chan struct{} // closed when it is served, or err is set
	channel *channel
	connect bool // channel was asleep: who was served has it connect
	err     error
}

// admit is begin where MaxInFlight limits the calls of a channel. No call takes
// room while another waits for it.
func (p *Pool) admit(ctx context.Context) (*channel, error) {
	p.mu.Lock()
	now := p.picker.Load()
	if len(now.channels) == 0 {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	var c, asleep *channel
	if p.queue.waiters.Len() == 0 {
		c, asleep = p.takeLocked(now)
	} else if len(now.channels) > now.awake {
		asleep = now.channels[now.awake]
	}
	if asleep != nil {
		p.rouseLocked(asleep)
	}
	var w *waiter
	if c == nil {
		w = &waiter{done: make(chan struct{})}
		w.element = p.queue.waiters.PushBack(w)
		p.queue.waits++
	}
	p.mu.Unlock()
	now.wake()
	if asleep != nil {
		asleep.conn.Connect()
		p.nudge()
	}
	if w == nil {
		return c, nil
	}
	return p.await(ctx, w)
}

// await returns when w was served or ctx ended.
func (p *Pool) await(ctx context.Context, w *waiter) (*channel, error) {
	start := time.Now()
	given := true
	select {
	case <-w.done:
	case <-ctx.Done():
		given = false
	}
	waited := time.Since(start)
	p.mu.Lock()
	p.queue.waited += waited
	if w.element != nil {
		p.queue.waiters.Remove(w.element)
		w.element = nil
	}
	p.mu.Unlock()
	if w.connect {
		w.channel.conn.Connect()
		p.nudge()
	}
	switch {
	case w.err != nil:
		return nil, w.err
	case given:
		return w.channel, nil
	case w.channel != nil:
		// Served at the instant at which ctx ended: the place is the next one's.
		p.picks.Add(^uint64(0))
		p.end(w.channel)
	}
	return nil, &FullError{Limit: p.cfg.MaxInFlight, Waited: waited, cause: ctx.Err()}
}

// takeLocked picks a channel that has room and counts a call on it. It is nil
// when none has; asleep is one to connect, which is the picked one where there
// is no READY channel. mu is held.
func (p *Pool) takeLocked(now *picker) (c, asleep *channel) {
	turn := p.picks.Load()
	take := func(from []*channel, awake int) (*channel, bool) {
		i, _ := p.kind.choose(from, awake, turn, p.seed)
		return from[i], i < awake
	}
	c, awake := take(now.channels, now.awake)
	if !awake || !p.hasRoom(c) {
		room := p.queue.room[:0]
		connected := 0
		for i, c := range now.channels {
			if p.hasRoom(c) {
				room = append(room, c)
				if i < now.awake {
					connected++
				}
			}
		}
		p.queue.room = room
		if len(room) == 0 {
			return nil, nil
		}
		if c, awake = take(room, connected); !awake {
			asleep = c
			switch {
			case !now.ready:
			case connected == 0:
				return nil, asleep
			default:
				c, _ = take(room[:connected], connected)
			}
		}
	}
	c.enter() // with mu held, and room found, it is not retired
	p.picks.Add(1)
	return c, asleep
}

func (p *Pool) hasRoom(c *channel) bool { return c.load.Load() < int64(p.cfg.MaxInFlight) }

// serveLocked gives what room there is to those who wait, the first of them
// first. mu is held.
func (p *Pool) serveLocked() {
	for p.queue.waiters.Len() > 0 && !p.closed {
		// A channel that is to connect although others are READY was roused
		// when its call came.
		c, asleep := p.takeLocked(p.picker.Load())
		if c == nil {
			return
		}
		w := p.queue.pop()
		w.channel = c
		if asleep == c {
			w.connect = true
			p.rouseLocked(c)
		}
		close(w.done)
	}
}

// serve is serveLocked after a call has ended.
func (p *Pool) serve() {
	p.mu.Lock()
	p.serveLocked()
	p.mu.Unlock()
}

// refuseLocked ends all waits with err. mu is held.
func (p *Pool) refuseLocked(err error) {
	for p.queue.waiters.Len() > 0 {
		w := p.queue.pop()
		w.err = err
		close(w.done)
	}
}

func (q *queue) pop() *waiter {
	front := q.waiters.Front()
	w := q.waiters.Remove(front).(*waiter)
	w.element = nil
	return w
}
