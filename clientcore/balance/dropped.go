package balance

import (
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// ErrDropped is what every DroppedError is, to errors.Is.
var ErrDropped = errors.New("balancer: the call was dropped")

// DroppedError is the error of an attempt that the balancer ended on purpose, with a
// status of its choice: as grpclb does with the share of calls that its look-aside
// balancer says to drop, and xDS with drop_overload and circuit breakers. It was not
// sent. Who drops wants less load, so neither retries nor hedges follow on it, as
// none of grpc-go's own do.
type DroppedError struct{ err error }

// Error is the policy's error.
func (e *DroppedError) Error() string { return e.err.Error() }

// Unwrap is the policy's error.
func (e *DroppedError) Unwrap() error { return e.err }

// Is reports whether target is ErrDropped.
func (e *DroppedError) Is(target error) bool { return target == ErrDropped }

// GRPCStatus is the status that the policy chose.
func (e *DroppedError) GRPCStatus() *status.Status { return status.Convert(e.err) }

// Origin is "balancer".
func (e *DroppedError) Origin() string { return "balancer" }

// Dropped is true: the layer that makes further attempts asks for it.
func (e *DroppedError) Dropped() bool { return true }

// dropped is the error of a picker that has a status: grpc-go ends an attempt with
// such a one, and passes it up as it is. What our own circuit breakers refuse is no
// drop. For the codes that are not a balancer's to choose (gRFC A54) grpc-go would
// put a plain INTERNAL in its place, by which nobody could tell it from a server's:
// so it is put here, in grpc-go's words.
func dropped(err error) error {
	if errors.Is(err, breaker.ErrOpen) {
		return err
	}
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		err = status.Errorf(codes.Internal, "received picker error with illegal status: %v", err)
	}
	return &DroppedError{err}
}
