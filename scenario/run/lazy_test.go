package run_test

import (
	"fmt"
	"testing"
)

// A lazy pool has the connections that its calls have need of, and no others: nobody
// connects them beforehand.
func TestLazyPool(t *testing.T) {
	for lazy, want := range map[bool]int{false: 4, true: 1} {
		t.Run(fmt.Sprint(lazy), func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.run(w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 1ms}}
client: {pool: {size: 4, lazy: %v, pick: least_in_flight}, retry: none}
load: [{call: GetUser, arrivals: constant, rate: 50/s}]
trials: 1
warmup: 1s
measure: 2s
`, lazy))
				mustBeExact(w.T, r)
				trial := r.Variants[0].Trials[0]
				if got := trial.Client.Connections; got != want || trial.Series[0].OK() != 100 {
					w.Errorf("%d connections, want %d; %d calls OK", got, want, trial.Series[0].OK())
				}
			})
		})
	}
}
