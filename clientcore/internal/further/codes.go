package further

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/cause"
)

// Codes is a set of codes: bit c is set when code c is in it.
type Codes uint32

// CodesOf is the set of some valid codes.
func CodesOf(list []codes.Code) Codes {
	var set Codes
	for _, code := range list {
		set |= 1 << code
	}
	return set
}

// Cures reports whether another attempt may cure err: its code is in the set,
// it is no mistake of this process, which would be made again, and the balancer did
// not drop the attempt, for it would drop as many of the others.
func (c Codes) Cures(err error) bool {
	code := status.Code(err)
	return code <= codes.Unauthenticated && c&(1<<code) != 0 && !cause.Client(err) && !cause.Dropped(err)
}

// WireName is a code as gRPC writes it, as UNAVAILABLE.
func WireName(code codes.Code) string {
	return [...]string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}[code]
}
