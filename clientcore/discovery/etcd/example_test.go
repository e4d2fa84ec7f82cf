package etcd_test

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/etcd"
)

// A client that follows the endpoints below users/.
func Example() {
	users, err := etcd.Connect(clientv3.Config{Endpoints: []string{"10.0.0.1:2379"}}, etcd.Config{Target: "users"})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := clientcore.New(clientcore.Default(),
		clientcore.WithTarget("etcd:///users.internal"),
		clientcore.WithResolvers(discovery.Resolver("etcd", users)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
}

// A server registers itself, for as long as it lives.
func ExampleNew() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"10.0.0.1:2379"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	lease, err := client.Grant(ctx, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	manager, err := endpoints.NewManager(client, "users")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = manager.AddEndpoint(ctx, "users/b0", endpoints.Endpoint{Addr: "10.0.0.1:443"}, clientv3.WithLease(lease.ID))
	if err != nil {
		fmt.Println(err)
		return
	}

	users, err := etcd.New(client, etcd.Config{Target: "users"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(users.Discover(ctx))
}
