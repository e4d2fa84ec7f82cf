// Package xds links xDS into a program: with its import, a Client of clientcore
// takes targets such as xds:///user-service, whose backends and balancing an xDS
// server gives, and balance has outlier_detection, which grpc-go keeps in the
// same place. It adds about 24 MB to the binary, and so nothing in clientcore
// imports it.
//
//	import _ "github.com/grpcbench/grpcbench/clientcore/xds"
//
// grpc-go's own balancers choose the backends of an xds target, as the server
// says. Config.Balance has no effect on it, and Stats knows neither attempts by
// backend nor connections.
package xds

import (
	"errors"
	"fmt"
	"os"

	_ "google.golang.org/grpc/xds" // registers the resolver and the policies
)

// ErrNoBootstrap is that the environment names no xDS server.
var ErrNoBootstrap = errors.New("no xDS bootstrap: set GRPC_XDS_BOOTSTRAP to a file, or GRPC_XDS_BOOTSTRAP_CONFIG to its text, before the program starts")

// Bootstrapped reports whether the environment says where the xDS server is: nil,
// ErrNoBootstrap, or that the file cannot be read. Without it xds targets do not
// resolve. grpc-go reads both variables when the program starts: to set them
// later has no effect.
func Bootstrapped() error {
	// grpc-go prefers the file.
	if name := os.Getenv("GRPC_XDS_BOOTSTRAP"); name != "" {
		file, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("xDS bootstrap: %w", err)
		}
		return file.Close()
	}
	if os.Getenv("GRPC_XDS_BOOTSTRAP_CONFIG") == "" {
		return ErrNoBootstrap
	}
	return nil
}
