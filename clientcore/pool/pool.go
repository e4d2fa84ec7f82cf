// Package pool keeps N channels to one target and picks one for each call. It
// replaces channels that fail for too long, have grown old or have nothing to
// do, without a call noticing; and it can limit how many calls a channel has at
// a time.
package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/grpcbench/grpcbench/clientcore/internal/pick"
)

// Pool is N channels. It implements grpc.ClientConnInterface: each call goes to
// one of the READY channels, chosen by Config.Pick, or to one that is connecting
// while none is READY, or else to any: there is always a channel, and grpc says
// what is wrong with it. All its methods may be called at any time.
//
// A call takes no lock, except with Config.MaxInFlight. It allocates nothing,
// except for a stream, or to wait for room.
type Pool struct {
	cfg   Config
	dial  Dial
	kind  chooser
	seed  uint64
	start time.Time

	picker atomic.Pointer[picker]
	_      [64]byte // what each call reads is not in the cache line that each call writes
	picks  atomic.Uint64
	_      [64]byte

	// mu guards what follows, and the states of channels. It is not held over a
	// call, a dial, nor any other method of a Conn.
	mu      sync.Mutex
	slots   []*channel
	queue   queue
	closed  bool
	keeper  *keeper // nil when there is nothing to keep; does not change after New
	closing sync.Once
	result  error // of Close
}

var _ grpc.ClientConnInterface = (*Pool)(nil)

// New makes a pool and, without Config.Lazy, starts to connect every channel of
// it. It fails when cfg is not valid or a channel cannot be made, which is a
// mistake in its settings: reachability is WaitReady's business. All that the
// pool does at random follows from seed.
func New(cfg Config, seed uint64, dial Dial) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Pool{cfg: cfg, dial: dial, kind: cfg.Pick.kind(), seed: seed, start: time.Now(), slots: make([]*channel, cfg.Size)}
	if cfg.StuckFor > 0 || cfg.MaxAge > 0 || cfg.MaxIdle > 0 {
		p.keeper = newKeeper(p)
	}
	for i := range p.slots {
		p.slots[i] = p.newChannel(i)
	}
	p.rebuildLocked() // nobody else has p yet
	for i, c := range p.slots {
		if err := p.connectTo(c); err != nil {
			for _, made := range p.slots[:i] {
				err = errors.Join(err, made.close())
			}
			return nil, err
		}
	}
	if !cfg.Lazy {
		for _, c := range p.slots {
			p.rouse(c)
		}
	}
	if p.keeper != nil {
		go p.keeper.run()
	}
	return p, nil
}

// newChannel is a channel for a slot, asleep and without its Conn.
func (p *Pool) newChannel(slot int) *channel {
	c := &channel{slot: slot, state: connectivity.Idle, asleep: true}
	c.gone, c.leave = context.WithCancel(context.Background())
	if p.keeper != nil {
		p.keeper.draw(c)
	}
	return c
}

// connectTo dials c's Conn.
func (p *Pool) connectTo(c *channel) error {
	conn, err := p.dial(c.slot, func(s connectivity.State) { p.report(c, s) })
	if err == nil && conn == nil {
		err = errors.New("dial made no channel")
	}
	if err != nil {
		return err
	}
	c.conn = conn
	return nil
}

// report is called by a channel's balancer.
func (p *Pool) report(c *channel, s connectivity.State) {
	p.mu.Lock()
	if c.state == s && !c.asleep || c.asleep && s == connectivity.Idle {
		p.mu.Unlock()
		return
	}
	if c.asleep {
		p.awakenLocked(c) // by other hands than ours
	}
	c.state = s
	switch s {
	case connectivity.TransientFailure:
		// grpc-go goes back and forth between this and CONNECTING for as long
		// as it fails.
		if c.failing.IsZero() {
			c.failing = time.Now()
		}
	case connectivity.Ready, connectivity.Idle:
		c.failing = time.Time{}
	}
	if p.slots[c.slot] == c {
		p.refreshLocked()
	}
	p.mu.Unlock()
	p.nudge()
}

// refreshLocked makes a new picker, and gives its room to those who wait. mu is
// held.
func (p *Pool) refreshLocked() {
	p.rebuildLocked()
	p.serveLocked()
}

// rebuildLocked makes a new picker. mu is held.
func (p *Pool) rebuildLocked() {
	if !p.closed {
		p.picker.Store(newPicker(p.slots))
	}
}

// awakenLocked notes that c begins to connect. mu is held.
func (p *Pool) awakenLocked(c *channel) {
	c.asleep = false
	c.state = connectivity.Connecting
	c.connected = time.Now()
	c.used.Store(int64(time.Since(p.start)))
}

// rouseLocked has c no longer asleep, and tells whether it was: then c is to be
// connected after mu is released. mu is held.
func (p *Pool) rouseLocked(c *channel) bool {
	if !c.asleep || p.closed {
		return false
	}
	p.awakenLocked(c)
	p.rebuildLocked() // no room is made: nobody to serve
	return true
}

// rouse connects c if it is asleep.
func (p *Pool) rouse(c *channel) {
	p.mu.Lock()
	asleep := p.rouseLocked(c)
	p.mu.Unlock()
	if asleep {
		c.conn.Connect()
		p.nudge()
	}
}

