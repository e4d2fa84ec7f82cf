package clientcore

import (
	"cmp"
	"slices"

	"google.golang.org/grpc/connectivity"

	"github.com/grpcbench/grpcbench/clientcore/balance"
)

// Stats is what a Client did since New, and its state now.
type Stats struct {
	// Channels is the pool's size.
	Channels int
	// States is how many channels are in each of the five states.
	States map[connectivity.State]int
	// Connections is the connections that are READY, over all channels.
	Connections int
	// Attempts is by method and backend, in that order.
	Attempts []AttemptCount
}

// AttemptCount is the attempts of one method on one backend, counted where the
// balancer picks: grpc-go's transparent retries are attempts as well. A pick
// that came to nothing, because its connection was lost before the attempt could
// begin, is taken back; but for that, counts only grow.
type AttemptCount struct {
	Method  string // without a leading slash: user.v1.UserService/GetUser
	Backend string // the address
	// Picked = Answered + Unknown + the attempts still running.
	Picked int64
	// Answered had a header or trailer from the backend.
	Answered int64
	// Unknown ended without one: whether the backend received them is not
	// known.
	Unknown int64
}

// Stats reads the counters, one after the other: while calls are running they
// need not add up to the last one.
func (c *Client) Stats() Stats {
	s := Stats{Channels: c.pool.Size(), States: make(map[connectivity.State]int, 5)}
	for _, state := range c.pool.States() {
		s.States[state]++
	}
	type key struct{ method, backend string }
	sums := map[key]AttemptCount{}
	for _, meter := range c.meters {
		s.Connections += meter.Connections()
		meter.Each(func(a balance.Attempts) {
			k := key{a.Method, a.Backend}
			sum := sums[k]
			sums[k] = AttemptCount{
				Method: a.Method, Backend: a.Backend,
				Picked:   sum.Picked + a.Picked,
				Answered: sum.Answered + a.Answered,
				Unknown:  sum.Unknown + a.Unknown,
			}
		})
	}
	for _, sum := range sums {
		s.Attempts = append(s.Attempts, sum)
	}
	slices.SortFunc(s.Attempts, func(a, b AttemptCount) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), cmp.Compare(a.Backend, b.Backend))
	})
	return s
}
