package fakeserver

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
)

// ErrClosed is returned by a Fleet after Close.
var ErrClosed = errors.New("fleet is closed")

// ListenFunc listens as net.Listen does. It is asked for "127.0.0.1:0" first
// and, each time that a backend comes back, for the address that it got then.
type ListenFunc func(network, address string) (net.Listener, error)

// Fleet is a set of fake servers. All methods are safe for concurrent use.
type Fleet struct {
	token  string
	listen ListenFunc
	clock  clock
	waiter waiter
	bytes  payloads

	mu       sync.Mutex
	closed   bool
	config   Config // of backends
	backends []*backend
	faults   []liveFault
	numbered int    // faults since the last Reset
	balancer *side  // the look-aside one; nil is none
	plane    *side  // the xDS control plane; nil is none
	front    *front // nil is none
	controls map[*controlEnd]struct{}
	serving  sync.WaitGroup
}

// NewFleet makes a fleet without backends; Configure gives it some. token is
// what its control service asks for. Without listen, backends listen on
// loopback TCP, on ports that stay theirs while they are down, and wait for
// service times as exactly as the system can; with it they wait with plain
// timers, which virtual time needs.
func NewFleet(token string, listen ListenFunc) *Fleet {
	f := &Fleet{token: token, listen: listen, waiter: timers{}, controls: map[*controlEnd]struct{}{}}
	if listen == nil {
		f.waiter = newWaiter()
	}
	return f
}

// Configure replaces the fleet by the one that c describes: when it returns,
// the old backends are closed and the new ones listen, with all that Reset
// sets as after Reset(0, 0). It returns where clients are to connect: each
// backend's address, or that of the front. Its error is that of c.Validate or of listening;
// the fleet has no backends then.
func (f *Fleet) Configure(c Config) ([]Address, error) {
	if err := errors.Join(c.Validate(), c.unread()); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	f.closeBackends()
	f.clock.unset()
	f.config = c
	f.forgetFaults()
	s := &site{config: c, clock: &f.clock, waiter: f.waiter, payloads: &f.bytes}
	if c.Work == Burn {
		s.burner = calibrate()
	}
	if err := f.build(c, s); err != nil {
		f.closeBackends()
		return nil, err
	}
	authority := ""
	if s.certs != nil {
		authority = s.certs.authority
	}
	if f.front != nil {
		return []Address{{Name: "front", Address: f.front.address, Authority: authority}}, nil
	}
	addresses := make([]Address, len(f.backends))
	for i, b := range f.backends {
		addresses[i] = Address{Name: b.name(), Address: b.port.address, Authority: authority}
	}
	if err := f.buildSides(c, addresses, s); err != nil {
		f.closeBackends()
		return nil, err
	}
	return addresses, nil
}

// buildSides makes the servers that tell clients of the backends. mu must be
// held.
func (f *Fleet) buildSides(c Config, addresses []Address, s *site) (err error) {
	if c.Lookaside != nil || c.XDS != nil {
		if err := tellable(addresses); err != nil {
			return err
		}
	}
	if c.Lookaside != nil {
		if f.balancer, err = newLookaside(*c.Lookaside, addresses, s); err != nil {
			return err
		}
	}
	if c.XDS != nil {
		if f.plane, err = newControlPlane(*c.XDS, addresses, s); err != nil {
			return err
		}
	}
	for _, one := range f.sides() {
		if err := one.begin(f.listen); err != nil {
			return err
		}
	}
	return nil
}

// tellable is what keeps addresses from being told to clients: one that stands for
// all of a machine's leads each client to its own machine.
func tellable(addresses []Address) error {
	for _, a := range addresses {
		if at, err := netip.ParseAddrPort(a.Address); err == nil && at.Addr().IsUnspecified() {
			return fmt.Errorf("a fleet that tells clients of its backends (lookaside, xds) must listen at one address, by which they reach it, and not at all of them (got %s)", a.Address)
		}
	}
	return nil
}

// sides are those that there are. mu must be held.
func (f *Fleet) sides() []*side {
	return slices.DeleteFunc([]*side{f.balancer, f.plane}, func(s *side) bool { return s == nil })
}

