package xds_test

import (
	"fmt"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	_ "github.com/grpcbench/grpcbench/clientcore/xds"
)

// The import is all: a program that has it can use outlier_detection, and targets
// such as xds:///users.
func Example() {
	outlier := &balance.OutlierDetection{}
	outlier.SetDefaults()
	fmt.Println(balance.Policy{OutlierDetection: outlier}.Validate())
	// Output: <nil>
}
