package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestFleetFaultsThroughRetries shows each fault on backends and connections as
// a client with retries meets it: calls every 100 ms on the one backend that
// there is, served in 20 ms, of which those of 1 s and later may meet the fault.
// What fails is tried again after 50 ms, up to five times.
func TestFleetFaultsThroughRetries(t *testing.T) {
	const ms = time.Millisecond
	type codes = map[string]int64
	ok := codes{"OK": 20}
	for _, c := range []struct {
		what     string
		fault    string
		more     string // of the fleet
		client   string
		slowest  time.Duration // response of the slowest call that ended OK, exactly
		codes    codes
		attempts int64 // received by the fleet
	}{
		// Refused at 1 s and 1.05 s; the client connects again 100 ms after it
		// lost its connection, and finds it back.
		{"down", "at: 990ms, for: 50ms, inject: down", "", "", 120 * ms, ok, 20},
		{"freeze", "at: 1010ms, for: 300ms, inject: freeze", "", "", 320 * ms, ok, 20},
		{"freeze longer than an attempt", "at: 1010ms, for: 150ms, inject: freeze", "", "attempt_timeout: 100ms", 180 * ms, ok, 21},
		{"slow", "at: 1s, for: 500ms, inject: {slow: {speed: 25%}}", "", "", 80 * ms, ok, 20},
		{"overload", "at: 1s, for: 500ms, inject: {overload: {capacity: 50%}}", "concurrency: 2,", "", 20 * ms, ok, 20},
		// 0: whether the client is back at 1.11 s or just after is luck.
		{"restart", "at: 1010ms, for: 50ms, inject: restart", "", "", 0, ok, 21},
		// The one in flight ends; the next waits until the client connects again.
		{"graceful restart", "at: 1010ms, for: 50ms, inject: {restart: {graceful: true}}", "", "", 70 * ms, ok, 20},
		{"disconnect", "at: 1010ms, inject: disconnect", "", "", 80 * ms, ok, 21},
		{"disconnect with FIN", "at: 1010ms, inject: {disconnect: {with: fin}}", "", "", 80 * ms, ok, 21},
		{"goaway", "at: 1010ms, inject: goaway", "", "", 20 * ms, ok, 20},
		// gRPC tries again by itself, at once.
		{"goaway, refused", "at: 1010ms, inject: {goaway: {refuse: true}}", "", "", 30 * ms, ok, 21},
		// The second attempt, of 1.11 s, is heard when it is over.
		{"blackhole", "at: 1010ms, for: 120ms, inject: blackhole", "", "attempt_timeout: 60ms", 150 * ms, ok, 21},
		{"max_age", "at: 0s, inject: {max_age: {age: 600ms}}", "", "", 20 * ms, ok, 20},
		{"max_streams", "at: 1s, for: 500ms, inject: {max_streams: 1}", "", "", 20 * ms, ok, 20},
		// Nobody has to shake hands.
		{"tls_failure", "at: 1s, for: 500ms, inject: tls_failure", "tls: self_signed,", "", 20 * ms, ok, 20},
	} {
		t.Run(c.what, func(t *testing.T) {
			inWorld(t, func(w *world) {
				client := ""
				if c.client != "" {
					client = ", " + c.client
				}
				r := w.run(w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 20ms}, %s faults: [{%s}]}
client: {pool: {size: 1}, timeout: 2s, connect: {base: 100ms, max: 100ms, jitter: 0%%}, retry: {attempts: 5, backoff: fixed, base: 50ms, jitter: none%s}}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 10/s}]
trials: 1
warmup: 100ms
measure: 2s
`, c.more, c.fault, client))
				mustBeExact(w.T, r)
				trial := r.Variants[0].Trials[0]
				s := trial.Series[0]
				if d := cmp.Diff(c.codes, s.Codes); d != "" {
					t.Errorf("codes (-want +got):\n%s", d)
				}
				slowest := time.Duration(0)
				for _, e := range trial.Exemplars {
					if e.Why == "slowest" {
						slowest = max(slowest, time.Duration(e.ResponseNS))
					}
				}
				if c.slowest != 0 && slowest != c.slowest {
					t.Errorf("the slowest call took %v, want %v", slowest, c.slowest)
				}
				if got := received(trial); c.attempts != 0 && got != c.attempts {
					t.Errorf("the fleet received %d attempts, want %d", got, c.attempts)
				}
				if met := trial.Fleet.Backends[0].Faults; len(met) != 1 {
					t.Errorf("faults met: %v", met)
				}
				if trial.State == result.NotRecovered {
					t.Errorf("state %s", trial.State)
				}
			})
		})
	}
}
