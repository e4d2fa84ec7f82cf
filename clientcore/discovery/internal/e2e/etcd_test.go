package e2e

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

// etcdServer is an embedded etcd, which can be stopped and started again.
type etcdServer struct {
	config *embed.Config
	server *embed.Etcd // nil while stopped
	client string      // host:port
}

func newEtcd(t *testing.T) *etcdServer {
	t.Helper()
	s := &etcdServer{config: embed.NewConfig(), client: freeAddress(t)}
	s.config.Dir = t.TempDir()
	s.config.LogLevel = "fatal"
	at := func(address string) []url.URL { return []url.URL{{Scheme: "http", Host: address}} }
	s.config.ListenClientUrls, s.config.AdvertiseClientUrls = at(s.client), at(s.client)
	peer := at(freeAddress(t))
	s.config.ListenPeerUrls, s.config.AdvertisePeerUrls = peer, peer
	s.config.InitialCluster = s.config.InitialClusterFromName(s.config.Name)
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *etcdServer) start(t *testing.T) {
	t.Helper()
	server, err := embed.StartEtcd(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		t.Fatal("etcd is not ready after a minute")
	}
}

func (s *etcdServer) stop() {
	if s.server != nil {
		s.server.Close()
		s.server = nil
	}
}

// dial is a client for the test's own use.
func (s *etcdServer) dial(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{s.client}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// register makes addresses all endpoints of the target users, as one change.
func register(t *testing.T, client *clientv3.Client, addresses []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	manager, err := endpoints.NewManager(client, "users")
	if err != nil {
		t.Fatal(err)
	}
	now, err := manager.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var updates []*endpoints.UpdateWithOpts
	for _, address := range addresses {
		key := "users/" + address
		if _, is := now[key]; !is {
			updates = append(updates, endpoints.NewAddUpdateOpts(key, endpoints.Endpoint{Addr: address}))
		}
		delete(now, key)
	}
	for key := range now {
		updates = append(updates, endpoints.NewDeleteUpdateOpts(key))
	}
	if err := manager.Update(ctx, updates); err != nil {
		t.Fatal(err)
	}
}

func TestEtcdChurn(t *testing.T) {
	s := newEtcd(t)
	client := s.dial(t)
	b := churntest.Loopback(t, 3)
	churntest.Run(t, b, b.Dial(t, open(t, "etcd://"+s.client+"/users")), func(addresses []string) { register(t, client, addresses) })
}

// TestEtcdLease: an endpoint whose server stops renewing its lease goes.
func TestEtcdLease(t *testing.T) {
	s := newEtcd(t)
	client := s.dial(t)
	register(t, client, []string{"a:1"})
	h := watch(t, open(t, "etcd://"+s.client+"/users"))
	h.want(t, "[a:1]")
	manager, err := endpoints.NewManager(client, "users")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // on a busy machine the lease may have run out before it is used
		var lease *clientv3.LeaseGrantResponse
		if lease, err = client.Grant(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		err = manager.AddEndpoint(t.Context(), "users/b", endpoints.Endpoint{Addr: "b:1"}, clientv3.WithLease(lease.ID))
		if !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	h.want(t, "[a:1 b:1]")
	h.want(t, "[a:1]")
}

// TestEtcdRestart: a server that goes is an error and takes no endpoint away;
// what changed and was compacted away meanwhile is known after it.
func TestEtcdRestart(t *testing.T) {
	s := newEtcd(t)
	register(t, s.dial(t), []string{"a:1"})
	h := watch(t, open(t, "etcd://"+s.client+"/users"))
	h.want(t, "[a:1]")
	s.stop()
	h.want(t, "etcd: target users: ")
	s.start(t)
	client := s.dial(t)
	register(t, client, []string{"b:1"})
	register(t, client, []string{"b:1", "c:1"})
	now, err := client.Get(t.Context(), "users/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(t.Context(), now.Header.Revision); err != nil {
		t.Fatal(err)
	}
	h.until(t, "[b:1 c:1]", func(line string) bool {
		return strings.HasPrefix(line, "etcd: target users: ") || slices.Contains([]string{"[a:1]", "[b:1]"}, line)
	})
}

// freeAddress is a port on loopback that nobody listened at a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return lis.Addr().String()
}
