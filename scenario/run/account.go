package run

import (
	"slices"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/engine"
)

// clientAccount is what the clients counted during the measurement.
func (t *trial) clientAccount(o *engine.Outcome) result.Client {
	stats, before := t.clients.stats(), t.clientBefore
	c := result.Client{
		Clients:  len(t.clients.all),
		Channels: stats.Channels, Connections: t.connections, CPUNS: int64(t.usageAfter.CPU - t.usageBefore.CPU),
		Pool: result.Pool{
			Rebuilds: stats.Pool.Rebuilds - before.Pool.Rebuilds,
			Recycles: stats.Pool.Recycles - before.Pool.Recycles,
			Idled:    stats.Pool.Idled - before.Pool.Idled,
			Waits:    stats.Pool.Waits - before.Pool.Waits,
			WaitedNS: int64(stats.Pool.Waited - before.Pool.Waited),
		},
		Breaker: result.Breaker{
			Opened:   stats.Breaker.Opened - before.Breaker.Opened,
			Rejected: stats.Breaker.Rejected - before.Breaker.Rejected,
		},
		Retry: result.Retry{Refused: stats.Retry.Refused - before.Retry.Refused},
		Hedge: result.Hedge{Sent: stats.Hedge.Sent - before.Hedge.Sent, Won: stats.Hedge.Won - before.Hedge.Won},
	}
	var calls int64
	for _, s := range o.Series {
		calls += s.Calls
	}
	if calls > 0 {
		c.AllocsPerCall = float64(t.usageAfter.Allocs-t.usageBefore.Allocs) / float64(calls)
	}
	c.Attempts = attemptsSince(before.Attempts, stats.Attempts, t.backends.names())
	c.Picks, c.Imbalance = picks(c.Attempts, t.backends.list())
	return c
}

// attemptsSince is the attempts between two readings, by the backends' names.
func attemptsSince(before, after []clientcore.AttemptCount, names map[string]string) []result.AttemptCount {
	type key struct{ method, backend string }
	had := map[key]clientcore.AttemptCount{}
	for _, a := range before {
		had[key{a.Method, a.Backend}] = a
	}
	var all []result.AttemptCount
	for _, a := range after {
		b := had[key{a.Method, a.Backend}]
		n := result.AttemptCount{
			Method: a.Method, Backend: a.Backend,
			Picked: a.Picked - b.Picked, Answered: a.Answered - b.Answered, Unknown: a.Unknown - b.Unknown,
		}
		if name, ok := names[a.Backend]; ok {
			n.Backend = name
		}
		if n.Picked != 0 {
			all = append(all, n)
		}
	}
	return all
}

// picks is how the attempts were spread over the backends: over all of a
// fleet's, in their order, or over those of a target that were picked.
func picks(attempts []result.AttemptCount, fleet []string) (each []result.Picks, imbalance float64) {
	for _, name := range fleet {
		each = append(each, result.Picks{Backend: name})
	}
	var total, most int64
	for _, a := range attempts {
		i := slices.IndexFunc(each, func(p result.Picks) bool { return p.Backend == a.Backend })
		if i < 0 {
			i = len(each)
			each = append(each, result.Picks{Backend: a.Backend})
		}
		each[i].Picks += a.Picked
		total += a.Picked
		most = max(most, each[i].Picks)
	}
	if total == 0 {
		return each, 0
	}
	return each, float64(most) * float64(len(each)) / float64(total)
}

// fleetImbalance is the busiest backend's share of the attempts over an even
// one, by the fleet's count: behind a front clients cannot tell backends apart.
func fleetImbalance(f *result.Fleet) float64 {
	var total, most int64
	for _, b := range f.Backends {
		var n int64
		for _, attempts := range b.Attempts {
			n += attempts
		}
		total += n
		most = max(most, n)
	}
	if total == 0 {
		return 0
	}
	return float64(most) * float64(len(f.Backends)) / float64(total)
}
