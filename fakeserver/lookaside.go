package fakeserver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

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
	// Changes are lists that it tells of later, in the order of time; drops stay.
	Changes []RosterChange `yaml:"changes" doc:"lists that it tells of later"`
}

func (l *Lookaside) validate(backends int) error {
	if l == nil {
		return nil
	}
	errs := []error{validateRoster(l.Backends, l.Changes, backends)}
	if l.Drops < 0 || l.Drops > maxEntries {
		errs = append(errs, field.New("drops", "must be from 0 to %d (got %d)", maxEntries, l.Drops))
	}
	return errors.Join(errs...)
}

// lookaside is the running balancer: an address that it keeps, and a server that
// every reset replaces. Like a backend it is not safe for concurrent use.
type lookaside struct {
	port   *port
	roster *roster
	certs  *certificates    // nil is plain text
	lists  [][]*lbpb.Server // the roster's
	life   *lookasideLife   // nil when a reset failed to listen
}

func newLookaside(config Lookaside, backends []Address, listen ListenFunc, s *site) (*lookaside, error) {
	la := &lookaside{roster: newRoster(config.Backends, config.Changes, len(backends), s.clock), certs: s.certs}
	for _, list := range la.roster.lists() {
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

func (la *lookaside) close() {
	la.stop()
	la.port.release()
}

// lookasideLife is the balancer between two resets.
type lookasideLife struct {
	lbpb.UnimplementedLoadBalancerServer
	of      *lookaside
	server  *grpc.Server
	gate    *gate
	serving sync.WaitGroup
}

func newLookasideLife(la *lookaside, l net.Listener) *lookasideLife {
	life := &lookasideLife{of: la, gate: newGate(l, newConnections(newBooks(nil)))}
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
	if err != nil {
		return err
	}
	err = f.of.roster.follow(stream.Context().Done(), func(place int) error {
		return stream.Send(&lbpb.LoadBalanceResponse{LoadBalanceResponseType: &lbpb.LoadBalanceResponse_ServerList{
			ServerList: &lbpb.ServerList{Servers: f.of.lists[place]}}})
	})
	if err == nil {
		err = status.FromContextError(stream.Context().Err()).Err()
	}
	return err
}

func (f *lookasideLife) stop() {
	f.gate.reset()
	f.server.Stop()
	f.serving.Wait()
}
