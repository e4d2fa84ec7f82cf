package targets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// parseStatic: static:///a:1,b:2.
func parseStatic(q *query) (source, error) {
	if err := q.noPlace(); err != nil {
		return source{}, err
	}
	addresses := strings.Split(q.path, ",")
	for i, address := range addresses {
		if err := discovery.CheckAddress(address); err != nil {
			return source{}, fmt.Errorf("address %d %w", i+1, err)
		}
		if slices.Contains(addresses[:i], address) {
			return source{}, fmt.Errorf("address %d must be another one (got %q twice)", i+1, address)
		}
	}
	return source{authority: addresses[0], hosts: addresses, open: func() (discovery.Registry, error) {
		return discovery.NewStatic(discovery.Addresses(addresses...)...), nil
	}}, nil
}
