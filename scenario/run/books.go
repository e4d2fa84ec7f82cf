package run

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/result"
)

// reconcile checks the trial's books: each series' own, the fleet's own, then,
// per method, the client's count of attempts against the fleet's. What does not
// add up makes the trial INVALID, and names the series. settled is what kept the
// fleet from coming to rest, left the calls of before that were under way there
// when measurement began; late is, per method, the attempts of the warm-up that
// had not arrived when it ended, and may have since: a network, or a blackhole,
// can hold them that long.
func reconcile(t *result.Trial, settled error, left int64, late map[string]int64) {
	for i := range t.Series {
		if err := t.Series[i].Check(); err != nil {
			t.Validity.Add(result.Reason{
				Code: "books_calls", Verdict: result.Invalid, Figure: 1,
				Detail: fmt.Sprintf("%s: %v", t.Series[i].Name, err),
			})
		}
	}
	if t.Fleet == nil {
		return
	}
	if settled != nil {
		t.Validity.Add(result.Reason{Code: "fleet_busy", Verdict: result.Invalid, Figure: 1, Detail: settled.Error()})
	} else if left == 0 {
		reconcileFleet(t)
	}
	received, answered, unknown := map[string]int64{}, map[string]int64{}, map[string]int64{}
	methods := map[string]bool{}
	for _, b := range t.Fleet.Backends {
		for method, n := range b.Attempts {
			received[method] += n
			methods[method] = true
		}
	}
	for _, a := range t.Client.Attempts {
		answered[a.Method] += a.Answered
		unknown[a.Method] += a.Unknown
		methods[a.Method] = true
	}
	for _, method := range slices.Sorted(maps.Keys(methods)) {
		low, high := answered[method], answered[method]+unknown[method]+late[method]
		if got := received[method]; got < low || got > high {
			limit := low
			if got > high {
				limit = high
			}
			t.Validity.Add(result.Reason{
				Code: "books_attempts", Verdict: result.Invalid, Figure: float64(got), Limit: float64(limit),
				Detail: fmt.Sprintf("%s: the fleet received %d attempts; by the client's count it was %d to %d", callers(t, method), got, low, high),
			})
		}
	}
}

// reconcileFleet checks that each backend at rest has answered, or seen leave,
// what it received.
func reconcileFleet(t *result.Trial) {
	for _, b := range t.Fleet.Backends {
		if b.InFlight != 0 {
			continue
		}
		for _, s := range b.Series {
			var ended int64
			for _, n := range s.Codes {
				ended += n
			}
			if ended != s.Received {
				t.Validity.Add(result.Reason{
					Code: "books_fleet", Verdict: result.Invalid, Figure: float64(ended), Limit: float64(s.Received),
					Detail: fmt.Sprintf("%s, attempt %d on %s: received %d, ended %d", callers(t, s.Method), s.Attempt, b.Name, s.Received, ended),
				})
			}
		}
	}
}

// callers is a method and the load entries that call it.
func callers(t *result.Trial, method string) string {
	var names []string
	for i := range t.Series {
		if t.Series[i].Method == method {
			names = append(names, t.Series[i].Name)
		}
	}
	if len(names) == 0 {
		return method
	}
	return fmt.Sprintf("%s (%s)", strings.Join(names, ", "), method)
}

// underWay is the calls in a handler at a snapshot.
func underWay(s fakeserver.Snapshot) int64 {
	inFlight, _ := traffic(s)
	return inFlight
}
