package run

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/reports/result"
)

// breakerLog is the changes of a trial's circuit breakers, as they come.
type breakerLog struct {
	mu      sync.Mutex
	changes []breakerChange
}

type breakerChange struct {
	client int
	breaker.Change
}

func (l *breakerLog) note(client int, change breaker.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = append(l.changes, breakerChange{client, change})
}

// since is the changes from t0 on, in the order of time. names are the backends'
// by their addresses.
func (l *breakerLog) since(t0 time.Time, names map[string]string) []result.BreakerChange {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []result.BreakerChange
	for _, c := range l.changes {
		if at := c.At.Sub(t0); at >= 0 {
			name := c.Name
			if backend, ok := names[name]; ok {
				name = backend
			}
			all = append(all, result.BreakerChange{AtNS: int64(at), Client: c.client, Name: name, From: c.From.String(), To: c.To.String()})
		}
	}
	slices.SortStableFunc(all, func(a, b result.BreakerChange) int {
		return cmp.Or(cmp.Compare(a.AtNS, b.AtNS), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// placeBreakers puts each change into the second it happened in. Those after
// the last second of the drain belong to it.
func placeBreakers(intervals []result.Interval, changes []result.BreakerChange) {
	for _, change := range changes {
		second := int(change.AtNS / int64(time.Second))
		if i := min(second, len(intervals)-1); i >= 0 {
			intervals[i].Breakers = append(intervals[i].Breakers, change)
		}
	}
}
