package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// Each window has the work that was wasted in it, and the seconds are the total:
// here every call that its caller gave up has cost its backend the timeout, or,
// where the backend does not look whether it has a caller, the whole of its service.
func TestWastedWorkOfEachWindow(t *testing.T) {
	const timeout = 450 * time.Millisecond
	for _, onCancel := range []string{"stop", "ignore"} {
		t.Run(onCancel, func(t *testing.T) {
			inWorld(t, func(w *world) {
				// Calls begin on tenths of a second and are given up halfway between.
				r := w.run(w.plan(`
fleet:
  backends: 2
  isolation: inprocess
  service_time: {fixed: 40ms}
  on_cancel: %s
  faults:
    - {name: warm, at: -2s, for: 1s, inject: {slow: {speed: 5%%}}}
    - {name: first, at: 5020ms, for: 2s, inject: {slow: {speed: 5%%}}}
    - {name: second, at: 15020ms, for: 3s, where: {backends: [1]}, inject: {slow: {speed: 5%%}}}
client: {retry: none, pool: {size: 1}, timeout: 450ms}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 10/s, slo: 100ms}]
warmup: 4s
measure: 25s
trials: 1
`, onCancel))
				mustBeExact(w.T, r)
				v := saved(w.T, r).Variants[0]
				trial := &v.Trials[0]
				bySecond := map[int]int64{}
				for _, b := range trial.Fleet.Backends {
					var sum int64
					for i, s := range b.WastedSeconds {
						sum += s.NS
						bySecond[s.Second] += s.NS
						if s.Second < 5 || s.NS <= 0 || i > 0 && s.Second <= b.WastedSeconds[i-1].Second {
							w.Errorf("%s: %+v", b.Name, b.WastedSeconds)
						}
					}
					if sum != b.WastedNS || b.Wasted == 0 {
						w.Errorf("%s: the seconds are %d ns together, the total of %d is %d ns", b.Name, sum, b.Wasted, b.WastedNS)
					}
				}
				// The client's own account of the calls that it gave up.
				given := map[int]int64{}
				for _, i := range trial.Intervals {
					if n := i.Series[0].Codes["DEADLINE_EXCEEDED"]; n != 0 {
						given[i.Second] = n
					}
				}
				if len(given) < 4 {
					w.Fatalf("calls that were given up, by second: %v", given)
				}
				if onCancel == "stop" {
					// Both know of the same calls in the same seconds.
					for second, n := range given {
						given[second] = n * int64(timeout)
					}
					if diff := cmp.Diff(given, bySecond); diff != "" {
						w.Errorf("by second (-the client's +the fleet's):\n%s", diff)
					}
				}
				phases := stats.Phases(trial, "reads", v.Faults...)
				if len(phases) != 2 {
					w.Fatalf("%+v: want two phases in the measurement", phases)
				}
				var all float64
				for _, p := range phases {
					if p.WastedNS <= 0 || !p.Recovered {
						w.Errorf("%+v", p)
					}
					if onCancel == "stop" {
						var want int64
						for second, ns := range given {
							if from := time.Duration(second+1) * time.Second; from > p.Window.From && from <= p.Window.To+p.Recovery {
								want += ns
							}
						}
						if p.WastedNS != float64(want) {
							w.Errorf("%s has wasted %v, want %v", p.Window.Name, p.WastedNS, want)
						}
					}
					all += p.WastedNS
				}
				if total := wastedNS(trial.Fleet); all != float64(total) {
					w.Errorf("the windows have wasted %v together, the fleet says %v", time.Duration(all), time.Duration(total))
				}
			})
		})
	}
}

// What a backend does for callers of the warm-up that have left is done before the
// measurement begins: it is neither in the measured calls' way nor their waste.
func TestWarmupsOrphansAreTheWarmups(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 100ms}, concurrency: 1, on_cancel: ignore}
client: {retry: none, pool: {size: 1}, timeout: 50ms}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 20/s, shape: {stages: [{for: 10ms, at: 1}, {for: 10s, at: 0.05}]}}]
warmup: 2s
measure: 5s
trials: 1
`))
		mustBeExact(w.T, r)
		b := saved(w.T, r).Variants[0].Trials[0].Fleet.Backends[0]
		var attempts int64
		for _, n := range b.Attempts {
			attempts += n
		}
		// Each measured call is given up, and done for nobody; the last may not be.
		if attempts < 3 || b.Wasted > attempts || b.Wasted < attempts-1 {
			w.Errorf("%d services wasted on %d attempts", b.Wasted, attempts)
		}
	})
}

func wastedNS(f *result.Fleet) (sum int64) {
	for _, b := range f.Backends {
		sum += b.WastedNS
	}
	return sum
}
