package fakeserver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	lbpb "google.golang.org/grpc/balancer/grpclb/grpc_lb_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Lookaside is the fleet's look-aside balancer, which speaks grpc.lb.v1: clients
// whose policy is grpclb ask it for the list of backends, and keep to it.
type Lookaside struct {
	// Backends is the list: a backend that stands twice gets twice the calls.
	// Empty is every backend once.
	Backends []int `yaml:"backends" doc:"the list, as numbers of backends, from 0: one that stands in it twice gets twice the calls; all, once, when left out"`
	// Drops is entries of the list that stand for no backend: the calls whose
	// turn they are fail as UNAVAILABLE.
	Drops int `yaml:"drops" doc:"further entries of the list, whose share of the calls the client fails as UNAVAILABLE"`
	// Changes are lists that it tells of later, in the order of time.
	Changes []LookasideChange `yaml:"changes" doc:"lists that it tells of later"`
}

// LookasideChange is a list that holds from a time on.
type LookasideChange struct {
	At       time.Duration `yaml:"at" doc:"when, counted from the start of the measurement"`
	Backends []int         `yaml:"backends" doc:"the list from then on; drops stay"`
}

// maxEntries keeps a slip of the pen from making a list that no client takes.
const maxEntries = 10_000

func (l *Lookaside) validate(backends int) error {
	if l == nil {
		return nil
	}
	var errs []error
	check := func(path string, list []int) {
		if len(list) > maxEntries {
			errs = append(errs, field.New(path, "must have at most %d entries (got %d)", maxEntries, len(list)))
		}
		for i, b := range list {
			if b < 0 || b >= backends {
				errs = append(errs, field.New(fmt.Sprintf("%s[%d]", path, i), "must be from 0 to %d (got %d)", backends-1, b))
			}
		}
	}
	check("backends", l.Backends)
	if l.Drops < 0 || l.Drops > maxEntries {
		errs = append(errs, field.New("drops", "must be from 0 to %d (got %d)", maxEntries, l.Drops))
	}
	for i, c := range l.Changes {
		path := fmt.Sprintf("changes[%d]", i)
		if i > 0 && c.At <= l.Changes[i-1].At {
			errs = append(errs, field.New(path+".at", "must be after %v, when the change before it is (got %v)", l.Changes[i-1].At, c.At))
		}
		if len(c.Backends) == 0 {
			errs = append(errs, field.New(path+".backends", "must name a backend"))
		}
		check(path+".backends", c.Backends)
	}
	return errors.Join(errs...)
}

// lookaside is the running balancer: an address that it keeps, and a server that
// every reset replaces. Like a backend it is not safe for concurrent use.
type lookaside struct {
	port   *port
	config Lookaside
	clock  *clock
	certs  *certificates    // nil is plain text
	lists  [][]*lbpb.Server // the first, and one for each change
	life   *lookasideLife   // nil when a reset failed to listen
}

func newLookaside(config Lookaside, backends []Address, listen ListenFunc, s *site) (*lookaside, error) {
	la := &lookaside{config: config, clock: s.clock, certs: s.certs}
	first := config.Backends
	if len(first) == 0 {
		for i := range backends {
			first = append(first, i)
		}
	}
	for _, list := range append([][]int{first}, changes(config.Changes)...) {
		servers, err := serverList(list, config.Drops, backends)
		if err != nil {
			return nil, fmt.Errorf("look-aside balancer: %w", err)
		}
		la.lists = append(la.lists, servers)
	}
	p, l, err := newPort(listen)
	if err != nil {
		return nil, fmt.Errorf("look-aside balancer: %w", err)
	}
	la.port = p
	la.life = newLookasideLife(la, l)
	return la, nil
}

func changes(all []LookasideChange) (lists [][]int) {
	for _, c := range all {
		lists = append(lists, c.Backends)
	}
	return lists
}

