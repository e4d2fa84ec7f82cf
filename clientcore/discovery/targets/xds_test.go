package targets_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
	"github.com/grpcbench/grpcbench/clientcore/xds"
)

// socketVariable is the environment's name of the control plane's socket, in the
// process that TestXDS starts.
const socketVariable = "GRPCBENCH_TEST_XDS_SOCKET"

// bootstrapped is whether this is that process.
func bootstrapped() bool { return os.Getenv(socketVariable) != "" }

const xdsNode = "grpcbench-test"

// TestXDS has a whole client follow a real xDS control plane. grpc-go reads where
// that is when a program starts, so that the test starts itself once more.
func TestXDS(t *testing.T) {
	if socket := os.Getenv(socketVariable); socket != "" {
		testXDS(t, socket)
		return
	}
	// Not t.TempDir: the path of a socket must be short.
	folder, err := os.MkdirTemp("", "xds")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "ads")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	again := exec.CommandContext(ctx, program, "-test.run=^TestXDS$", "-test.v")
	again.Env = append(os.Environ(), socketVariable+"="+socket, "GRPC_XDS_BOOTSTRAP=", "GRPC_XDS_BOOTSTRAP_CONFIG="+fmt.Sprintf(
		`{"xds_servers":[{"server_uri":"unix:%s","channel_creds":[{"type":"insecure"}],"server_features":["xds_v3"]}],"node":{"id":%q}}`, socket, xdsNode))
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

func testXDS(t *testing.T, socket string) {
	if err := xds.Bootstrapped(); err != nil {
		t.Fatal(err)
	}
	plane := newControlPlane(t, socket)
	b := churntest.Loopback(t, 3)
	plane.set(t, b.Addresses()[:1])

	target, err := targets.Parse("xds:///users")
	if err != nil {
		t.Fatal(err)
	}
	dial, resolvers, err := target.Dial()
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientcore.New(clientcore.Default(), clientcore.WithTarget(dial), clientcore.WithResolvers(resolvers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	churntest.Run(t, b, client, func(addresses []string) { plane.set(t, addresses) })

	// Each call that a backend got was picked a channel for.
	var got int64
	for _, calls := range b.Calls() {
		got += calls
	}
	if stats := client.Stats(); stats.Pool.Picks != got || got == 0 {
		t.Errorf("%d calls got through, %d picks are counted", got, stats.Pool.Picks)
	}
}

// controlPlane is an xDS server for one service, users.
type controlPlane struct {
	cache   cache.SnapshotCache
	version int
}

func newControlPlane(t *testing.T, socket string) *controlPlane {
	t.Helper()
	lis, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	p := &controlPlane{cache: cache.NewSnapshotCache(true, cache.IDHash{}, nil)}
	ctx, cancel := context.WithCancel(context.Background())
	s := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(s, server.NewServer(ctx, p.cache, nil))
	go func() { _ = s.Serve(lis) }()
	t.Cleanup(func() {
		cancel()
		s.Stop()
	})
	return p
}

// set makes addresses the service's endpoints; the rest stays as it is.
func (p *controlPlane) set(t *testing.T, addresses []string) {
	t.Helper()
	p.version++
	const name = "users"
	manager := packed(t, &managerv3.HttpConnectionManager{
		RouteSpecifier: &managerv3.HttpConnectionManager_RouteConfig{RouteConfig: &routev3.RouteConfiguration{
			Name: name,
			VirtualHosts: []*routev3.VirtualHost{{
				Name: name, Domains: []string{"*"},
				Routes: []*routev3.Route{{
					Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: ""}},
					Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: name}}},
				}},
			}},
		}},
		HttpFilters: []*managerv3.HttpFilter{{Name: "router", ConfigType: &managerv3.HttpFilter_TypedConfig{TypedConfig: packed(t, &routerv3.Router{})}}},
	})
	cluster := &clusterv3.Cluster{
		Name:                 name,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{EdsConfig: &corev3.ConfigSource{ConfigSourceSpecifier: &corev3.ConfigSource_Ads{}}},
		LbPolicy:             clusterv3.Cluster_ROUND_ROBIN,
	}
	locality := &endpointv3.LocalityLbEndpoints{
		Locality:            &corev3.Locality{Region: "test"},
		LoadBalancingWeight: wrapperspb.UInt32(1),
	}
	for _, address := range addresses {
		locality.LbEndpoints = append(locality.LbEndpoints, &endpointv3.LbEndpoint{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: socketAddress(t, address)}},
		})
	}
	snapshot, err := cache.NewSnapshot(strconv.Itoa(p.version), map[resource.Type][]types.Resource{
		resource.ListenerType: {&listenerv3.Listener{Name: name, ApiListener: &listenerv3.ApiListener{ApiListener: manager}}},
		resource.ClusterType:  {cluster},
		resource.EndpointType: {&endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{locality}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cache.SetSnapshot(context.Background(), xdsNode, snapshot); err != nil {
		t.Fatal(err)
	}
}

func packed(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	out, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func socketAddress(t *testing.T, address string) *corev3.Address {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(n)},
	}}}
}
