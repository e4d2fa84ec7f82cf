package dns_test

import (
	"context"
	"fmt"
	"time"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/dns"
)

// A client that sees a new backend within five seconds.
func Example() {
	users, err := dns.New(dns.Config{Name: "users.internal:443", Every: 5 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := clientcore.New(clientcore.Default(),
		// A resolver of scheme dns stands in for grpc-go's own.
		clientcore.WithTarget("dns:///users.internal:443"),
		clientcore.WithResolvers(discovery.Resolver("dns", users)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
}

// A service by its SRV records, from a server of one's own.
func ExampleNew_service() {
	users, err := dns.New(dns.Config{Name: "_grpc._tcp.users.internal", Server: "10.0.0.53:53"})
	if err != nil {
		fmt.Println(err)
		return
	}
	endpoints, err := users.Discover(context.Background())
	fmt.Println(endpoints, err)
}
