package clientcore

import (
	"cmp"
	"slices"
	"time"

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
	Pool     PoolStats
	Breaker  BreakerStats
	Retry    RetryStats
	Hedge    HedgeStats
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

// PoolStats is what the pool did. InFlight is now; the others only grow.
type PoolStats struct {
	InFlight int64 // calls on a channel
	Picks    int64 // channels picked for a call
	Rebuilds int64 // channels replaced because they were stuck
	Recycles int64 // channels replaced because of their age
	Idled    int64 // channels replaced because nobody used them
	Waits    int64 // calls that waited for a channel to have room
	Waited   time.Duration
}

// BreakerStats is what the circuit breakers did. Breakers is now; the others only
// grow.
type BreakerStats struct {
	Breakers int // of the client, of methods that were called, or of known backends
	Opened   int64
	Rejected int64 // attempts that were not sent
}

// RetryStats is what the budgets of retries and hedges did.
type RetryStats struct {
	Refused int64 // attempts that a budget did not allow
}

// HedgeStats is what hedging did.
type HedgeStats struct {
	// Sent is the further attempts of hedged calls: because there was no answer
	// in time, or because the attempt before had failed.
	Sent int64
	// Won is how many of these answered first.
	Won int64
}

// Plus is the counters of two Clients together.
func (s Stats) Plus(o Stats) Stats {
	s.Channels += o.Channels
	states := make(map[connectivity.State]int, len(s.States))
	for state, n := range s.States {
		states[state] = n + o.States[state]
	}
	s.States = states
	s.Connections += o.Connections
	s.Attempts = summed(slices.Concat(s.Attempts, o.Attempts))
	s.Pool = PoolStats{
		InFlight: s.Pool.InFlight + o.Pool.InFlight, Picks: s.Pool.Picks + o.Pool.Picks,
		Rebuilds: s.Pool.Rebuilds + o.Pool.Rebuilds, Recycles: s.Pool.Recycles + o.Pool.Recycles, Idled: s.Pool.Idled + o.Pool.Idled,
		Waits: s.Pool.Waits + o.Pool.Waits, Waited: s.Pool.Waited + o.Pool.Waited,
	}
	s.Breaker = BreakerStats{
		Breakers: s.Breaker.Breakers + o.Breaker.Breakers,
		Opened:   s.Breaker.Opened + o.Breaker.Opened, Rejected: s.Breaker.Rejected + o.Breaker.Rejected,
	}
	s.Retry.Refused += o.Retry.Refused
	s.Hedge = HedgeStats{Sent: s.Hedge.Sent + o.Hedge.Sent, Won: s.Hedge.Won + o.Hedge.Won}
	return s
}

// summed is counts with one entry for each method and backend, in that order.
func summed(counts []AttemptCount) []AttemptCount {
	type key struct{ method, backend string }
	sums := map[key]AttemptCount{}
	for _, a := range counts {
		k := key{a.Method, a.Backend}
		sum := sums[k]
		sums[k] = AttemptCount{
			Method: a.Method, Backend: a.Backend,
			Picked:   sum.Picked + a.Picked,
			Answered: sum.Answered + a.Answered,
			Unknown:  sum.Unknown + a.Unknown,
		}
	}
	var all []AttemptCount
	for _, sum := range sums {
		all = append(all, sum)
	}
	slices.SortFunc(all, func(a, b AttemptCount) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), cmp.Compare(a.Backend, b.Backend))
	})
	return all
}

// Stats reads the counters, one after the other: while calls are running they
// need not add up to the last one.
func (c *Client) Stats() Stats {
	p := c.pool.Stats()
	s := Stats{
		Channels: p.Size, States: p.States,
		Pool: PoolStats{
			InFlight: p.InFlight, Picks: p.Picks, Rebuilds: p.Rebuilds, Recycles: p.Recycles, Idled: p.Idled,
			Waits: p.Waits, Waited: p.Waited,
		},
	}
	var counts []AttemptCount
	meters, connections := c.meters.each()
	s.Connections = connections
	for _, meter := range meters {
		meter.Each(func(a balance.Attempts) {
			counts = append(counts, AttemptCount{Method: a.Method, Backend: a.Backend, Picked: a.Picked, Answered: a.Answered, Unknown: a.Unknown})
		})
	}
	s.Attempts = summed(counts)
	c.breakers.stats(&s.Breaker)
	c.methods.stats(&s.Retry)
	// The wins first: none is counted that was not sent.
	s.Hedge.Won = c.hedged.Won()
	s.Hedge.Sent = c.hedged.Sent()
	return s
}
