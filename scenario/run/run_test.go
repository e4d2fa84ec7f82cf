package run_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/run"
)

// allKinds calls every method of the service, in open and closed loops.
const allKinds = `
load:
  - {name: gets, call: GetUser, rate: 200/s, request: 100B, response: 1KiB}
  - {name: creates, call: CreateUser, rate: 100/s, arrivals: constant}
  - {name: lists, call: ListUsers, rate: 50/s, messages: 7}
  - {name: batches, call: BatchCreateUsers, workers: 2, messages: 5, think: 20ms}
  - {name: syncs, call: SyncUsers, workers: 2, messages: 3, think: 20ms}
warmup: 200ms
measure: 2s
`

func TestBooksAreExactWithoutFaults(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
name: calm
fleet: {backends: 3, isolation: inprocess, service_time: {lognormal: {p50: 2ms, p99: 12ms}}}
compare: {client.pool.size: [1, 3]}
trials: 2
`+allKinds))
		mustBeExact(t, r)
		for _, v := range r.Variants {
			for _, trial := range v.Trials {
				var attempts int64
				for _, s := range trial.Series {
					attempts += s.Attempts
					if s.Failed() != 0 || s.Unfinished != 0 || s.Calls == 0 {
						t.Errorf("%s %s: %d calls, %d failed, codes %v, errors %v", v.Name, s.Name, s.Calls, s.Failed(), s.Codes, s.Errors)
					}
				}
				if got := received(trial); got != attempts {
					t.Errorf("%s: the client made %d attempts, the fleet received %d", v.Name, attempts, got)
				}
				if trial.State != result.Steady {
					t.Errorf("%s: state %q", v.Name, trial.State)
				}
			}
		}
	})
}

func TestBooksAreExactWithFaults(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
name: stormy
fleet:
  backends: 3
  isolation: inprocess
  service_time: {exponential: 2ms}
  concurrency: 2
  queue: 5
  faults:
    - {name: outage, at: 500ms, for: 500ms, where: {backends: [1]}, inject: down}
    - {probability: 20%, inject: {status: {code: UNAVAILABLE, message: told to}}}
    - {at: 1s, for: 500ms, where: {method: GetUser}, inject: {latency: 30ms}}
client: {timeout: 200ms, retry: {backoff: fixed, base: 5ms, attempts: 3, attempt_timeout: 50ms}}
compare: {client.balance: [round_robin, pick_first]}
trials: 2
`+allKinds))
		mustBeExact(t, r)
		trial := r.Variants[0].Trials[0]
		if n := trial.Fleet.Backends[1].Faults["down"]; n != 1 {
			t.Errorf("b1 was down %d times, want 1", n)
		}
		var status, latency int64
		for _, b := range trial.Fleet.Backends {
			status, latency = status+b.Faults["status"], latency+b.Faults["latency"]
		}
		if status == 0 || latency == 0 {
			t.Errorf("faults met: status %d, latency %d", status, latency)
		}
	})
}

