package breaker_test

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// A breaker around work of any kind: what is admitted reports its outcome, what
// is refused was not done.
func Example() {
	policy := breaker.Default()
	policy.Failures = 2
	b := breaker.New(policy, "payments", func(c breaker.Change) {
		fmt.Printf("%s: %v → %v (%s)\n", c.Name, c.From, c.To, c.Reason)
	})
	for range 3 {
		ticket, err := b.Allow()
		if err != nil {
			fmt.Println(status.Code(err), errors.Is(err, breaker.ErrOpen), b.Rejected())
			break
		}
		b.Done(ticket, breaker.Failure)
	}
	// Output:
	// payments: closed → open (2 failures in a row)
	// Unavailable true 1
}