// Lookaside is where the look-aside balancer of the last Configure listens; ""
// is that there is none.
func (f *Fleet) Lookaside() string { return f.sideAddress(func() *side { return f.balancer }) }

// ControlPlane is where the xDS control plane of the last Configure listens; ""
// is that there is none.
func (f *Fleet) ControlPlane() string { return f.sideAddress(func() *side { return f.plane }) }

func (f *Fleet) sideAddress(of func() *side) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := of(); s != nil {
		return s.port.address
	}
	return ""
}

// build makes the backends, and what they share. mu must be held.
func (f *Fleet) build(c Config, s *site) (err error) {
	if c.TLS == SelfSigned {
		if s.certs, err = newCertificates(); err != nil {
			return err
		}
	}
	if c.Front == L4 {
		if f.front, err = newFront(c.Backends, f.listen); err != nil {
			return fmt.Errorf("front: %w", err)
		}
	}
	for i := range c.Backends {
		if !c.Part.has(i) {
			continue
		}
		listen := f.listen
		if f.front != nil {
			listen = f.front.listen(i)
		}
		b, err := newBackend(i, s, listen, draw.Seed{})
		if err != nil {
			return err
		}
		f.backends = append(f.backends, b)
	}
	return nil
}

// Reset forgets everything that happened: connections are closed, calls in
// flight cancelled, waiting lines empty, counters zero, faults over, the clock
// not set. Draws follow from seed and block from now on. Addresses stay. On an
// error some backend could not listen again.
func (f *Fleet) Reset(seed uint64, block uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.clock.unset()
	f.forgetFaults()
	var errs []error
	if f.front != nil {
		f.front.restart()
	}
	for _, b := range f.backends {
		errs = append(errs, b.reset(draw.Seed{Seed: seed, Block: block}))
	}
	for _, s := range f.sides() {
		errs = append(errs, s.reset())
	}
	return errors.Join(errs...)
}

// forgetFaults goes back to the faults of the configuration. mu must be held.
func (f *Fleet) forgetFaults() {
	f.faults = configuredFaults(f.config)
	f.numbered = len(f.faults)
}

// Start sets the fleet's clock: t0 is the start of the measurement, from which
// the windows of faults count. A provisional t0 (final false), for a warm-up,
// lets windows before t0 open; the clock stops short of 0 until the final one.
func (f *Fleet) Start(t0 time.Time, final bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock.set(t0, final)
	for _, b := range f.backends {
		if b.life != nil {
			b.life.windows.wake()
		}
	}
	for _, s := range f.sides() {
		s.roster.wake()
	}
}

// Snapshot reads the counters since the last Reset.
func (f *Fleet) Snapshot() Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s Snapshot
	for _, b := range f.backends {
		s.Backends = append(s.Backends, b.snapshot())
	}
	return s
}

// ServeControl serves the control service on l, which it closes, until Close.
// It returns nil then, and an error when l fails before.
func (f *Fleet) ServeControl(l net.Listener) error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		_ = l.Close() // ErrClosed says more
		return ErrClosed
	}
	end := newControlEnd(f, l)
	f.controls[end] = struct{}{}
	f.serving.Add(1)
	f.mu.Unlock()

	defer f.serving.Done()
	err := end.serve()
	f.mu.Lock()
	delete(f.controls, end)
	closed := f.closed
	f.mu.Unlock()
	if closed {
		return nil
	}
	end.stop()
	return err
}

// Close ends the fleet: backends, control services and whatever is in flight.
// It may be called more than once.
func (f *Fleet) Close() {
	f.mu.Lock()
	first := !f.closed
	f.closed = true
	controls := slices.Collect(maps.Keys(f.controls))
	f.mu.Unlock()
	// Not under the lock: a control call in flight may be waiting for it.
	for _, end := range controls {
		end.stop()
	}
	f.serving.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closeBackends()
	if first {
		f.waiter.close()
	}
}

// closeBackends leaves the fleet without backends. mu must be held.
func (f *Fleet) closeBackends() {
	for _, b := range f.backends {
		b.close()
	}
	f.backends = nil
	for _, s := range f.sides() {
		if s.port != nil { // it got so far
			s.close()
		}
	}
	f.balancer, f.plane = nil, nil
	if f.front != nil {
		f.front.close()
		f.front = nil
	}
}
