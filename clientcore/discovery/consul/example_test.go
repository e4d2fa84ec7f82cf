package consul_test

import (
	"fmt"

	"github.com/hashicorp/consul/api"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/consul"
)

// A client that calls the passing instances of a service, those of version 2.
func Example() {
	agent, err := api.NewClient(api.DefaultConfig()) // CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, …
	if err != nil {
		fmt.Println(err)
		return
	}
	users, err := consul.New(agent, consul.Config{Service: "users", Tags: []string{"v2"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := clientcore.New(clientcore.Default(),
		clientcore.WithTarget("consul:///users.internal"),
		clientcore.WithResolvers(discovery.Resolver("consul", users)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
}
