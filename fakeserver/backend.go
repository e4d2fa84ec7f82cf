package fakeserver

import (
	"context"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/link"
)

// minPingTime is how often clients may ping, with or without calls in flight.
const minPingTime = 5 * time.Second

// site is what the backends of a fleet share.
type site struct {
	config   Config
	clock    *clock
	waiter   waiter
	burner   *burner // nil waits
	payloads *payloads
	certs    *certificates // nil is plain text
}

// backend is one fake server: an address that it keeps, and a life that every
// reset replaces. Not safe for concurrent use: the fleet sees to it.
type backend struct {
	number int
	site   *site
	port   *port
	life   *life // nil when a reset failed to listen
}

func newBackend(number int, s *site, listen ListenFunc, seed draw.Seed) (*backend, error) {
	p, l, err := newPort(listen)
	if err != nil {
		return nil, fmt.Errorf("backend b%d: %w", number, err)
	}
	b := &backend{number: number, site: s, port: p}
	b.life = newLife(b, l, seed)
	return b, nil
}

func (b *backend) name() string { return fmt.Sprintf("b%d", b.number) }

// reset ends everything that goes on and forgets all that was.
func (b *backend) reset(seed draw.Seed) error {
	b.stop()
	l, err := b.port.open()
	if err != nil {
		return fmt.Errorf("backend %s: %w", b.name(), err)
	}
	b.life = newLife(b, l, seed)
	return nil
}

func (b *backend) stop() {
	if b.life != nil {
		b.life.stop()
		b.life = nil
	}
}

func (b *backend) close() {
	b.stop()
	b.port.release()
}

func (b *backend) snapshot() BackendSnapshot {
	s := emptySnapshot()
	if b.life != nil {
		s = b.life.snapshot()
	}
	s.Name, s.Address = b.name(), b.port.address
	return s
}

// life is a backend between two resets: its server, its books, its line.
type life struct {
	port        *port
	books       *books
	queue       *queue
	pace        *pace
	connections *connections
	frames      *frames
	service     *service
	windows     *windows
	wellness    *wellness
	credentials credentials.TransportCredentials // nil is plain text, with nothing to follow
	serving     sync.WaitGroup
	end         context.CancelFunc // of the work for callers that have left

	mu     sync.Mutex
	server *grpc.Server
	gate   *gate
	shut   int // faults that keep the backend shut
	frozen int // faults that keep it from working
	slots  int // without faults
	shares map[fault.Fault]float64

	// badMu is apart from mu: Open holds that while it waits for the old server's
	// handshakes to end, which ask for a certificate.
	badMu sync.Mutex
	bad   map[fault.Fault]fault.BadCertificate
}

func newLife(b *backend, l net.Listener, seed draw.Seed) *life {
	config := &b.site.config
	own := config.of(b.number)
	books := newBooks(config.Faults, b.site.clock)
	life := &life{
		port: b.port, books: books, connections: b.connections(books, seed), pace: newPace(own.Speed), frames: newFrames(), wellness: newWellness(),
		slots: own.Concurrency, shares: map[fault.Fault]float64{}, bad: map[fault.Fault]fault.BadCertificate{},
	}
	if b.site.certs != nil {
		life.credentials = b.site.certs.credentials(life.badCertificate)
	}
	if config.onWire() {
		inner := life.credentials
		if inner == nil {
			inner = insecure.NewCredentials()
		}
		life.credentials = life.frames.credentials(inner)
	}
	if own.Concurrency > 0 {
		life.queue = newQueue(own.Concurrency, config.Queue)
	}
	life.service = &service{
		backend:  b.number,
		seed:     seed,
		times:    config.timings(b.number),
		books:    books,
		rules:    newRules(config.Faults, b.number, b.site.clock, seed, books),
		queue:    life.queue,
		pace:     life.pace,
		burner:   b.site.burner,
		waiter:   b.site.waiter,
		payloads: b.site.payloads,
		users:    newUsers(),
		load:     newLoadMeter(config.loadReport(), own.Concurrency, books.underWay),
		report:   config.loadReport(),
		wellness: life.wellness,
		ignore:   config.OnCancel == Ignore,
	}
	life.service.subjects.Store(config.needsSubject())
	life.service.life, life.end = context.WithCancel(context.Background())
	life.mu.Lock()
	life.server = newServer(life.service, life.credentials)
	life.serve(l)
	life.mu.Unlock()
	life.windows = newWindows(config.Faults, b.number, life, b.site.clock, books)
	return life
}

// connections are those of a new life, with the network before them.
func (b *backend) connections(books *books, seed draw.Seed) *connections {
	cs := newConnections(books)
	cs.hush = newHush()
	if config := b.site.config.Network; !config.Zero() {
		wait := func(d time.Duration, wake <-chan struct{}) {
			_ = b.site.waiter.wait(context.Background(), d, wake) // no ctx, no error
		}
		cs.network = func(raw net.Conn, n int64, done func()) *link.Conn {
			return link.Wrap(raw, config, draw.Mix(seed.Seed, uint64(seed.Block), uint64(draw.Network), uint64(b.number), uint64(n)), wait, done)
		}
	}
	return cs
}

