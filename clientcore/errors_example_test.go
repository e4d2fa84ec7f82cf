package clientcore_test

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// What to do with the error of a call.
func ExampleOriginOf() {
	err := fmt.Errorf("loading user 7: %w", &breaker.OpenError{Scope: breaker.Client, State: breaker.Open})
	fmt.Println(clientcore.OriginOf(err), errors.Is(err, breaker.ErrOpen), clientcore.Retryable(err))
	fmt.Println(clientcore.Explain(status.Code(err)))
	// Output:
	// breaker true true
	// The server could not be reached, or does not take calls now; trying again later may help.
}
