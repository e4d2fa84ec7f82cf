package hedge_test

import (
	"fmt"

	"github.com/grpcbench/grpcbench/clientcore/hedge"
)

// A policy begins as the default; what is too long or too much is said by Validate.
func ExamplePolicy() {
	p := hedge.Default()
	fmt.Println(p.After, p.Attempts, p.Validate())

	if err := p.After.UnmarshalText([]byte("20ms")); err != nil {
		fmt.Println(err)
	}
	p.Attempts = 1000
	fmt.Println(p.After, p.Validate())
	// Output:
	// p95 2 <nil>
	// 20ms must be between 1 and 100 (got 1000)
}
