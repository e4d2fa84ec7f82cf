package discovery

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
)

// Endpoint is one backend.
type Endpoint struct {
	// Address is host:port, as a dialer takes it.
	Address string
	// Weight is the backend's share relative to the others'; 0 is as 1. It
	// reaches grpc's ring_hash and pick_first; round_robin has no weights.
	Weight uint32
}

// Addresses is endpoints without weights.
func Addresses(addresses ...string) []Endpoint {
	endpoints := make([]Endpoint, len(addresses))
	for i, a := range addresses {
		endpoints[i].Address = a
	}
	return endpoints
}

// Sorted is endpoints by address. Providers whose answers come in no order of
// their own sort them, so that equal answers look equal.
func Sorted(endpoints []Endpoint) []Endpoint {
	slices.SortFunc(endpoints, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Weight, b.Weight))
	})
	return endpoints
}

// CheckAddress reports an address that is not host:port.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("must be host:port (got %q)", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("must have a port from 1 to 65535 (got %q)", address)
	}
	return nil
}

// distinct is endpoints without those whose address came before.
func distinct(endpoints []Endpoint) []Endpoint {
	seen := make(map[string]bool, len(endpoints))
	out := make([]Endpoint, 0, len(endpoints))
	for _, e := range endpoints {
		if !seen[e.Address] {
			seen[e.Address] = true
			out = append(out, e)
		}
	}
	return out
}
