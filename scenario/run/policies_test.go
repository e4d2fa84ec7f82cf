package run_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// phases runs a scenario of one variant with trials of growing length, so that the
// picks of its parts can be told apart: it returns each part's picks by backend.
// What happens in a part is the same in all that reach it: the seed decides.
func phases(t *testing.T, document string, ends ...time.Duration) [][]int64 {
	t.Helper()
	var parts [][]int64
	before := []int64{0, 0, 0}
	for _, end := range ends {
		inWorld(t, func(w *world) {
			r := w.run(w.plan(document+"\nwarmup: 1s\ntrials: 1\nmeasure: %v\n", end))
			mustBeExact(w.T, r)
			var part []int64
			for i, p := range r.Variants[0].Trials[0].Client.Picks {
				part = append(part, p.Picks-before[i])
				before[i] = p.Picks
			}
			parts = append(parts, part)
		})
	}
	return parts
}

// shareOf is a backend's share of the picks of a part.
func shareOf(part []int64, backend int) float64 {
	var total int64
	for _, n := range part {
		total += n
	}
	return float64(part[backend]) / float64(total)
}

// A client that checks health gives a backend nothing while it says that it is
// not serving, and its share before and after; one that does not check does not
// notice.
func TestHealthCheck(t *testing.T) {
	const document = `
fleet:
  backends: 3
  isolation: inprocess
  service_time: {fixed: 1ms}
  faults: [{at: 1s, for: 2s, where: {backends: [1]}, inject: unhealthy}]
client: {pool: {size: 1}, retry: none, balance: round_robin%s}
load: [{call: GetUser, arrivals: constant, rate: 90/s}]`
	near := func(t *testing.T, when string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.025 {
			t.Errorf("%s b1 got %.3f of the calls, want %.3f", when, got, want)
		}
	}
	t.Run("checked", func(t *testing.T) {
		parts := phases(t, fmt.Sprintf(document, ", health_check: user.v1.UserService"), time.Second, 3*time.Second, 5*time.Second)
		near(t, "before", shareOf(parts[0], 1), 1.0/3)
		near(t, "while unhealthy", shareOf(parts[1], 1), 0)
		near(t, "after", shareOf(parts[2], 1), 1.0/3)
	})
	t.Run("not checked", func(t *testing.T) {
		parts := phases(t, fmt.Sprintf(document, ""), time.Second, 3*time.Second)
		near(t, "while unhealthy", shareOf(parts[1], 1), 1.0/3)
	})
}

// Outlier detection takes a failing backend out and lets it in again.
func TestOutlierDetectionEjectsAndReadmits(t *testing.T) {
	parts := phases(t, `
fleet:
  backends: 3
  isolation: inprocess
  service_time: {fixed: 1ms}
  faults: [{at: 2s, for: 3s, where: {backends: [1]}, inject: {status: {code: UNAVAILABLE}}}]
client:
  pool: {size: 1}
  retry: none
  balance: {outlier_detection: {interval: 500ms, base_ejection: 2s}}
load: [{call: GetUser, arrivals: constant, rate: 90/s}]`,
		2700*time.Millisecond, 4*time.Second, 11*time.Second, 14*time.Second)
	for i, want := range []float64{-1, 0, -1, 1.0 / 3} {
		if got := shareOf(parts[i], 1); want >= 0 && math.Abs(got-want) > 0.02 {
			t.Errorf("part %d: b1 got %.3f of the calls, want %.3f", i, got, want)
		}
	}
}

