package retry_test

import (
	"fmt"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// The waits of a policy, without the random part.
func Example() {
	policy := retry.Default()
	policy.Attempts = 5
	policy.Base, policy.Max = 100*time.Millisecond, 500*time.Millisecond
	policy.Jitter = retry.Jitter{None: &retry.NoJitter{}}
	fmt.Println(policy.Validate())
	var previous time.Duration
	for n := 1; n < policy.Attempts; n++ {
		previous = policy.Wait(n, previous, 0.5)
		fmt.Println("before retry", n, "wait", previous)
	}
	// Output:
	// <nil>
	// before retry 1 wait 100ms
	// before retry 2 wait 200ms
	// before retry 3 wait 400ms
	// before retry 4 wait 500ms
}