// begin picks a channel and counts a call on it, which end takes back.
func (p *Pool) begin(ctx context.Context) (*channel, error) {
	if p.cfg.MaxInFlight > 0 {
		return p.admit(ctx)
	}
	turn := p.picks.Add(1) - 1
	for {
		now := p.picker.Load()
		if len(now.idle) > 0 {
			now.wake()
		}
		if len(now.channels) == 0 {
			p.picks.Add(^uint64(0))
			return nil, ErrClosed
		}
		i, load := p.kind.choose(now.channels, now.awake, turn, p.seed)
		c := now.channels[i]
		if i >= now.awake {
			p.rouse(c)
			if now.ready {
				i, load = p.kind.choose(now.channels[:now.awake], now.awake, turn, p.seed)
				c = now.channels[i]
			}
		}
		if load == anyLoad {
			if c.enter() {
				return c, nil
			}
			p.exit(c)
		} else if load < retired && c.load.CompareAndSwap(load, load+1) {
			return c, nil
		}
		// c was retired, and there is a picker without it; or c's load is not
		// what it was chosen for.
	}
}

// end takes back what begin counted.
func (p *Pool) end(c *channel) {
	if p.cfg.MaxIdle > 0 {
		c.used.Store(int64(time.Since(p.start)))
	}
	p.exit(c)
	if p.cfg.MaxInFlight > 0 {
		p.serve()
	}
}

func (p *Pool) exit(c *channel) {
	if c.exit() {
		p.keeper.empty(c) // only a keeper retires channels
	}
}

// nudge has the keeper look again, if there is one.
func (p *Pool) nudge() {
	if p.keeper != nil {
		p.keeper.nudge()
	}
}

// Invoke makes a unary call on a channel.
func (p *Pool) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	c, err := p.begin(ctx)
	if err != nil {
		return refused(err, opts)
	}
	defer p.end(c)
	p.sent(ctx)
	return c.conn.Invoke(ctx, method, args, reply, opts...)
}

// NewStream opens a stream on a channel. It counts as in flight until RecvMsg
// returns an error, the context ends or the pool is closed.
func (p *Pool) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	c, err := p.begin(ctx)
	if err != nil {
		return nil, refused(err, opts)
	}
	return p.openStream(ctx, c, desc, method, opts)
}

// sent tells the call's observer that it enters a channel.
func (p *Pool) sent(ctx context.Context) {
	if o := pick.ObserverOf(ctx); o != nil {
		o.Sent(p.cfg.MaxInFlight > 0)
	}
}

// refused is err, of which it tells the options that grpc-go would tell.
func refused(err error, opts []grpc.CallOption) error {
	for _, opt := range opts {
		if finish, ok := opt.(grpc.OnFinishCallOption); ok {
			finish.OnFinish(err)
		}
	}
	return err
}

// Size is the number of channels.
func (p *Pool) Size() int { return len(p.slots) }

// current is the channels in the slots now.
func (p *Pool) current() []*channel {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*channel(nil), p.slots...)
}

// States is the state of each channel now, by slot.
func (p *Pool) States() []connectivity.State {
	channels := p.current()
	states := make([]connectivity.State, len(channels))
	for i, c := range channels {
		states[i] = c.conn.GetState()
	}
	return states
}

// WaitReady connects every channel and returns when each has been READY, or with
// an error that wraps ctx's when ctx ends first, or ErrClosed when the pool is
// closed.
func (p *Pool) WaitReady(ctx context.Context) error {
	for _, c := range p.current() {
		p.rouse(c)
	}
	for i := range p.slots {
		if err := p.waitSlot(ctx, i); err != nil {
			return fmt.Errorf("channel %d of %d: %w", i, p.cfg.Size, err)
		}
	}
	return nil
}

// waitSlot returns when the channel in a slot is READY, whichever that is.
func (p *Pool) waitSlot(ctx context.Context, slot int) error {
	for {
		p.mu.Lock()
		c, closed := p.slots[slot], p.closed
		p.mu.Unlock()
		if closed {
			return ErrClosed
		}
		p.rouse(c)
		here, cancel := context.WithCancel(ctx)
		unwatch := context.AfterFunc(c.gone, cancel)
		state, ready := waitReady(here, c.conn)
		unwatch()
		cancel()
		switch {
		case ready:
			return nil
		case c.gone.Err() != nil:
			// Replaced, or closed: see what is there now.
		case ctx.Err() != nil:
			return fmt.Errorf("%v, not READY: %w", state, context.Cause(ctx))
		default:
			return ErrClosed // closed by other hands than ours
		}
	}
}

// waitReady returns when conn is READY; or with its state when ctx ends, or conn
// is closed. That a state changed says nothing of what it changed to, so each
// round looks again; and a channel that fell back to IDLE does not connect
// unless it is told to.
func waitReady(ctx context.Context, conn Conn) (state connectivity.State, ready bool) {
	for {
		state = conn.GetState()
		switch state {
		case connectivity.Ready:
			return state, true
		case connectivity.Shutdown:
			return state, false
		case connectivity.Idle:
			conn.Connect()
		}
		if !conn.WaitForStateChange(ctx, state) {
			return state, false
		}
	}
}

// Close closes every channel, those included that were replaced and still have
// calls, and waits for the pool's goroutine. Calls in flight, and those that
// wait for room, end with CANCELED. It may be called more than once. It does not
// return before a dial that is under way.
func (p *Pool) Close() error {
	p.closing.Do(func() {
		p.mu.Lock()
		p.closed = true
		p.picker.Store(&picker{})
		p.refuseLocked(ErrClosed)
		all := append([]*channel(nil), p.slots...)
		if p.keeper != nil {
			all = append(all, p.keeper.othersLocked()...)
		}
		p.mu.Unlock()
		errs := make([]error, len(all))
		for i, c := range all {
			errs[i] = c.close()
		}
		p.result = errors.Join(errs...)
		if p.keeper != nil {
			p.keeper.end()
		}
	})
	return p.result
}
