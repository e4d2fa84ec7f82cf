package fakeserver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	clusterpb "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corepb "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointpb "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerpb "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routepb "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerpb "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerpb "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoverypb "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// XDS is the fleet's xDS control plane: one service, XDSService, whose backends
// are the fleet's. Its clients balance as it says.
type XDS struct {
	Policy XDSPolicy `yaml:"policy" doc:"how clients balance: round_robin (when left out), least_request or ring_hash"`
	// Backends is the endpoints; empty is all.
	Backends []int          `yaml:"backends" doc:"the endpoints, as numbers of backends, from 0; all when left out"`
	Changes  []RosterChange `yaml:"changes" doc:"lists of endpoints that it tells of later"`
}

// What clients of the control plane must know.
const (
	// XDSService is the name of the service: the target is xds:///fleet.
	XDSService = "fleet"
	// XDSNode is who clients must say that they are.
	XDSNode = "grpcbench"
	// XDSHashHeader is the metadata that ring_hash places calls by.
	XDSHashHeader = "x-hash-key"
)

// XDSPolicy is how clients of the control plane balance.
type XDSPolicy int

// How they can.
const (
	XDSRoundRobin XDSPolicy = iota
	XDSLeastRequest
	XDSRingHash
)

var xdsPolicyWords = []string{XDSRoundRobin: "round_robin", XDSLeastRequest: "least_request", XDSRingHash: "ring_hash"}

// Words are the values as users write them.
func (*XDSPolicy) Words() []string { return xdsPolicyWords }

// UnmarshalText reads a word.
func (p *XDSPolicy) UnmarshalText(text []byte) error { return readWord(p, xdsPolicyWords, text) }

// MarshalText is the word.
func (p XDSPolicy) MarshalText() ([]byte, error) { return word(p, xdsPolicyWords) }

func (x *XDS) validate(backends int) error {
	if x == nil {
		return nil
	}
	errs := []error{validateRoster(x.Backends, x.Changes, backends)}
	twice := func(path string, list []int) {
		for i, b := range list {
			if slices.Index(list, b) < i {
				errs = append(errs, field.New(fmt.Sprintf("%s[%d]", path, i), "must not be there twice: clients refuse such a list (got %d)", b))
			}
		}
	}
	twice("backends", x.Backends)
	for i, c := range x.Changes {
		twice(fmt.Sprintf("changes[%d].backends", i), c.Backends)
	}
	return errors.Join(errs...)
}

// newControlPlane makes the control plane, which serves as a side. All that it
// will tell is made now, so that nothing can go wrong later.
func newControlPlane(config XDS, backends []Address, s *site) (*side, error) {
	roster := newRoster(config.Backends, config.Changes, len(backends), s.clock)
	var snapshots []*cache.Snapshot
	for i, list := range roster.lists() {
		snapshot, err := xdsSnapshot(strconv.Itoa(i), config.Policy, list, backends)
		if err != nil {
			return nil, fmt.Errorf("xDS control plane: %w", err)
		}
		snapshots = append(snapshots, snapshot)
	}
	return &side{
		what: "xDS control plane", roster: roster,
		register: func(ctx context.Context, g *grpc.Server, running *sync.WaitGroup) {
			known := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
			discoverypb.RegisterAggregatedDiscoveryServiceServer(g, server.NewServer(ctx, known, nil))
			running.Go(func() {
				// It fails when ctx ends, and only then.
				_ = roster.follow(ctx.Done(), func(place int) error { return known.SetSnapshot(ctx, XDSNode, snapshots[place]) })
			})
		},
	}, nil
}

// xdsSnapshot is what the control plane says of a list of backends.
func xdsSnapshot(version string, policy XDSPolicy, list []int, backends []Address) (*cache.Snapshot, error) {
	router, err1 := anypb.New(&routerpb.Router{})
	action := &routepb.RouteAction{ClusterSpecifier: &routepb.RouteAction_Cluster{Cluster: XDSService}}
	cluster := &clusterpb.Cluster{
		Name:                 XDSService,
		ClusterDiscoveryType: &clusterpb.Cluster_Type{Type: clusterpb.Cluster_EDS},
		EdsClusterConfig: &clusterpb.Cluster_EdsClusterConfig{
			EdsConfig: &corepb.ConfigSource{ConfigSourceSpecifier: &corepb.ConfigSource_Ads{Ads: &corepb.AggregatedConfigSource{}}},
		},
	}
	switch policy {
	case XDSLeastRequest:
		cluster.LbPolicy = clusterpb.Cluster_LEAST_REQUEST
	case XDSRingHash:
		cluster.LbPolicy = clusterpb.Cluster_RING_HASH
		action.HashPolicy = []*routepb.RouteAction_HashPolicy{{PolicySpecifier: &routepb.RouteAction_HashPolicy_Header_{
			Header: &routepb.RouteAction_HashPolicy_Header{HeaderName: XDSHashHeader}}}}
	}
	manager, err2 := anypb.New(&managerpb.HttpConnectionManager{
		RouteSpecifier: &managerpb.HttpConnectionManager_RouteConfig{RouteConfig: &routepb.RouteConfiguration{
			Name: XDSService,
			VirtualHosts: []*routepb.VirtualHost{{Name: XDSService, Domains: []string{"*"}, Routes: []*routepb.Route{{
				Match:  &routepb.RouteMatch{PathSpecifier: &routepb.RouteMatch_Prefix{Prefix: ""}},
				Action: &routepb.Route_Route{Route: action},
			}}}},
		}},
		HttpFilters: []*managerpb.HttpFilter{{Name: "router", ConfigType: &managerpb.HttpFilter_TypedConfig{TypedConfig: router}}},
	})
	place := &endpointpb.LocalityLbEndpoints{Locality: &corepb.Locality{Region: XDSService}, LoadBalancingWeight: wrapperspb.UInt32(1)}
	errs := []error{err1, err2}
	for _, number := range list {
		at, err := netip.ParseAddrPort(backends[number].Address)
		errs = append(errs, err)
		address := &corepb.SocketAddress{Address: at.Addr().String(), PortSpecifier: &corepb.SocketAddress_PortValue{PortValue: uint32(at.Port())}}
		place.LbEndpoints = append(place.LbEndpoints, &endpointpb.LbEndpoint{HostIdentifier: &endpointpb.LbEndpoint_Endpoint{
			Endpoint: &endpointpb.Endpoint{Address: &corepb.Address{Address: &corepb.Address_SocketAddress{SocketAddress: address}}}}})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cache.NewSnapshot(version, map[resource.Type][]types.Resource{
		resource.ListenerType: {&listenerpb.Listener{Name: XDSService, ApiListener: &listenerpb.ApiListener{ApiListener: manager}}},
		resource.ClusterType:  {cluster},
		resource.EndpointType: {&endpointpb.ClusterLoadAssignment{ClusterName: XDSService, Endpoints: []*endpointpb.LocalityLbEndpoints{place}}},
	})
}
