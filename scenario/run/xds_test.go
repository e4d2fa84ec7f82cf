package run_test

import (
	"testing"

	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/run"
)

// By ring_hash of the fleet's control plane a call goes where its user's calls go:
// nearly all are of one user here, whatever the method. It takes a network of the
// operating system's.
func TestXDSRingHash(t *testing.T) {
	plan, err := scenario.Read("test.yaml", []byte(`
fleet: {backends: 3, isolation: inprocess, xds: {policy: ring_hash}}
client: {pool: {size: 1}, retry: none}
load:
  - {call: GetUser, arrivals: constant, rate: 100/s, keys: {zipf: {exponent: 10}}}
  - {call: ListUsers, messages: 1, arrivals: constant, rate: 100/s, keys: {zipf: {exponent: 10}}}
  - {call: CreateUser, arrivals: constant, rate: 100/s, keys: {zipf: {exponent: 10}}}
trials: 1
warmup: 200ms
measure: 600ms
`), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := run.Run(t.Context(), plan, run.Deps{}, run.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	client := r.Variants[0].Trials[0].Client
	if client.Imbalance < 2.8 {
		t.Errorf("picks %+v, want one backend's", client.Picks)
	}
}
