package pool

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrClosed is the error of a call, and of WaitReady, on a pool that is closed. As
// a status it is CANCELED with grpc-go's own words. Calls that Close has cut short
// end with what grpc-go says of them, CANCELED as well.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "grpc: the client connection is closing" }

// GRPCStatus is what grpc-go's channels say of a call after Close.
func (e closedError) GRPCStatus() *status.Status { return status.New(codes.Canceled, e.Error()) }

// Origin is the client: nothing was sent.
func (closedError) Origin() string { return "client" }