// TestVariantsMeetTheSameFaults: arrivals and fault decisions are functions of
// the seed, the block and the call, not of the variant.
func TestVariantsMeetTheSameFaults(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
name: twins
fleet:
  backends: 3
  isolation: inprocess
  service_time: {uniform: {min: 1ms, max: 3ms}}
  faults: [{probability: 25%, inject: {status: {code: ABORTED}}}]
client: {retry: none}
load: [{name: reads, call: GetUser, rate: 300/s}]
compare: {client.pool.size: [1, 4], client.balance: [round_robin, pick_first]}
trials: 2
warmup: 300ms
measure: 3s
`))
		mustBeExact(t, r)
		type second struct{ Planned, OK, Failed int64 }
		type meeting struct {
			Seconds []second
			Failed  []string // the first failed calls
		}
		met := func(trial result.Trial) (m meeting) {
			for _, i := range trial.Intervals {
				m.Seconds = append(m.Seconds, second{i.Series[0].Planned, i.Series[0].OK, i.Series[0].Failed})
			}
			for _, e := range trial.Exemplars {
				if e.Why == "error" {
					m.Failed = append(m.Failed, e.Call)
				}
			}
			return m
		}
		for i := range r.Variants[0].Trials {
			want := met(r.Variants[0].Trials[i])
			if len(want.Failed) != 3 {
				t.Fatalf("exemplars of failed calls: %v, want 3", want.Failed)
			}
			for _, v := range r.Variants[1:] {
				if diff := cmp.Diff(want, met(v.Trials[i])); diff != "" {
					t.Errorf("block %d: %s met other faults than %s (-want +got):\n%s", i, v.Name, r.Variants[0].Name, diff)
				}
			}
		}
		if cmp.Equal(met(r.Variants[0].Trials[0]), met(r.Variants[0].Trials[1])) {
			t.Error("two blocks met the same faults")
		}
	})
}

// TestInterruptInVirtualTime ends the run at many moments: what was measured
// comes back, marked partial, with exact books.
func TestInterruptInVirtualTime(t *testing.T) {
	step := 333 * time.Millisecond
	if testing.Short() {
		step *= 3
	}
	for after := 50 * time.Millisecond; after < 3*time.Second; after += step {
		t.Run(after.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				plan := w.plan("%s", `
name: cut
fleet: {backends: 2, isolation: inprocess, service_time: {fixed: 5ms}}
load: [{name: reads, call: GetUser, rate: 200/s}, {name: syncs, call: SyncUsers, workers: 2}]
trials: 2
warmup: 200ms
measure: 1s
`)
				ctx, cancel := context.WithTimeout(w.Context(), after)
				defer cancel()
				r, err := run.Run(ctx, plan, w.deps(), run.Options{})
				if err != nil {
					t.Fatal(err)
				}
				trials := r.Variants[0].Trials
				if whole := len(trials) == 2 && !trials[1].Partial; r.Partial == whole {
					t.Errorf("partial is %v after %d trials", r.Partial, len(trials))
				}
				mustBeExact(t, r)
				for _, trial := range trials {
					for _, s := range trial.Series {
						if n := s.Calls - s.OK() - s.Unfinished; n != 0 {
							t.Errorf("%s: %d errors that no server caused: %v", s.Name, n, s.Codes)
						}
					}
				}
			})
		})
	}
}

// TestOverloadIsSaturated offers twice what the fleet can serve.
func TestOverloadIsSaturated(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
name: overload
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 10ms}, concurrency: 1}
client: {timeout: 0s, retry: none}
load: [{name: reads, call: GetUser, rate: 200/s, arrivals: constant}]
warmup: 0s
measure: 4s
drain: 1s
`))
		trial := r.Variants[0].Trials[0]
		if trial.State != result.Saturated {
			t.Errorf("state %q, want saturated", trial.State)
		}
		// 100/s for 5 s, measurement and drain, were served of 800 planned.
		if s := trial.Series[0]; s.OK() < 498 || s.OK() > 502 || s.Unfinished != 800-s.OK() || s.Check() != nil {
			t.Errorf("%d OK, %d unfinished, %v", s.OK(), s.Unfinished, s.Check())
		}
		if p := trial.Series[0].Latency[result.Response].P99NS; p != nil {
			t.Errorf("p99 is %v, but more than 1 %% of the calls never ended", time.Duration(*p))
		}
	})
}

func TestProgressIsReported(t *testing.T) {
	inWorld(t, func(w *world) {
		plan := w.plan("%s", `
name: watched
fleet: {isolation: inprocess}
load: [{name: reads, call: GetUser, rate: 50/s}]
compare: {client.pool.size: [1, 2]}
trials: 1
warmup: 1s
measure: 2s
`)
		var phases []run.Phase
		intervals, last := 0, time.Duration(-1)
		_, err := run.Run(w.Context(), plan, w.deps(), run.Options{OnProgress: func(p run.Progress) {
			if p.Interval == nil {
				phases = append(phases, p.Phase)
			} else {
				intervals++
			}
			if p.Remaining < 0 || last >= 0 && p.Remaining > last+time.Second {
				t.Errorf("remaining went from %v to %v", last, p.Remaining)
			}
			last = p.Remaining
		}})
		if err != nil {
			t.Fatal(err)
		}
		one := []run.Phase{run.Preparing, run.WarmingUp, run.Measuring}
		if diff := cmp.Diff(append(one, one...), phases); diff != "" {
			t.Errorf("phases (-want +got):\n%s", diff)
		}
		if intervals < 6 {
			t.Errorf("%d intervals, want at least 6", intervals)
		}
	})
}

