package run_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// The result tells second by second how the pool's channels and connections
// stood: here one of two backends is gone from 1.5 s to 3.5 s, then both are.
func TestPoolSecondBySecond(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet:
  backends: 2
  isolation: inprocess
  service_time: {fixed: 1ms}
  faults:
    - {at: 1500ms, for: 4s, where: {backends: [0]}, inject: down}
    - {at: 3500ms, for: 2s, where: {backends: [1]}, inject: down}
client: {pool: {size: 2}, retry: none, timeout: 500ms, connect: {base: 10s, max: 10s, jitter: 0%%}}
load: [{call: GetUser, arrivals: constant, rate: 20/s}]
trials: 1
warmup: 1s
measure: 5s
`))
		trial := saved(w.T, r).Variants[0].Trials[0]
		var got []result.PoolStates
		for _, interval := range trial.Intervals {
			if interval.Pool == nil {
				t.Fatalf("second %d has no pool", interval.Second)
			}
			if interval.Second < 5 {
				got = append(got, *interval.Pool)
			}
		}
		ready := func(connections int) result.PoolStates {
			return result.PoolStates{Channels: map[string]int{"READY": 2}, Connections: connections}
		}
		down := result.PoolStates{Channels: map[string]int{"TRANSIENT_FAILURE": 2}}
		if diff := cmp.Diff([]result.PoolStates{ready(4), ready(2), ready(2), down, down}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
