package clientcore_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
)

// Calls go to the channels in turn, and each channel's to the backends in turn.
func TestPoolAndRoundRobinSpreadEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for _, a := range []string{"b0", "b1", "b2"} {
			n.start(t, a, echo)
		}
		cfg := config()
		cfg.Pool.Size = 4
		c := n.client(t, cfg, "b0", "b1", "b2")
		synctest.Wait() // all twelve connections
		for range 120 {
			if _, err := call(t.Context(), c, ""); err != nil {
				t.Fatal(err)
			}
		}
		stats := c.Stats()
		want := []clientcore.AttemptCount{}
		for _, a := range []string{"b0", "b1", "b2"} {
			want = append(want, clientcore.AttemptCount{Method: "test.v1.Echo/Unary", Backend: a, Picked: 40, Answered: 40})
		}
		if diff := cmp.Diff(want, stats.Attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if stats.Connections != 12 {
			t.Errorf("%d connections, want 12", stats.Connections)
		}
	})
}

func TestPickFirst(t *testing.T) {
	addresses := []string{"b0", "b1", "b2", "b3"}
	run := func(t *testing.T, shuffle bool) (counts map[string]int64) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			for _, a := range addresses {
				n.start(t, a, echo)
			}
			cfg := config()
			cfg.Pool.Size = 40
			cfg.Balance = balance.Policy{PickFirst: &balance.PickFirst{Shuffle: shuffle}}
			c := n.client(t, cfg, addresses...)
			for range 40 {
				if _, err := call(t.Context(), c, ""); err != nil {
					t.Fatal(err)
				}
			}
			counts = map[string]int64{}
			for _, a := range c.Stats().Attempts {
				counts[a.Backend] = a.Picked
			}
			if got := c.Stats().Connections; got != 40 {
				t.Errorf("%d connections, want one a channel", got)
			}
		})
		return counts
	}
	if diff := cmp.Diff(map[string]int64{"b0": 40}, run(t, false)); diff != "" {
		t.Errorf("in order: calls per backend (-want +got):\n%s", diff)
	}
	first := run(t, true)
	for _, a := range addresses {
		if first[a] < 3 || first[a] > 20 {
			t.Errorf("shuffled: %d of 40 channels on %s", first[a], a)
		}
	}
	if diff := cmp.Diff(first, run(t, true)); diff != "" {
		t.Errorf("shuffled by the same seed (-first +second):\n%s", diff)
	}
}