// Weights follow the load that backends report: calls leave a backend while its
// calls take long, and come back.
func TestWeightedRoundRobinFollowsReportedLoad(t *testing.T) {
	for _, policy := range []string{"weighted_round_robin", "{weighted_round_robin: {out_of_band: true, out_of_band_period: 200ms}}"} {
		t.Run(policy, func(t *testing.T) {
			parts := phases(t, `
fleet:
  backends: 3
  isolation: inprocess
  service_time: {fixed: 5ms}
  concurrency: 100
  faults: [{at: 2s, for: 4s, where: {backends: [2]}, inject: {latency: 15ms}}]
client: {pool: {size: 1}, retry: none, balance: `+policy+`}
load: [{call: GetUser, arrivals: constant, rate: 180/s}]`,
				4*time.Second, 6*time.Second, 9*time.Second, 11*time.Second)
			// While b2's calls take 20 ms its weight is a quarter of the others'.
			for i, want := range []float64{-1, 1.0 / 9, -1, 1.0 / 3} {
				if got := shareOf(parts[i], 2); want >= 0 && math.Abs(got-want) > 0.04 {
					t.Errorf("part %d: b2 got %.3f of the calls, want %.3f", i, got, want)
				}
			}
		})
	}
}

// Without reports there is nothing to weigh by.
func TestWeightedRoundRobinWithoutReports(t *testing.T) {
	got, _ := spread(t, "weighted_round_robin",
		", load_report: {per_call: false}, faults: [{at: -1s, where: {backends: [2]}, inject: {latency: 20ms}}]")
	if math.Abs(got[2]-1.0/3) > 0.01 {
		t.Errorf("shares %.3f, want thirds", got)
	}
}

// The look-aside balancer decides over the shares, drops some calls, and changes
// its mind.
func TestGRPCLB(t *testing.T) {
	for name, c := range map[string]struct {
		fleet string
		want  [3]float64
	}{
		"all":     {"", [3]float64{1. / 3, 1. / 3, 1. / 3}},
		"weights": {", lookaside: {backends: [0, 0, 2]}", [3]float64{2. / 3, 0, 1. / 3}},
		"TLS":     {", lookaside: {backends: [0, 0, 2]}, tls: self_signed", [3]float64{2. / 3, 0, 1. / 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := spread(t, "grpclb", c.fleet)
			for i := range got {
				if math.Abs(got[i]-c.want[i]) > 0.002 {
					t.Errorf("shares %.4f, want %.4f", got, c.want)
				}
			}
		})
	}
	t.Run("changes", func(t *testing.T) {
		parts := phases(t, `
fleet:
  backends: 3
  isolation: inprocess
  service_time: {fixed: 1ms}
  lookaside: {backends: [0], changes: [{at: 1s, backends: [1, 1, 1, 2]}]}
client: {pool: {size: 1}, retry: none, balance: grpclb}
load: [{call: GetUser, arrivals: constant, rate: 400/s}]`, time.Second, 3*time.Second)
		if parts[0][0] != 400 || parts[1][0] > 2 || math.Abs(shareOf(parts[1], 1)-0.75) > 0.01 {
			t.Errorf("picks %v, want all on b0, then 3:1 on b1 and b2", parts)
		}
	})
	t.Run("drops", func(t *testing.T) {
		inWorld(t, func(w *world) {
			r := w.run(w.plan(`
fleet: {backends: 3, isolation: inprocess, service_time: {fixed: 1ms}, lookaside: {drops: 1}}
client: {pool: {size: 1}, retry: none, balance: grpclb}
load: [{call: GetUser, arrivals: constant, rate: 400/s}]
warmup: 1s
measure: 2s
trials: 1
`))
			mustBeExact(w.T, r)
			s := r.Variants[0].Trials[0].Series[0]
			if got := s.Codes["UNAVAILABLE"]; got != 200 || s.Origins[result.OriginBalancer] != got {
				w.Errorf("%d calls were dropped, %v by the balancer; want 200, a quarter", got, s.Origins)
			}
		})
	})
}

