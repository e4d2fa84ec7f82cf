package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestCallFaultsThroughRetries shows each fault on calls as a client with
// retries meets it: ten calls, served in 3 ms, whose first attempts meet the
// fault, and which are tried again after 10 ms.
func TestCallFaultsThroughRetries(t *testing.T) {
	const (
		ms = time.Millisecond
	)
	type codes = map[string]int64
	ok := codes{"OK": 10}
	for _, c := range []struct {
		what     string
		call     string
		inject   string
		took     time.Duration // each call that ended OK, exactly
		codes    codes
		attempts int64 // received by the fleet
		met      int64
	}{
		{"status", "GetUser", "{status: {code: UNAVAILABLE}}", 13 * ms, ok, 20, 10},
		{"status that is not retried", "GetUser", "{status: {code: INVALID_ARGUMENT}}", 0, codes{"INVALID_ARGUMENT": 10}, 10, 10},
		{"pushback", "GetUser", "{status: {code: UNAVAILABLE, pushback: 40ms}}", 43 * ms, ok, 20, 10},
		{"pushback for good", "GetUser", "{status: {code: UNAVAILABLE, pushback: -1ms}}", 0, codes{"UNAVAILABLE": 10}, 10, 10},
		{"latency", "GetUser", "{latency: 20ms}", 23 * ms, ok, 10, 10},
		{"more latency than an attempt has", "GetUser", "{latency: 80ms}", 63 * ms, ok, 20, 10},
		{"hang", "GetUser", "hang", 63 * ms, ok, 20, 10},
		{"hang of a stream", "SyncUsers", "hang", 63 * ms, ok, 20, 10},
		{"truncate before the first message", "ListUsers", "{truncate: {code: UNAVAILABLE}}", 16 * ms, ok, 20, 10},
		// What has arrived cannot be taken back: the call is committed.
		{"truncate", "ListUsers", "{truncate: {after: 1, code: UNAVAILABLE}}", 0, codes{"UNAVAILABLE": 10}, 10, 10},
		{"truncate a client stream", "BatchCreateUsers", "{truncate: {after: 2, code: UNAVAILABLE}}", 13 * ms, ok, 20, 10},
		{"truncate a bidi stream", "SyncUsers", "{truncate: {code: UNAVAILABLE}}", 16 * ms, ok, 20, 10},
		{"reset", "GetUser", "{reset: {code: INTERNAL_ERROR}}", 13 * ms, ok, 20, 10},
		// gRPC itself tries once more, as the same attempt, which meets the same.
		{"reset before it was processed", "GetUser", "{reset: {code: REFUSED_STREAM}}", 13 * ms, ok, 30, 20},
		{"reset of a stream", "ListUsers", "{reset: {code: INTERNAL_ERROR}}", 13 * ms, ok, 20, 10},
		{"reset in a stream", "ListUsers", "{reset: {code: ENHANCE_YOUR_CALM, after: 2}}", 0, codes{"RESOURCE_EXHAUSTED": 10}, 10, 10},
		{"reset of a client stream", "BatchCreateUsers", "{reset: {code: INTERNAL_ERROR, after: 2}}", 13 * ms, ok, 20, 10},
		// The answer did come: that it cannot be read is the client's own finding,
		// and no reason to ask again.
		{"corrupt", "GetUser", "corrupt", 0, codes{"INTERNAL": 10}, 10, 10},
		{"corrupt in a stream", "ListUsers", "{corrupt: {after: 1}}", 0, codes{"INTERNAL": 10}, 10, 10},
		{"oversize", "GetUser", "{oversize: {size: 5MiB}}", 0, codes{"RESOURCE_EXHAUSTED": 10}, 10, 10},
		{"oversize in a stream", "SyncUsers", "{oversize: {size: 5MiB, after: 2}}", 0, codes{"RESOURCE_EXHAUSTED": 10}, 10, 10},
		{"slow_read", "BatchCreateUsers", "{slow_read: {after: 1, for: 20ms}}", 23 * ms, ok, 10, 10},
		{"slow_read for good", "BatchCreateUsers", "slow_read", 63 * ms, ok, 20, 10},
		{"throttle", "GetUser", "{throttle: {per_second: 100}}", 63 * ms, ok, 20, 10},
		{"headers", "GetUser", "{headers: {size: 1MiB, metadata: {surprise: a}}}", 3 * ms, ok, 10, 10},
	} {
		t.Run(c.what, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.run(w.plan(`
name: met
fleet:
  backends: 2
  isolation: inprocess
  service_time: {fixed: 3ms}
  faults: [{name: it, where: {attempt: 1}, inject: %s}]
client: {timeout: 1s, retry: {backoff: fixed, base: 10ms, jitter: none, attempts: 3, attempt_timeout: 50ms}}
load: [{name: calls, call: %s, rate: 10/s, arrivals: constant%s}]
trials: 1
warmup: 0s
measure: 1s
`, c.inject, c.call, map[bool]string{false: ", messages: 3"}[c.call == "GetUser"]))
				mustBeExact(t, r)
				trial := r.Variants[0].Trials[0]
				s := &trial.Series[0]
				if d := cmp.Diff(c.codes, s.Codes); d != "" {
					t.Errorf("codes (-want +got):\n%s\n%v", d, s.Errors)
				}
				if c.took > 0 {
					if l := s.Latency[result.Response]; l.MinNS != int64(c.took) || l.MaxNS != int64(c.took) {
						t.Errorf("responses took %v to %v, want %v", time.Duration(l.MinNS), time.Duration(l.MaxNS), c.took)
					}
				}
				var met int64
				for _, b := range trial.Fleet.Backends {
					met += b.Rules["it"]
				}
				if got := received(trial); got != c.attempts || met != c.met {
					t.Errorf("%d attempts, %d met it, want %d and %d", got, met, c.attempts, c.met)
				}
			})
		})
	}
}

