package run

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/reports/result"
)

// breakerLog is the changes of a trial's circuit breakers, as they come, from the
// warm-up on: a breaker that opens there may stay open for good.
type breakerLog struct {
	mu      sync.Mutex
	changes []breakerChange
	// known is how many breakers there were as each second ended; seconds before
	// t0 are negative.
	known map[int]int
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

// count keeps how many breakers there are at the end of a second.
func (l *breakerLog) count(second, breakers int) {
	if breakers == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[int]int{}
	}
	l.known[second] = breakers
}

// since is all changes, their times from t0, in the order of time: those from t0
// on, and those before. names are the backends' by their addresses.
func (l *breakerLog) since(t0 time.Time, names map[string]string) (before, after []result.BreakerChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]result.BreakerChange, len(l.changes))
	for i, c := range l.changes {
		name := c.Name
		if backend, ok := names[name]; ok {
			name = backend
		}
		all[i] = result.BreakerChange{AtNS: int64(c.At.Sub(t0)), Client: c.client, Name: name, From: c.From.String(), To: c.To.String()}
	}
	slices.SortStableFunc(all, func(a, b result.BreakerChange) int {
		return cmp.Or(cmp.Compare(a.AtNS, b.AtNS), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Name, b.Name))
	})
	from, _ := slices.BinarySearchFunc(all, 0, func(c result.BreakerChange, at int64) int { return cmp.Compare(c.AtNS, at) })
	return all[:from], all[from:]
}

// place puts each change into the second it happened in, and how many breakers were
// in each state into every second that knows how many there were. Changes after the
// last second of the drain belong to it. Those before t0 are told by where they
// led: to which breakers were not closed then.
func (l *breakerLog) place(out *result.Trial, t0 time.Time, names map[string]string) {
	before, after := l.since(t0, names)
	seconds := out.Intervals
	for _, change := range after {
		if i := min(int(change.AtNS/int64(time.Second)), len(seconds)-1); i >= 0 {
			seconds[i].Breakers = append(seconds[i].Breakers, change)
		}
	}
	now := notClosed{}
	now.follow(before)
	out.BreakersAtT0 = now.list()
	var last *result.BreakerStates
	for i := range seconds {
		now.follow(seconds[i].Breakers)
		known := l.known[seconds[i].Second]
		if known == 0 {
			continue
		}
		states := now.count(known)
		if last == nil || *last != states {
			last = &states // seconds that are alike share what they say
		}
		seconds[i].BreakerStates = last
	}
}

// notClosed is the last change of each breaker that is not closed, by client and
// name.
type notClosed map[breakerKey]result.BreakerChange

type breakerKey struct {
	client int
	name   string
}

// follow goes on by some changes, in the order of time.
func (n notClosed) follow(changes []result.BreakerChange) {
	for _, c := range changes {
		key := breakerKey{c.Client, c.Name}
		if c.To == breaker.Closed.String() {
			delete(n, key)
		} else {
			n[key] = c
		}
	}
}

// list is all of them in the order of time.
func (n notClosed) list() []result.BreakerChange {
	var all []result.BreakerChange
	for _, c := range n {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b result.BreakerChange) int {
		return cmp.Or(cmp.Compare(a.AtNS, b.AtNS), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// count is the states of so many breakers: what is not among n is closed.
func (n notClosed) count(breakers int) result.BreakerStates {
	var s result.BreakerStates
	for _, c := range n {
		if c.To == breaker.Open.String() {
			s.Open++
		} else {
			s.HalfOpen++
		}
	}
	s.Closed = max(0, breakers-s.Open-s.HalfOpen)
	return s
}
