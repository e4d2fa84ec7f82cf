package discovery_test

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// printer prints what a watch tells first, and ends it.
type printer struct{ end context.CancelFunc }

func (p printer) Update(endpoints []discovery.Endpoint) {
	fmt.Println("endpoints:", endpoints)
	p.end()
}
func (printer) Error(err error) { fmt.Println("error:", err) }

func ExampleStatic() {
	users := discovery.NewStatic(discovery.Addresses("10.0.0.1:443")...)
	users.Set([]discovery.Endpoint{{Address: "10.0.0.1:443"}, {Address: "10.0.0.2:443", Weight: 3}})

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	users.Watch(ctx, printer{cancel})
	// Output: endpoints: [{10.0.0.1:443 0} {10.0.0.2:443 3}]
}

func ExampleResolver() {
	users := discovery.NewStatic(discovery.Addresses("10.0.0.1:443", "10.0.0.2:443")...)
	conn, err := grpc.NewClient("users:///users.internal",
		grpc.WithResolvers(discovery.Resolver("users", users)),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(conn.CanonicalTarget())
	// Output: users:///users.internal
}
