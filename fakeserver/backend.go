package fakeserver

import (
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/http2conn"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

// minPingTime is how often clients may ping, with or without calls in flight.
const minPingTime = 5 * time.Second

// site is what the backends of a fleet share.
type site struct {
	config   Config
	times    servicetime.Sampler
	clock    *clock
	waiter   waiter
	payloads *payloads
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
	s := BackendSnapshot{Attempts: map[string]int64{}, Codes: map[string]int64{}, Faults: map[string]int64{}, Rules: map[string]int64{}}
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
	connections *connections
	server      *grpc.Server
	windows     *windows
	serving     sync.WaitGroup

	mu   sync.Mutex
	gate *gate
	shut int // faults that keep the backend shut
}

func newLife(b *backend, l net.Listener, seed draw.Seed) *life {
	config := &b.site.config
	books := newBooks(config.Faults)
	life := &life{port: b.port, books: books, connections: newConnections(books)}
	if config.Concurrency > 0 {
		life.queue = newQueue(config.Concurrency, config.Queue)
	}
	s := &service{
		backend:  b.number,
		seed:     seed,
		subjects: config.needsSubject(),
		times:    b.site.times,
		books:    books,
		rules:    newRules(config.Faults, b.number, b.site.clock, seed, books),
		queue:    life.queue,
		waiter:   b.site.waiter,
		payloads: b.site.payloads,
		users:    newUsers(),
	}
	options := []grpc.ServerOption{
		grpc.InTapHandle(s.tap),
		grpc.UnknownServiceHandler(s.unknown),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingTime, PermitWithoutStream: true}),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.WaitForHandlers(true), // what Stop returns to is quiet
	}
	if config.onWire() {
		options = append(options, grpc.Creds(http2conn.Credentials(insecure.NewCredentials())))
	}
	life.server = grpc.NewServer(options...)
	life.server.RegisterService(desc(), s)
	life.mu.Lock()
	life.serve(l)
	life.mu.Unlock()
	life.windows = newWindows(config.Faults, b.number, life, b.site.clock, books)
	return life
}

// serve accepts connections from l. mu must be held.
func (f *life) serve(l net.Listener) {
	g := newGate(l, f.connections)
	f.gate = g
	f.serving.Go(func() {
		// Serve ends when the gate closes, with an error that says so.
		_ = f.server.Serve(g)
	})
}

// Shut implements fault.Host.
func (f *life) Shut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut++
	if f.shut == 1 {
		f.gate.reset()
	}
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
		f.serve(l)
	}
	f.shut--
	return nil
}

// stop ends the life. Calls in flight are cancelled; none is left after it.
func (f *life) stop() {
	f.windows.close()
	f.mu.Lock()
	f.gate.reset()
	f.mu.Unlock()
	f.server.Stop()
	f.serving.Wait()
}

func (f *life) snapshot() BackendSnapshot {
	s := f.books.snapshot()
	queued, refused := f.queue.counts()
	s.Queued, s.Refused = int64(queued), refused
	return s
}