// TestEveryVariantDecidesAlike compares variants call by call: with few calls
// of each entry for each code, nearly every call that met a fault is kept as
// an example of it.
func TestEveryVariantDecidesAlike(t *testing.T) {
	codes := []string{"UNKNOWN", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "FAILED_PRECONDITION",
		"OUT_OF_RANGE", "UNIMPLEMENTED", "DATA_LOSS", "UNAUTHENTICATED"}
	var rules, loads strings.Builder
	for i, code := range codes {
		which := "probability: 4%"
		switch i % 5 {
		case 1:
			which = fmt.Sprintf("nth: %d", 17+i)
		case 2:
			which = fmt.Sprintf("burst: {size: 2, every: %d}", 30+i)
		}
		fmt.Fprintf(&rules, "    - {name: r%d, %s, inject: {status: {code: %s}}}\n", i, which, code)
	}
	for i := range 6 {
		fmt.Fprintf(&loads, "  - {name: reads%d, call: GetUser, rate: 40/s}\n", i)
		fmt.Fprintf(&loads, "  - {name: lists%d, call: ListUsers, workers: 2, think: 40ms, messages: 2}\n", i)
	}
	compare := "{client.pool.size: [1, 4], client.balance: [round_robin, pick_first, random_subsetting], client.count: [1, 3]}"
	if testing.Short() {
		compare = "{client.pool.size: [1, 4], client.balance: [round_robin, random_subsetting]}"
	}
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
name: alike
fleet:
  backends: 3
  isolation: inprocess
  faults:
%s
client: {retry: none}
load:
%s
compare: %s
trials: 1
warmup: 300ms
measure: 2s
`, rules.String(), loads.String(), compare))
		mustBeExact(t, r)
		met := func(trial result.Trial) map[string]string {
			calls := map[string]string{}
			for _, e := range trial.Exemplars {
				if e.Why == "error" {
					calls[e.Call] = e.Code
				}
			}
			return calls
		}
		counted := func(trial result.Trial) map[string]int64 {
			rules := map[string]int64{}
			for _, b := range trial.Fleet.Backends {
				for rule, n := range b.Rules {
					rules[rule] += n
				}
			}
			return rules
		}
		first := r.Variants[0].Trials[0]
		if n := len(met(first)); n < 150 {
			t.Errorf("%d calls to compare by", n)
		}
		if n := len(counted(first)); n != len(codes) {
			t.Errorf("%d of %d rules were met", n, len(codes))
		}
		for _, v := range r.Variants[1:] {
			if d := cmp.Diff(met(first), met(v.Trials[0])); d != "" {
				t.Errorf("%s decided differently from %s (-want +got):\n%s", v.Name, r.Variants[0].Name, d)
			}
			if d := cmp.Diff(counted(first), counted(v.Trials[0])); d != "" {
				t.Errorf("%s counted differently from %s (-want +got):\n%s", v.Name, r.Variants[0].Name, d)
			}
		}
	})
}
