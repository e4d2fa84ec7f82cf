package run

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/reports/result"
)

// What the log says of each second and of t0 follows from all changes, also those
// of the warm-up, whichever order they were noted in.
func TestBreakerLogSecondBySecond(t *testing.T) {
	const ms = time.Millisecond
	t0 := time.Now()
	var l breakerLog
	note := func(at time.Duration, client int, name string, from, to breaker.State) {
		l.note(client, breaker.Change{Name: name, From: from, To: to, At: t0.Add(at)})
	}
	note(-3000*ms, 0, "10.0.0.1:1", breaker.Closed, breaker.Open) // and stays so
	note(-2500*ms, 1, "10.0.0.2:1", breaker.Closed, breaker.Open) // closed again by t0
	note(-1500*ms, 1, "10.0.0.2:1", breaker.Open, breaker.HalfOpen)
	note(-1400*ms, 1, "10.0.0.2:1", breaker.HalfOpen, breaker.Closed)
	note(-800*ms, 1, "10.0.0.1:1", breaker.Closed, breaker.Open) // half open at t0
	note(-1, 1, "10.0.0.1:1", breaker.Open, breaker.HalfOpen)
	note(1000*ms-1, 1, "10.0.0.1:1", breaker.HalfOpen, breaker.Closed) // just in second 0
	note(2000*ms, 0, "10.0.0.2:1", breaker.Closed, breaker.Open)       // just in second 2
	note(2300*ms, 0, "10.0.0.2:1", breaker.Open, breaker.HalfOpen)
	note(2100*ms, 1, "10.0.0.1:1", breaker.Closed, breaker.Open) // noted late
	note(0, 1, "10.0.0.3:1", breaker.Closed, breaker.Open)       // at t0 is after it
	note(9*time.Second, 0, "10.0.0.2:1", breaker.HalfOpen, breaker.Closed)
	l.count(-1, 3)
	l.count(0, 4)
	l.count(1, 4)
	l.count(2, 6)
	l.count(4, 6)
	l.count(5, 0)

	out := &result.Trial{}
	for second := range 6 {
		out.Intervals = append(out.Intervals, result.Interval{Second: second})
	}
	l.place(out, t0, map[string]string{"10.0.0.1:1": "b0", "10.0.0.2:1": "b1"})

	want := []result.BreakerChange{
		{AtNS: int64(-3000 * ms), Client: 0, Name: "b0", From: "closed", To: "open"},
		{AtNS: -1, Client: 1, Name: "b0", From: "open", To: "half_open"},
	}
	if diff := cmp.Diff(want, out.BreakersAtT0); diff != "" {
		t.Errorf("at t0 (-want +got):\n%s", diff)
	}
	states := func(closed, open, halfOpen int) *result.BreakerStates {
		return &result.BreakerStates{Closed: closed, Open: open, HalfOpen: halfOpen}
	}
	for second, want := range []*result.BreakerStates{
		states(2, 2, 0), // b0 of one client, b2 of the other
		states(2, 2, 0),
		states(2, 3, 1),
		nil, // nobody knows how many there were
		states(2, 3, 1),
		nil, // none
	} {
		if diff := cmp.Diff(want, out.Intervals[second].BreakerStates); diff != "" {
			t.Errorf("second %d (-want +got):\n%s", second, diff)
		}
	}
	var changes []int
	for _, i := range out.Intervals {
		changes = append(changes, len(i.Breakers))
	}
	// The one of 9 s came after all seconds had been told.
	if diff := cmp.Diff([]int{2, 0, 3, 0, 0, 1}, changes); diff != "" {
		t.Errorf("changes by second (-want +got):\n%s", diff)
	}
}

// Without breakers a trial says nothing of them.
func TestNoBreakersInTheLog(t *testing.T) {
	var l breakerLog
	l.count(0, 0)
	out := &result.Trial{Intervals: []result.Interval{{}}}
	l.place(out, time.Now(), nil)
	if diff := cmp.Diff(&result.Trial{Intervals: []result.Interval{{}}}, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