func newServer(s *service, c credentials.TransportCredentials) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.InTapHandle(s.tap),
		grpc.UnknownServiceHandler(s.unknown),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingTime, PermitWithoutStream: true}),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.WaitForHandlers(true), // what Stop returns to is quiet
	}
	if c != nil {
		options = append(options, grpc.Creds(c))
	}
	server := grpc.NewServer(options...)
	server.RegisterService(desc(), s)
	registerAuxiliary(server, s)
	return server
}

// serve accepts connections from l. mu must be held.
func (f *life) serve(l net.Listener) {
	server, g := f.server, newGate(l, f.connections)
	f.gate = g
	f.serving.Go(func() {
		// Serve ends when the gate closes, with an error that says so.
		_ = server.Serve(g)
	})
}

// Shut implements fault.Host.
func (f *life) Shut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut++
	f.gate.reset() // also where it is shut already: it may be draining
}

// Drain implements fault.Host.
func (f *life) Drain() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut++
	if f.shut > 1 {
		return
	}
	server := f.server
	_ = f.gate.Close() // a listener that fails to close is closed all the same
	f.serving.Go(server.GracefulStop)
}

// Open implements fault.Host.
func (f *life) Open() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut == 1 {
		l, err := f.port.open()
		if err != nil {
			return err
		}
		// The old server may be draining: it is over for what is left there.
		f.gate.reset()
		f.server.Stop()
		f.server = newServer(f.service, f.credentials)
		f.serve(l)
	}
	f.shut--
	return nil
}

// Sicken implements fault.Host.
func (f *life) Sicken() { f.wellness.sicken() }

// Heal implements fault.Host.
func (f *life) Heal() { f.wellness.heal() }

// Freeze implements fault.Host.
func (f *life) Freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen++
	if f.frozen == 1 {
		f.pace.set(f, fault.Ramp{})
	}
}

// Thaw implements fault.Host.
func (f *life) Thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen--
	if f.frozen == 0 {
		f.pace.unset(f)
	}
}

// SetSpeed implements fault.Host.
func (f *life) SetSpeed(by fault.Fault, ramp fault.Ramp) { f.pace.set(by, ramp) }

// UnsetSpeed implements fault.Host.
func (f *life) UnsetSpeed(by fault.Fault) { f.pace.unset(by) }

// SetSlots implements fault.Host.
func (f *life) SetSlots(by fault.Fault, share float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shares[by] = share
	f.resize()
}

// UnsetSlots implements fault.Host.
func (f *life) UnsetSlots(by fault.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.shares, by)
	f.resize()
}

// Disconnect implements fault.Host.
func (f *life) Disconnect(fin bool) {
	if fin {
		f.connections.end()
	} else {
		f.connections.reset()
	}
}

// GoAway implements fault.Host.
func (f *life) GoAway(refuse bool) { f.frames.goAway(refuse) }

// Hush implements fault.Host.
func (f *life) Hush() { f.connections.hush.begin() }

// Unhush implements fault.Host.
func (f *life) Unhush() { f.connections.hush.end() }

// SetMaxAge implements fault.Host.
func (f *life) SetMaxAge(by fault.Fault, age, grace time.Duration) {
	f.frames.setMaxAge(by, maxAge{age: age, grace: grace})
}

// UnsetMaxAge implements fault.Host.
func (f *life) UnsetMaxAge(by fault.Fault) { f.frames.setMaxAge(by, maxAge{}) }

// SetMaxStreams implements fault.Host.
func (f *life) SetMaxStreams(by fault.Fault, n int) { f.frames.setMaxStreams(by, n) }

// UnsetMaxStreams implements fault.Host.
func (f *life) UnsetMaxStreams(by fault.Fault) { f.frames.setMaxStreams(by, 0) }

// ShowBad implements fault.Host.
func (f *life) ShowBad(by fault.Fault, certificate fault.BadCertificate) {
	f.badMu.Lock()
	defer f.badMu.Unlock()
	f.bad[by] = certificate
}

// ShowGood implements fault.Host.
func (f *life) ShowGood(by fault.Fault) {
	f.badMu.Lock()
	defer f.badMu.Unlock()
	delete(f.bad, by)
}

// badCertificate is one that a fault wants shown, if any does.
func (f *life) badCertificate() (fault.BadCertificate, bool) {
	f.badMu.Lock()
	defer f.badMu.Unlock()
	for _, certificate := range f.bad {
		return certificate, true
	}
	return 0, false
}

// resize gives the queue what the faults leave of the slots. mu must be held.
func (f *life) resize() {
	slots := float64(f.slots)
	for _, share := range f.shares {
		slots *= share
	}
	f.queue.resize(max(1, int(math.Round(slots))))
}

// stop ends the life. Calls in flight are cancelled; none is left after it.
func (f *life) stop() {
	f.windows.close()
	f.end()
	f.mu.Lock()
	f.gate.reset()
	server := f.server
	f.mu.Unlock()
	server.Stop()
	f.serving.Wait()
	f.connections.linked.Wait()
	f.service.orphans.Wait()
}

func (f *life) snapshot() BackendSnapshot {
	s := f.books.snapshot()
	queued, refused := f.queue.counts()
	s.Queued, s.Refused = int64(queued), refused
	s.QueueLength, s.QueueWait = f.queue.histograms()
	return s
}
