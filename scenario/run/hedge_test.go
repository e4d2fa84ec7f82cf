package run_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// attemptsOf sums the attempts that the client counted.
func attemptsOf(c result.Client) (picked, unknown int64) {
	for _, a := range c.Attempts {
		picked += a.Picked
		unknown += a.Unknown
	}
	return picked, unknown
}

// TestHedgedBooks: attempts that run side by side, losers that are cancelled before
// their backend has answered, failures and deadlines: everything is accounted for.
func TestHedgedBooks(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet:
  backends: 3
  service_time: {lognormal: {p50: 4ms, p99: 120ms}}
  concurrency: 8
  queue: 10
  faults:
    - {probability: 5%%, inject: {status: {code: UNAVAILABLE}}}
    - {at: 300ms, for: 300ms, where: {backends: [1]}, inject: {latency: 80ms}}
  isolation: inprocess
client: {pool: {size: 2}, timeout: 100ms}
load:
  - {name: reads, call: GetUser, arrivals: poisson, rate: 300/s}
  - {name: lists, call: ListUsers, arrivals: poisson, rate: 60/s, messages: 3}
  - {name: syncs, call: SyncUsers, arrivals: poisson, rate: 20/s, messages: 2}
compare: {client.hedge: [none, {after: 10ms, attempts: 3}, {after: p90}, {after: 5ms, attempts: 4, budget: {ratio: {share: 10%%, min: 0/s}}}]}
trials: 2
warmup: 400ms
measure: 900ms
drain: 2s
`))
		mustBeExact(t, r)
		for i, v := range r.Variants {
			for _, trial := range v.Trials {
				picked, unknown := attemptsOf(trial.Client)
				var attempts, calls, reads int64
				for _, s := range trial.Series {
					attempts += s.Attempts
					calls += s.Calls
					if s.Name != "syncs" {
						reads += s.Calls
					}
				}
				h := trial.Client.Hedge
				got := received(trial)
				t.Logf("%s: %d calls, %d attempts, %d received, %d unknown, %+v, %d refused", v.Name, calls, picked, got, unknown, h, trial.Client.Retry.Refused)
				if attempts != picked || got < picked-unknown || got > picked {
					t.Errorf("%s: calls made %d attempts, the client counted %d (%d unknown), the fleet %d", v.Name, attempts, picked, unknown, got)
				}
				if i == 0 {
					if h != (result.Hedge{}) {
						t.Errorf("%s: %+v without hedges", v.Name, h)
					}
					continue
				}
				// A hedge that lost before a backend was picked is none on the wire.
				if extra := picked - calls; h.Sent < extra || h.Sent > extra+extra/20+1 || h.Won == 0 || h.Won > h.Sent {
					t.Errorf("%s: %+v, with %d attempts more than calls", v.Name, h, extra)
				}
				// The window holds the warm-up's calls, too.
				if i == 3 && (float64(h.Sent) > 0.1*float64(reads)*1.5 || trial.Client.Retry.Refused == 0) {
					t.Errorf("%s: %+v and %d refused, of %d calls", v.Name, h, trial.Client.Retry.Refused, reads)
				}
				if beside := hedgedExemplars(t, trial); i == 1 && !beside {
					t.Error("no exemplar has attempts side by side")
				}
			}
		}
		var file bytes.Buffer
		if err := result.Write(&file, r); err != nil {
			t.Fatal(err)
		}
		again, err := result.Read(&file)
		if err != nil || again.Variants[1].Trials[0].Client.Hedge != r.Variants[1].Trials[0].Client.Hedge {
			t.Errorf("hedges are not read back: %v", err)
		}
	})
}

// hedgedExemplars checks that attempts side by side, if there are any, have no wait
// between them.
func hedgedExemplars(t *testing.T, trial result.Trial) (beside bool) {
	for _, e := range trial.Exemplars {
		for i := 1; i < len(e.Attempts); i++ {
			before, a := e.Attempts[i-1], e.Attempts[i]
			if a.StartNS < before.StartNS || a.StartNS+a.DurationNS > e.ResponseNS {
				t.Errorf("%s: attempt %d is not within its call: %+v", e.Call, i, e)
			}
			if a.StartNS < before.StartNS+before.DurationNS {
				beside = true
				if before.DelayNS != 0 {
					t.Errorf("%s: a wait of %v before an attempt that ran beside the one before", e.Call, time.Duration(before.DelayNS))
				}
			}
		}
	}
	return beside
}

// hedgingOracle: hedging after d has 1 − F(d) more load, and a share
// (1 − F(t))·(1 − F(t − d)) of the calls takes longer than t ≥ d. The draws are
// the fleet's own, by call and attempt.
func hedgingOracle(w *world) (found []finding) {
	const mean, d = 10e-3, 15e-3 // seconds
	measure := 30
	if raceEnabled {
		measure = 3
	}
	r := w.run(w.plan(`
seed: 3
fleet: {backends: 2, service_time: {exponential: 10ms}, isolation: inprocess}
client: {pool: {size: 1}, timeout: 10s, hedge: {after: 15ms, attempts: 2}}
load:
  - {name: "20ms", call: GetUser, arrivals: constant, rate: 400/s, slo: 20ms}
  - {name: "25ms", call: GetUser, arrivals: constant, rate: 400/s, slo: 25ms}
  - {name: "30ms", call: ListUsers, messages: 1, arrivals: constant, rate: 400/s, slo: 30ms}
trials: 1
warmup: 100ms
measure: %ds
`, measure))
	mustBeExact(w.T, r)
	beyond := func(t float64) float64 { // 1 − F(t)
		return math.Exp(-max(t, 0) / mean)
	}
	var sent int64
	for _, s := range r.Variants[0].Trials[0].Series {
		at, err := time.ParseDuration(s.Name)
		if err != nil {
			w.Fatal(err)
		}
		found = append(found,
			share("hedge after 15 ms, entry "+s.Name+": extra load", beyond(d), float64(s.Attempts)/float64(s.Calls)-1, s.Calls),
			share("hedge after 15 ms: share over "+s.Name, beyond(at.Seconds())*beyond(at.Seconds()-d), 1-s.InSLO, s.Calls))
		sent += s.Attempts - s.Calls
	}
	if h := r.Variants[0].Trials[0].Client.Hedge; h.Sent != sent {
		w.Errorf("%+v, want %d sent", h, sent)
	}
	return found
}

// TestHedgingAfterAPercentile: a running p95 comes to 5 % more load, whatever the
// latencies are, and stays there though it sees hedged calls only.
func TestHedgingAfterAPercentile(t *testing.T) {
	for name, times := range map[string]string{"exponential": "{exponential: 10ms}", "lognormal": "{lognormal: {p50: 3ms, p99: 90ms}}"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.run(w.plan(`
seed: 5
fleet: {backends: 2, service_time: %s, isolation: inprocess}
client: {pool: {size: 1}, timeout: 10s, hedge: {after: p95}}
load:
  - {name: reads, call: GetUser, arrivals: constant, rate: 500/s}
trials: 1
warmup: 2s
measure: 7s
`, times))
				mustBeExact(t, r)
				s := r.Variants[0].Trials[0].Series[0]
				extra := float64(s.Attempts)/float64(s.Calls) - 1
				t.Logf("%d calls, extra load %.2f %%", s.Calls, 100*extra)
				// The binomial error of the calls, and that of a percentile of 1000
				// to 2000 calls, of which there are two or three in this time.
				if se := math.Sqrt(0.05*0.95/float64(s.Calls) + 0.05*0.95/3000); math.Abs(extra-0.05) > 4*se {
					t.Errorf("extra load %.4f, want 0.05 ± %.4f", extra, 4*se)
				}
			})
		})
	}
}

// retryOracle: with independent failures of probability p and m attempts, 1 − p^m
// of the calls succeed, after (1 − p^m)/(1 − p) attempts on average; for all four
// kinds of calls.
func retryOracle(w *world) (found []finding) {
	const p, m = 0.4, 3
	measure := 20
	if raceEnabled {
		measure = 4
	}
	r := w.run(w.plan(`
seed: 11
fleet:
  backends: 2
  service_time: {fixed: 1ms}
  isolation: inprocess
  faults: [{probability: 40%%, inject: {status: {code: UNAVAILABLE}}}]
client: {pool: {size: 1}, timeout: 10s, retry: {backoff: fixed, base: 3ms, attempts: 3, jitter: none}}
load:
  - {name: unary, call: GetUser, arrivals: constant, rate: 300/s}
  - {name: server_stream, call: ListUsers, messages: 2, arrivals: constant, rate: 300/s}
  - {name: client_stream, call: BatchCreateUsers, messages: 2, arrivals: constant, rate: 300/s}
  - {name: bidi_stream, call: SyncUsers, messages: 2, arrivals: constant, rate: 300/s}
trials: 1
warmup: 100ms
measure: %ds
`, measure))
	mustBeExact(w.T, r)
	// Attempts are 1, 2, …, m with probabilities q, pq, …, p^(m−1).
	var square float64
	for k := 1; k <= m; k++ {
		share := math.Pow(p, float64(k-1))
		if k < m {
			share *= 1 - p
		}
		square += share * float64(k*k)
	}
	success, attempts := 1-math.Pow(p, m), (1-math.Pow(p, m))/(1-p)
	series := r.Variants[0].Trials[0].Series
	if len(series) != 4 {
		w.Fatalf("%d series", len(series))
	}
	for _, s := range series {
		name := "retry 40 % of 3, " + s.Name
		found = append(found, share(name+": success", success, float64(s.OK())/float64(s.Calls), s.Calls),
			finding{name + ": attempts", attempts, float64(s.Attempts) / float64(s.Calls),
				4 * math.Sqrt((square-attempts*attempts)/float64(s.Calls)) / attempts})
	}
	return found
}
