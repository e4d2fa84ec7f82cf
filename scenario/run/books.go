package run

import (
	"fmt"
	"maps"
	"slices"

	"github.com/grpcbench/grpcbench/reports/result"
)

// reconcile checks the trial's books: each series' own, then, per method, the
// client's count of attempts against the fleet's. What does not add up makes
// the trial INVALID. settled is what kept the fleet from coming to rest; late
// is, per method, the attempts of the warm-up that had not arrived when it
// ended, and may have since: a network, or a blackhole, can hold them that long.
func reconcile(t *result.Trial, settled error, late map[string]int64) {
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
				Detail: fmt.Sprintf("%s: the fleet received %d attempts; by the client's count it was %d to %d", method, got, low, high),
			})
		}
	}
}
