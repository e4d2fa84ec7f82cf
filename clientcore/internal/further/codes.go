package further

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/cause"
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
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
// and it is no mistake of this process, which would be made again.
func (c Codes) Cures(err error) bool {
	code := status.Code(err)
	return code <= codes.Unauthenticated && c&(1<<code) != 0 && !cause.Client(err)
}

// CheckCodes finds what is wrong with the setting codes. instead is what to
// write for none at all.
func CheckCodes(list []codes.Code, instead string) []error {
	var errs []error
	if len(list) == 0 {
		errs = append(errs, field.Errorf("codes", "must name at least one code; %s", instead))
	}
	seen := map[codes.Code]bool{}
	for i, code := range list {
		at := fmt.Sprintf("codes[%d]", i)
		switch {
		case code == codes.OK || code > codes.Unauthenticated:
			errs = append(errs, field.Errorf(at, "must be a code of a failure (got %v)", code))
		case seen[code]:
			errs = append(errs, field.Errorf(at, "names %v a second time", code))
		}
		seen[code] = true
	}
	return errs
}

// WireName is a code as gRPC writes it, as UNAVAILABLE.
func WireName(code codes.Code) string {
	return [...]string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}[code]
}
