package fakeserver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"google.golang.org/grpc"
	lbpb "google.golang.org/grpc/balancer/grpclb/grpc_lb_v1"
	"google.golang.org/grpc/status"

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

func newLookaside(config Lookaside, backends []Address, s *site) (*side, error) {
	service := &lookaside{roster: newRoster(config.Backends, config.Changes, len(backends), s.clock)}
	for _, list := range service.roster.lists() {
		servers, err := serverList(list, config.Drops, backends)
		if err != nil {
			return nil, fmt.Errorf("look-aside balancer: %w", err)
		}
		service.lists = append(service.lists, servers)
	}
	return &side{
		what: "look-aside balancer", roster: service.roster, certs: s.certs,
		register: func(_ context.Context, server *grpc.Server, _ *sync.WaitGroup) {
			lbpb.RegisterLoadBalancerServer(server, service)
		},
	}, nil
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

// lookaside is the balancer's service.
type lookaside struct {
	lbpb.UnimplementedLoadBalancerServer
	roster *roster
	lists  [][]*lbpb.Server // the roster's
}

// BalanceLoad implements the LoadBalancer service: it answers with the list, and
// again whenever that changes. It asks for no statistics of the client's.
func (la *lookaside) BalanceLoad(stream lbpb.LoadBalancer_BalanceLoadServer) error {
	if _, err := stream.Recv(); err != nil { // who asks is of no interest
		return err
	}
	err := stream.Send(&lbpb.LoadBalanceResponse{LoadBalanceResponseType: &lbpb.LoadBalanceResponse_InitialResponse{
		InitialResponse: &lbpb.InitialLoadBalanceResponse{}}})
	if err != nil {
		return err
	}
	err = la.roster.follow(stream.Context().Done(), func(place int) error {
		return stream.Send(&lbpb.LoadBalanceResponse{LoadBalanceResponseType: &lbpb.LoadBalanceResponse_ServerList{
			ServerList: &lbpb.ServerList{Servers: la.lists[place]}}})
	})
	if err == nil {
		err = status.FromContextError(stream.Context().Err()).Err()
	}
	return err
}