// serverList is a list as the protocol has it, with drops spread over it.
func serverList(list []int, drops int, backends []Address) ([]*lbpb.Server, error) {
	servers := make([]*lbpb.Server, 0, len(list)+drops)
	dropped := 0
	for i, number := range list {
		at, err := netip.ParseAddrPort(backends[number].Address)
		if err != nil {
			return nil, fmt.Errorf("the protocol has IP addresses only: %w", err)
		}
		servers = append(servers, &lbpb.Server{
			IpAddress: at.Addr().AsSlice(), Port: int32(at.Port()), LoadBalanceToken: backends[number].Name,
		})
		for ; dropped < drops*(i+1)/len(list); dropped++ {
			servers = append(servers, &lbpb.Server{Drop: true, LoadBalanceToken: "drop"})
		}
	}
	return servers, nil
}

// reset closes the connections of clients, which connect anew.
func (la *lookaside) reset() error {
	la.stop()
	l, err := la.port.open()
	if err != nil {
		return fmt.Errorf("look-aside balancer: %w", err)
	}
	la.life = newLookasideLife(la, l)
	return nil
}

func (la *lookaside) stop() {
	if la.life != nil {
		la.life.stop()
		la.life = nil
	}
}

// wake says that the clock was set.
func (la *lookaside) wake() {
	if la.life != nil {
		la.life.wake()
	}
}

func (la *lookaside) close() {
	la.stop()
	la.port.release()
}

// current is the list that holds at now, and how long until that changes; ok is
// false when it does not, as the clock is set.
func (la *lookaside) current(now time.Time) (list []*lbpb.Server, next time.Duration, ok bool) {
	list = la.lists[0]
	at, set := la.clock.at(now)
	if !set {
		return list, 0, false
	}
	n := 0
	for n < len(la.config.Changes) && la.config.Changes[n].At <= at {
		n++
		list = la.lists[n]
	}
	if n < len(la.config.Changes) {
		next, ok = la.clock.until(now, la.config.Changes[n].At)
	}
	return list, next, ok
}

// lookasideLife is the balancer between two resets.
type lookasideLife struct {
	lbpb.UnimplementedLoadBalancerServer
	of      *lookaside
	server  *grpc.Server
	gate    *gate
	serving sync.WaitGroup

	mu    sync.Mutex
	moved chan struct{} // closed when the clock is set, and replaced
}

func newLookasideLife(la *lookaside, l net.Listener) *lookasideLife {
	life := &lookasideLife{of: la, gate: newGate(l, newConnections(newBooks(nil))), moved: make(chan struct{})}
	options := []grpc.ServerOption{
		// grpclb pings its balancer every 20 s.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingTime, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
	if la.certs != nil {
		good := func() (fault.BadCertificate, bool) { return 0, false }
		options = append(options, grpc.Creds(la.certs.credentials(good)))
	}
	life.server = grpc.NewServer(options...)
	lbpb.RegisterLoadBalancerServer(life.server, life)
	life.serving.Go(func() {
		// Serve ends when the gate closes, with an error that says so.
		_ = life.server.Serve(life.gate)
	})
	return life
}

// BalanceLoad implements the LoadBalancer service: it answers with the list, and
// again whenever that changes. It asks for no statistics of the client's.
func (f *lookasideLife) BalanceLoad(stream lbpb.LoadBalancer_BalanceLoadServer) error {
	if _, err := stream.Recv(); err != nil { // who asks is of no interest
		return err
	}
	err := stream.Send(&lbpb.LoadBalanceResponse{LoadBalanceResponseType: &lbpb.LoadBalanceResponse_InitialResponse{
		InitialResponse: &lbpb.InitialLoadBalanceResponse{}}})
	var told []*lbpb.Server
	for err == nil {
		moved := f.clockMoves()
		list, next, changes := f.of.current(time.Now())
		if !slices.Equal(list, told) {
			told = list
			err = stream.Send(&lbpb.LoadBalanceResponse{LoadBalanceResponseType: &lbpb.LoadBalanceResponse_ServerList{
				ServerList: &lbpb.ServerList{Servers: list}}})
			if err != nil {
				break
			}
		}
		var later <-chan time.Time
		if changes {
			later = time.After(next)
		}
		select {
		case <-later:
		case <-moved:
		case <-stream.Context().Done():
			err = status.FromContextError(stream.Context().Err()).Err()
		}
	}
	return err
}

func (f *lookasideLife) clockMoves() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.moved
}

func (f *lookasideLife) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.moved)
	f.moved = make(chan struct{})
}

func (f *lookasideLife) stop() {
	f.gate.reset()
	f.server.Stop()
	f.serving.Wait()
}
