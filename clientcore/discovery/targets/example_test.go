package targets_test

import (
	"fmt"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
)

// A client whose backends come from where a setting says.
func Example() {
	target, err := targets.Parse("dns:///users.internal:443?every=5s")
	if err != nil {
		fmt.Println(err)
		return
	}
	dial, resolvers, err := target.Dial()
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := clientcore.New(clientcore.Default(),
		clientcore.WithTarget(dial),
		clientcore.WithResolvers(resolvers...))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	fmt.Println(dial)
	// Output: dns:///users.internal:443
}

func ExampleParse() {
	_, err := targets.Parse("consul://127.0.0.1:8500/users?tags=v2")
	fmt.Println(err)
	// Output: unknown setting "tags" of consul: must be tag, dc, wait or authority
}
