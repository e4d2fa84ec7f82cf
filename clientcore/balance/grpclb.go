package balance

import (
	"net"

	_ "google.golang.org/grpc/balancer/grpclb" // registers grpclb
	grpclbstate "google.golang.org/grpc/balancer/grpclb/state"
	"google.golang.org/grpc/resolver"
)

// GRPCLB takes backends and their weights from a look-aside balancer that speaks
// grpc.lb.v1: a backend that it names twice gets twice the calls, an entry that
// says drop fails its share of them as UNAVAILABLE, by a DroppedError. The
// balancer's address comes with the resolver's state: see WithLookaside. Without an
// answer from it in 10 s, a fixed time, grpc-go falls back to the resolver's own
// backends.
//
// To link grpclb into a program makes grpc-go's dns resolver ask for SRV records
// as well, whatever the policy.
type GRPCLB struct{}

// lookasideName is fixed by grpc-go, which does not export it.
const lookasideName = "grpclb"

func (*GRPCLB) child(uint64) (string, any) { return lookasideName, struct{}{} }
func (*GRPCLB) validate() error            { return nil }

// WithLookaside is state with the addresses of the look-aside balancers that
// grpclb asks for backends. The state's own backends are what it falls back to.
func WithLookaside(state resolver.State, addresses []string) resolver.State {
	var balancers []resolver.Address
	for _, address := range addresses {
		// The balancer's own host is what its certificate names.
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address
		}
		balancers = append(balancers, resolver.Address{Addr: address, ServerName: host})
	}
	if state.Addresses == nil {
		// grpclb knows no endpoints.
		for _, endpoint := range state.Endpoints {
			state.Addresses = append(state.Addresses, endpoint.Addresses...)
		}
	}
	return grpclbstate.Set(state, &grpclbstate.State{BalancerAddresses: balancers})
}