// TestExemplarsTellTheAttempts: a call that was retried shows each attempt's
// backend, code and time, and the wait that followed it.
func TestExemplarsTellTheAttempts(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
name: retried
fleet:
  backends: 2
  isolation: inprocess
  service_time: {fixed: 3ms}
  faults: [{inject: {status: {code: UNAVAILABLE, message: told to}}, where: {method: GetUser}, for: 150ms, at: 0s}]
client: {pool: {size: 1}, retry: {backoff: linear, base: 100ms, jitter: none, attempts: 3}}
load: [{name: reads, call: GetUser, rate: 10/s, arrivals: constant}]
trials: 1
warmup: 0s
measure: 1s
`))
		mustBeExact(t, r)
		// Due at 0 and 100 ms: the first is retried after 100 and 200 ms, the
		// second after 100 ms.
		slowest := r.Variants[0].Trials[0].Exemplars[0]
		const ms = 1_000_000
		if slowest.Why != "slowest" || slowest.Call != "reads/0" || len(slowest.Attempts) != 3 || slowest.ResponseNS != 303*ms {
			t.Fatalf("the slowest call: %+v", slowest)
		}
		for i, want := range []result.Attempt{
			{Code: "UNAVAILABLE", StartNS: 0, DelayNS: 100 * ms},
			{Code: "UNAVAILABLE", StartNS: 100 * ms, DelayNS: 200 * ms},
			{Code: "OK", StartNS: 300 * ms, DurationNS: 3 * ms},
		} {
			got := slowest.Attempts[i]
			if got.Backend != "b0" && got.Backend != "b1" {
				t.Errorf("attempt %d went to %q", i, got.Backend)
			}
			got.Backend = ""
			if got != want {
				t.Errorf("attempt %d: %+v, want %+v", i, got, want)
			}
		}
	})
}

// TestFaultFromTheWarmupCounts: a window that opens in the warm-up and reaches
// into the measurement is in the measurement's account.
func TestFaultFromTheWarmupCounts(t *testing.T) {
	for window, want := range map[string]int64{"at: -500ms, for: 1s": 1, "at: -500ms, for: 100ms": 0, "at: 100ms, for: 100ms": 1} {
		inWorld(t, func(w *world) {
			r := w.run(w.plan(`
name: early
fleet:
  backends: 2
  isolation: inprocess
  faults: [{%s, where: {backends: [1]}, inject: down}]
load: [{name: reads, call: GetUser, rate: 50/s}]
trials: 1
warmup: 1s
measure: 2s
`, window))
			mustBeExact(t, r)
			if got := r.Variants[0].Trials[0].Fleet.Backends[1].Faults["down"]; got != want {
				t.Errorf("%s: down %d times in the measurement, want %d", window, got, want)
			}
		})
	}
}

// TestThroughputIsNoMoreThanCapacity: what a queue lets out in the drain is no
// rate that the fleet kept up.
func TestThroughputIsNoMoreThanCapacity(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
name: queue
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 10ms}, concurrency: 1}
client: {timeout: 0s, retry: none}
load: [{name: reads, call: GetUser, rate: 200/s, arrivals: constant}]
trials: 1
warmup: 0s
measure: 4s
drain: 10s
`))
		s := r.Variants[0].Trials[0].Series[0]
		if s.OK() != 800 || s.AchievedPerS < 99 || s.AchievedPerS > 100 {
			t.Errorf("%d OK at %.1f/s; the fleet can do 100/s", s.OK(), s.AchievedPerS)
		}
	})
}
