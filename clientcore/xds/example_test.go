package xds_test

import (
	"fmt"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/xds"
)

// A client whose backends and balancing an xDS server gives.
func Example() {
	if err := xds.Bootstrapped(); err != nil {
		fmt.Println(err)
		return
	}
	client, err := clientcore.New(clientcore.Default(), clientcore.WithTarget("xds:///users"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
}
