package run_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// shares is each backend's share of a trial's picks, in the backends' order.
func shares(t *testing.T, trial result.Trial) []float64 {
	t.Helper()
	var total float64
	for _, p := range trial.Client.Picks {
		total += float64(p.Picks)
	}
	if total == 0 {
		t.Fatal("nothing was picked")
	}
	var all []float64
	for _, p := range trial.Client.Picks {
		all = append(all, float64(p.Picks)/total)
	}
	return all
}

// spread runs one scenario on three backends and returns their shares.
func spread(t *testing.T, policy, fleet string) (all []float64, imbalance float64) {
	t.Helper()
	rate := 750
	if raceEnabled {
		rate = 300 // it takes ten times as long
	}
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
seed: 3
fleet: {backends: 3, isolation: inprocess, service_time: {fixed: 2ms}, concurrency: 50%s}
client: {pool: {size: 1}, timeout: 2s, retry: none, balance: %s}
load: [{call: GetUser, arrivals: constant, rate: %d/s}]
warmup: 1s
measure: 2s
trials: 1
`, fleet, policy, rate))
		mustBeExact(w.T, r)
		trial := saved(w.T, r).Variants[0].Trials[0]
		all, imbalance = shares(w.T, trial), trial.Client.Imbalance
		if trial.Series[0].OK() == 0 {
			w.Error("no call succeeded")
		}
	})
	return all, imbalance
}

// saved is a result as it is read from its file again.
func saved(t *testing.T, r *result.Result) *result.Result {
	t.Helper()
	var file bytes.Buffer
	if err := result.Write(&file, r); err != nil {
		t.Fatal(err)
	}
	again, err := result.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func between(low, high float64) [2]float64 { return [2]float64{low, high} }

// Every policy, by its bare name, spreads calls over three equal backends as
// GRPC-GO.md says.
func TestPoliciesOnEqualBackends(t *testing.T) {
	third := between(0.32, 0.35)
	about := between(0.25, 0.42)
	for policy, want := range map[string][3][2]float64{
		"pick_first":           {between(1, 1), between(0, 0), between(0, 0)},
		"round_robin":          {third, third, third},
		"weighted_round_robin": {about, about, about},
		"grpclb":               {third, third, third},
		"consistent_hash":      {about, about, about},
		"least_request":        {about, about, about},
		"outlier_detection":    {third, third, third},
		"p2c_ewma":             {about, about, about},
	} {
		t.Run(policy, func(t *testing.T) {
			got, imbalance := spread(t, policy, "")
			if len(got) != 3 {
				t.Fatalf("%d backends: %v", len(got), got)
			}
			for i := range got {
				if got[i] < want[i][0] || got[i] > want[i][1] {
					t.Errorf("b%d got %.3f of the calls, want %.2f to %.2f (all: %.3f)", i, got[i], want[i][0], want[i][1], got)
				}
			}
			if largest := max(got[0], got[1], got[2]); fmt.Sprintf("%.3f", imbalance) != fmt.Sprintf("%.3f", 3*largest) {
				t.Errorf("imbalance %v, want the busiest share %v over a third", imbalance, largest)
			}
		})
	}
	t.Run("random_subsetting", func(t *testing.T) {
		got, _ := spread(t, "random_subsetting", "")
		idle := 0
		for _, share := range got {
			switch {
			case share == 0:
				idle++
			case share < 0.48 || share > 0.52:
				t.Errorf("shares %.3f: want half and half of two", got)
			}
		}
		if idle != 1 {
			t.Errorf("shares %.3f: want two of three", got)
		}
	})
}

// A channel with random_subsetting, by its bare name, uses two backends of three,
// evenly; the ten channels of a pool draw theirs each for itself.
func TestRandomSubsettingUsesSubsets(t *testing.T) {
	got, imbalance := spread(t, "random_subsetting", "")
	slices.Sort(got)
	if got[0] != 0 || math.Abs(got[1]-0.5) > 0.002 || math.Abs(imbalance-1.5) > 0.01 {
		t.Errorf("shares %.4f, imbalance %v: want none and twice a half, and 1.5", got, imbalance)
	}
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet: {backends: 3, isolation: inprocess}
client: {pool: {size: 10}, retry: none, balance: {random_subsetting: {shuffle: true}}}
load: [{call: GetUser, arrivals: constant, rate: 300/s}]
warmup: 1s
measure: 2s
trials: 1
`))
		mustBeExact(w.T, r)
		trial := saved(w.T, r).Variants[0].Trials[0]
		for i, share := range shares(w.T, trial) {
			if share == 0 {
				w.Errorf("no channel drew b%d", i)
			}
		}
		if trial.Client.Connections != 20 {
			w.Errorf("%d connections, want 2 of each channel", trial.Client.Connections)
		}
	})
}

// Policies that look at backends keep calls away from the slow or failing one.
func TestPoliciesOnUnequalBackends(t *testing.T) {
	const slow = ", faults: [{at: -1s, where: {backends: [2]}, inject: {latency: 20ms}}]"
	const failing = ", faults: [{at: -1s, where: {backends: [1]}, inject: {status: {code: UNAVAILABLE}}}]"
	for name, c := range map[string]struct {
		policy, fleet string
		backend       int
		want          [2]float64
	}{
		"round_robin does not look":     {"round_robin", slow, 2, between(0.32, 0.35)},
		"least_request":                 {"least_request", slow, 2, between(0.02, 0.2)},
		"weighted_round_robin":          {"weighted_round_robin", slow, 2, between(0.01, 0.2)},
		"weighted_round_robin, on side": {"{weighted_round_robin: {out_of_band: true}}", slow, 2, between(0.01, 0.2)},
		"p2c_ewma, slow":                {"p2c_ewma", slow, 2, between(0, 0.2)},
		"p2c_ewma, failing":             {"p2c_ewma", failing, 1, between(0, 0.25)},
		"outlier_detection":             {"outlier_detection", failing, 1, between(0, 0.15)},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := spread(t, c.policy, c.fleet)
			if share := got[c.backend]; share < c.want[0] || share > c.want[1] {
				t.Errorf("b%d got %.3f of the calls, want %.3f to %.3f (all: %.3f)", c.backend, share, c.want[0], c.want[1], got)
			}
		})
	}
}