// Killing a backend moves its own keys and no others. Each backend ends calls with
// a code of its own, and one call a second has the interval to itself: that tells
// where each user's call went.
func TestConsistentHashMovesOnlyTheKeysOfALostBackend(t *testing.T) {
	codes := []string{"ABORTED", "DATA_LOSS", "NOT_FOUND"}
	const calls = 150
	backends := func(t *testing.T, lost string) []string {
		went := make([]string, calls)
		inWorld(t, func(w *world) {
			r := w.run(w.plan(`
fleet:
  backends: 3
  isolation: inprocess
  faults:
    - {at: -1s, where: {backends: [0]}, inject: {status: {code: %s}}}
    - {at: -1s, where: {backends: [1]}, inject: {status: {code: %s}}}
    - {at: -1s, where: {backends: [2]}, inject: {status: {code: %s}}}
    %s
client: {pool: {size: 1}, retry: none, wait_for_ready: true, balance: consistent_hash}
load: [{call: GetUser, arrivals: constant, rate: 1/s}]
warmup: 1s
measure: %ds
trials: 1
`, codes[0], codes[1], codes[2], lost, calls))
			mustBeExact(w.T, r)
			for _, interval := range r.Variants[0].Trials[0].Intervals {
				if interval.Second < 0 || interval.Second >= calls {
					continue
				}
				for code, n := range interval.Series[0].Codes {
					if n == 1 && slices.Contains(codes, code) && went[interval.Second] == "" {
						went[interval.Second] = code
						continue
					}
					w.Fatalf("second %d: %v", interval.Second, interval.Series[0].Codes)
				}
			}
		})
		return went
	}
	whole := backends(t, "")
	without := backends(t, "- {at: -1s, where: {backends: [1]}, inject: down}")
	moved := map[string]int{}
	for i, was := range whole {
		switch is := without[i]; {
		case was == "" || is == "":
			t.Errorf("call %d has no interval of its own: %q, %q", i, was, is)
		case was == codes[1]:
			moved[is]++
		case is != was:
			t.Errorf("call %d went from %s to %s, both of which are there", i, was, is)
		}
	}
	if moved[codes[1]] != 0 || moved[codes[0]] == 0 || moved[codes[2]] == 0 {
		t.Errorf("the lost backend's calls went to %v, want some to each of the others", moved)
	}
}

// While a breaker tries a backend again, it refuses what the balancer would send there
// beside the probe. That is no failure of the backend: outlier detection does not take
// it out for good measure when it has just come back.
func TestProbesAreNoOutliers(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet:
  backends: 3
  isolation: inprocess
  service_time: {fixed: 1s}
  faults: [{at: 0s, for: 300ms, where: {backends: [1]}, inject: {status: {code: UNAVAILABLE}}}]
client: {pool: {size: 1}, retry: none, balance: outlier_detection, breaker: {scope: backend, failures: 5, reset: 2s}}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 60/s}]
warmup: 2s
measure: 12s
trials: 1
`))
		mustBeExact(w.T, r)
		// Of 12 s b1 is out for 2 s and the second of its probe.
		if share := shares(w.T, saved(w.T, r).Variants[0].Trials[0])[1]; share < 0.22 {
			w.Errorf("b1 has %.3f of the calls, want about a quarter", share)
		}
	})
}

// A channel that is closed while a breaker opens or half opens leaves nothing behind:
// its balancer hears of no backend any more, which weighted_round_robin would begin to
// weigh again. The bubble finds what is left.
func TestClosedChannelsHearOfNoBreaker(t *testing.T) {
	measure := "20s"
	if raceEnabled {
		measure = "3s" // the race detector does not bear more calls in virtual time
	}
	inWorld(t, func(w *world) {
		w.run(w.plan(`
fleet:
  backends: 3
  isolation: inprocess
  service_time: {exponential: 3ms}
  concurrency: 1
  queue: 3
  faults: [{at: -1s, probability: 50%%, inject: {status: {code: UNAVAILABLE}}}]
client:
  timeout: 52ms
  pool: {size: 4, max_age: 200ms}
  balance: {weighted_round_robin: {out_of_band: true}}
  hedge: {after: 5ms, attempts: 3}
  breaker: {scope: backend, failures: 3, reset: 100ms}
load: [{name: reads, call: GetUser, rate: 100/s}]
warmup: 1s
measure: %s
trials: 1
`, measure))
	})
}
