package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	idle       = connectivity.Idle
	connecting = connectivity.Connecting
	ready      = connectivity.Ready
	failing    = connectivity.TransientFailure
	shutdown   = connectivity.Shutdown
)

// fakeConn is a channel whose state the test decides.
type fakeConn struct {
	slot, number int // of all that were dialled, from 0
	report       func(connectivity.State)
	// connect is what Connect does, after it is counted. It may be nil.
	connect func(*fakeConn)

	mu       sync.Mutex
	state    connectivity.State
	changed  chan struct{}
	connects int
	closes   int
	calls    int
	serve    func(ctx context.Context) error // of a call; nil is at once
	streams  map[*fakeStream]struct{}
}

func (c *fakeConn) set(s connectivity.State) {
	c.mu.Lock()
	if c.state == shutdown {
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	// In this order, as the balancer has it.
	c.report(s)
	c.mu.Lock()
	c.state = s
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
}

func (c *fakeConn) Connect() {
	c.mu.Lock()
	c.connects++
	c.mu.Unlock()
	if c.connect != nil {
		c.connect(c)
	}
}

func (c *fakeConn) GetState() connectivity.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *fakeConn) WaitForStateChange(ctx context.Context, last connectivity.State) bool {
	c.mu.Lock()
	changed := c.changed
	same := c.state == last
	c.mu.Unlock()
	if !same {
		return true
	}
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *fakeConn) Close() error {
	c.mu.Lock()
	c.closes++
	c.state = shutdown
	close(c.changed)
	c.changed = make(chan struct{})
	var open []*fakeStream
	for s := range c.streams {
		open = append(open, s)
	}
	c.mu.Unlock()
	for _, s := range open {
		s.end(status.Error(codes.Canceled, "closing"))
	}
	return nil
}

func (c *fakeConn) count() (connects, closes, calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connects, c.closes, c.calls
}

func (c *fakeConn) begin() (func(context.Context) error, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.closes > 0 {
		return nil, status.Error(codes.Canceled, "a call on a channel that is closed")
	}
	return c.serve, nil
}

func (c *fakeConn) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	serve, err := c.begin()
	if err != nil || serve == nil {
		return err
	}
	return serve(ctx)
}

func (c *fakeConn) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s := &fakeStream{conn: c, over: make(chan struct{})}
	for _, o := range opts {
		if f, ok := o.(grpc.OnFinishCallOption); ok {
			s.finish = append(s.finish, f.OnFinish)
		}
	}
	if _, err := c.begin(); err != nil {
		s.end(err)
		return nil, err
	}
	c.mu.Lock()
	if c.streams == nil {
		c.streams = map[*fakeStream]struct{}{}
	}
	c.streams[s] = struct{}{}
	c.mu.Unlock()
	context.AfterFunc(ctx, func() { s.end(status.FromContextError(ctx.Err()).Err()) })
	return s, nil
}

// fakeStream is open until end.
type fakeStream struct {
	grpc.ClientStream
	conn   *fakeConn
	finish []func(error)
	once   sync.Once
	over   chan struct{}
	err    error
}

func (s *fakeStream) end(err error) {
	s.once.Do(func() {
		s.err = err
		s.conn.mu.Lock()
		delete(s.conn.streams, s)
		s.conn.mu.Unlock()
		close(s.over)
		for _, f := range s.finish {
			f(err)
		}
	})
}

func (s *fakeStream) RecvMsg(any) error {
	<-s.over
	return s.err
}

// dialled is the channels that a pool had made.
type dialled struct {
	mu      sync.Mutex
	conns   []*fakeConn
	connect func(*fakeConn)
	fail    bool // dials fail
}

func (d *dialled) dial(slot int, report func(connectivity.State)) (Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail {
		return nil, errors.New("no channel today")
	}
	c := &fakeConn{slot: slot, number: len(d.conns), report: report, connect: d.connect, changed: make(chan struct{})}
	d.conns = append(d.conns, c)
	return c, nil
}

func (d *dialled) setFail(fail bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

// all is the channels dialled so far.
func (d *dialled) all() []*fakeConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*fakeConn(nil), d.conns...)
}

// atOnce is a Connect that succeeds.
func atOnce(c *fakeConn) { c.set(ready) }

// never is a Connect that fails.
func never(c *fakeConn) { c.set(failing) }

// config is size channels, never replaced.
func config(size int, change ...func(*Config)) Config {
	cfg := Default()
	cfg.Size, cfg.StuckFor = size, Off
	for _, f := range change {
		f(&cfg)
	}
	return cfg
}

func least(cfg *Config)    { cfg.Pick = Pick{LeastInFlight: &LeastInFlight{}} }
func atRandom(cfg *Config) { cfg.Pick = Pick{Random: &Random{}} }

// newPool is a pool of fakes that connect by connect.
func newPool(t testing.TB, cfg Config, connect func(*fakeConn)) (*Pool, *dialled) {
	t.Helper()
	d := &dialled{connect: connect}
	p, err := New(cfg, 7, d.dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, d
}

// hold begins a call and leaves it open.
func hold(t testing.TB, p *Pool) *channel {
	t.Helper()
	c, err := p.begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if c == nil || c.conn == nil {
		t.Fatal("picked no channel")
	}
	return c
}

// pickOnce begins a call and ends it.
func pickOnce(t testing.TB, p *Pool) *fakeConn {
	t.Helper()
	c := hold(t, p)
	p.end(c)
	return c.conn.(*fakeConn)
}

func within(t testing.TB, what string, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s after %v, want %v to %v", what, got, low, high)
	}
}

func states(p *Pool) string { return fmt.Sprint(p.States()) }

type state = connectivity.State
