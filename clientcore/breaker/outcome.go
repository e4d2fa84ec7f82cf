package breaker

import (
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/cause"
)

// judge tells outcomes by codes.
type judge struct{ failures uint32 } // bit c is set when code c is a failure

func judgeOf(p Policy) judge {
	var j judge
	for _, code := range p.Codes {
		j.failures |= 1 << code
	}
	return j
}

// outcome is what the error of a call says of its backend. What was never sent,
// what this process itself could not encode or decode, and CANCELED say nothing;
// a code that is not among Policy.Codes is the answer of a backend that works.
func (j judge) outcome(err error) Outcome {
	if err == nil {
		return Success
	}
	code := status.Code(err)
	switch {
	case code == codes.Canceled:
		return Neither
	case code > codes.Unauthenticated || j.failures&(1<<code) == 0:
		return Success
	case cause.Client(err):
		return Neither
	}
	// A pool that is full, a budget that is spent: the client's own doing.
	var own interface{ Origin() string }
	if errors.As(err, &own) {
		return Neither
	}
	return Failure
}
