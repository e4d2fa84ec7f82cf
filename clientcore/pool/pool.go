package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// Dial makes the channel with the given number, counted from 0. The channel
// must pass each new state of its own to report, which does not block.
type Dial func(number int, report func(connectivity.State)) (*grpc.ClientConn, error)

// Pool is N channels. It implements grpc.ClientConnInterface: each call goes to
// the next READY channel in turn, or to one that is connecting while none is
// READY, or else to any: there is always a channel, and grpc says what is wrong
// with it. All its methods may be called at any time.
type Pool struct {
	channels []*channel
	cursor   atomic.Uint64
	picker   atomic.Pointer[picker]
	mu       sync.Mutex // serialises rebuilds of picker, nothing else
	closing  sync.Once
	closed   error
}

// channel is one channel and the state that it last reported.
type channel struct {
	conn  *grpc.ClientConn
	state atomic.Int32
}

// picker is a choice made from one snapshot of all states. It does not change.
type picker struct {
	channels []*channel // the ones to choose from, never empty
	idle     []*channel // to be woken by the next pick
	woken    atomic.Bool
}

// New makes a pool and starts to connect every channel of it. It fails when a
// channel cannot be made, which is a mistake in its settings: reachability is
// WaitReady's business.
func New(cfg Config, dial Dial) (*Pool, error) {
	p := &Pool{channels: make([]*channel, cfg.Size)}
	for i := range p.channels {
		p.channels[i] = &channel{}
		p.channels[i].state.Store(int32(connectivity.Connecting))
	}
	p.rebuild()
	for i, c := range p.channels {
		conn, err := dial(i, func(s connectivity.State) { p.report(c, s) })
		if err != nil {
			for _, made := range p.channels[:i] {
				err = errors.Join(err, made.conn.Close())
			}
			return nil, err
		}
		c.conn = conn
	}
	for _, c := range p.channels {
		c.conn.Connect()
	}
	return p, nil
}

// report is called by a channel's balancer.
func (p *Pool) report(c *channel, s connectivity.State) {
	if connectivity.State(c.state.Swap(int32(s))) != s {
		p.rebuild()
	}
}

// rebuild makes a new picker. It reads the states itself, under the lock, so
// that the last of several rebuilds sees the newest of each.
func (p *Pool) rebuild() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ready, connecting []*channel
	next := &picker{}
	for _, c := range p.channels {
		switch connectivity.State(c.state.Load()) {
		case connectivity.Ready:
			ready = append(ready, c)
		case connectivity.Idle:
			next.idle = append(next.idle, c)
			connecting = append(connecting, c)
		case connectivity.Connecting:
			connecting = append(connecting, c)
		}
	}
	switch {
	case len(ready) > 0:
		next.channels = ready
	case len(connecting) > 0:
		next.channels = connecting
	default:
		next.channels = p.channels
	}
	p.picker.Store(next)
}

// pick is the channel for the next call.
func (p *Pool) pick() *grpc.ClientConn {
	now := p.picker.Load()
	if len(now.idle) > 0 && now.woken.CompareAndSwap(false, true) {
		// An IDLE channel stays so until it is used: without this a pool
		// would shrink with every connection that is lost.
		for _, c := range now.idle {
			c.conn.Connect()
		}
	}
	return now.channels[(p.cursor.Add(1)-1)%uint64(len(now.channels))].conn
}

// Invoke makes a unary call on the next channel.
func (p *Pool) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return p.pick().Invoke(ctx, method, args, reply, opts...)
}

// NewStream opens a stream on the next channel.
func (p *Pool) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return p.pick().NewStream(ctx, desc, method, opts...)
}

// Size is the number of channels.
func (p *Pool) Size() int { return len(p.channels) }

// States is the state of each channel now.
func (p *Pool) States() []connectivity.State {
	states := make([]connectivity.State, len(p.channels))
	for i, c := range p.channels {
		states[i] = c.conn.GetState()
	}
	return states
}

// WaitReady returns when every channel has been READY, or with an error that
// wraps ctx's when ctx ends first, or when the pool is closed.
func (p *Pool) WaitReady(ctx context.Context) error {
	for i, c := range p.channels {
		if err := waitReady(ctx, c.conn); err != nil {
			return fmt.Errorf("channel %d of %d: %w", i, len(p.channels), err)
		}
	}
	return nil
}

// ErrClosed is what WaitReady returns on a pool that is closed.
var ErrClosed = errors.New("the client is closed")

// waitReady returns when conn is READY. That a state changed says nothing of
// what it changed to, so each round looks again; and a channel that fell back to
// IDLE does not connect unless it is told to.
func waitReady(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Shutdown:
			return ErrClosed
		case connectivity.Idle:
			conn.Connect()
		}
		if !conn.WaitForStateChange(ctx, state) {
			return fmt.Errorf("%v, not READY: %w", state, context.Cause(ctx))
		}
	}
}

// Close closes every channel and waits for its goroutines. Calls in flight end
// with CANCELED. It may be called more than once.
func (p *Pool) Close() error {
	p.closing.Do(func() {
		errs := make([]error, len(p.channels))
		for i, c := range p.channels {
			errs[i] = c.conn.Close()
		}
		p.closed = errors.Join(errs...)
	})
	return p.closed
}
