package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/run"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// schedules is how many random schedules of faults are tried.
func schedules() int {
	switch {
	case raceEnabled:
		return 50
	case testing.Short():
		return 100
	}
	return 1000
}

// TestRandomSchedules runs random schedules of every kind of fault there is,
// with random clients, in virtual time: no panic, no goroutine left (the
// bubble sees to that), no trial that does not end, and books within their
// bounds.
func TestRandomSchedules(t *testing.T) {
	examples := exampleFaults(t)
	var mu sync.Mutex
	met := map[string]int64{} // by kind
	t.Run("schedules", func(t *testing.T) {
		const shards = 4
		for shard := range uint64(shards) {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for seed := shard; seed < uint64(schedules()); seed += shards {
					for kind, n := range runSchedule(t, seed, examples) {
						mu.Lock()
						met[kind] += n
						mu.Unlock()
					}
				}
			})
		}
	})
	for kind := range examples {
		if met[kind] == 0 && schedules() >= 1000 { // a tenth of them may miss one
			t.Errorf("no schedule has shown %s", kind)
		}
	}
}

// runSchedule returns how often each kind of fault was met.
func runSchedule(t *testing.T, seed uint64, examples map[string]fault.Inject) map[string]int64 {
	met := map[string]int64{}
	inWorld(t, func(w *world) {
		random := rand.New(rand.NewPCG(seed, 4))
		plan, text := w.randomSchedule(random, examples)
		// Far more virtual time than the trial takes.
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Minute)
		defer cancel()
		r, err := run.Run(ctx, plan, w.deps(), run.Options{})
		if err != nil || r.Partial {
			t.Fatalf("seed %d: partial %v, %v\n%s", seed, r != nil && r.Partial, err, text)
		}
		for _, trial := range r.Variants[0].Trials {
			for _, reason := range trial.Validity.Reasons {
				if strings.HasPrefix(reason.Code, "books_") || strings.HasPrefix(reason.Code, "fleet_") {
					t.Errorf("seed %d: %s: %s\n%s", seed, reason.Code, reason.Detail, text)
				}
			}
			for _, b := range trial.Fleet.Backends {
				attempts, answers, kinds, rules := sum(b.Attempts), sum(b.Codes), sum(b.Faults), sum(b.Rules)
				if attempts != answers || kinds != rules {
					t.Errorf("seed %d: %s received %d attempts and ended %d, met %d faults by kind and %d by rule\n%s",
						seed, b.Name, attempts, answers, kinds, rules, text)
				}
				for kind, n := range b.Faults {
					met[kind] += n
				}
			}
		}
	})
	return met
}

func sum(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// exampleFaults is every kind of fault as its example has it.
func exampleFaults(t *testing.T) map[string]fault.Inject {
	all := map[string]fault.Inject{}
	inWorld(t, func(w *world) {
		for _, k := range strict.Kinds(reflect.TypeFor[fault.Inject]()) {
			// A fault lasts, or it happens at a moment.
			for _, window := range []string{"", "at: 1s, for: 1s, "} {
				text := fmt.Sprintf("fleet: {backends: 2, tls: self_signed, service_time: {fixed: 1ms}, concurrency: 4, faults: [{%sinject: %s}]}\n"+
					"load: [{call: GetUser, rate: 1/s}]\n", window, k.Example)
				if plan, err := scenario.Read("example.yaml", []byte(text), scenario.Options{}); err == nil {
					all[k.Name] = plan.Variants[0].Scenario.Fleet.Faults[0].Inject
				}
			}
			if _, ok := all[k.Name]; !ok {
				t.Fatalf("the example of %s does not read", k.Name)
			}
		}
	})
	return all
}

// randomSchedule is a plan of a second or so; text is for the reader of a
// failure.
func (w *world) randomSchedule(random *rand.Rand, examples map[string]fault.Inject) (plan *scenario.Plan, text string) {
	w.Helper()
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	network := one("tls: none", "tls: self_signed", "front: l4", "network: {rtt: 4ms, jitter: 2ms}", "network: {bandwidth: 1MiB/s}", "on_cancel: ignore")
	// gRPC makes a stream's messages again, after a REFUSED_STREAM or a GOAWAY,
	// with a mutex held. What waits for that stops virtual time: so no more is
	// sent over a narrow network than flow control lets through at once.
	request := "50KiB"
	if strings.Contains(network, "network") {
		request = "5KiB"
	}
	document := fmt.Sprintf(`
name: random
seed: %d
fleet: {backends: %d, isolation: inprocess, service_time: {exponential: 3ms}, %s, %s}
client: {timeout: %dms, pool: {size: %d, %s}, balance: %s, %s, %s}
load: [%s]
trials: 1
warmup: 200ms
measure: 1s
drain: 1s
`, random.Uint64N(1000), 1+random.IntN(3), one("concurrency: 0", "concurrency: 2", "concurrency: 1, queue: 3"),
		network, 50+random.IntN(250), 1+random.IntN(2),
		one("pick: round_robin", "pick: least_in_flight, lazy: true", "max_in_flight: 2, max_idle: 100ms", "max_age: 200ms, stuck_for: 300ms"),
		one("round_robin", "round_robin", "pick_first", "p2c_ewma", "consistent_hash", "random_subsetting",
			"{outlier_detection: {interval: 200ms, base_ejection: 300ms, child: least_request}}"),
		one("retry: none", "retry: native", "retry: {backoff: fixed, base: 5ms, attempts: 3}",
			"retry: {attempts: 4, base: 2ms, attempt_timeout: 40ms}",
			"retry: {attempts: 2, base: 2ms}, breaker: {failures: 3, reset: 200ms}",
			"retry: {attempts: 2, base: 2ms}, breaker: {scope: backend, failures: 3, reset: 100ms}",
			"hedge: {after: 5ms, attempts: 3}", "hedge: {after: p95, attempts: 2}, breaker: {scope: backend, failures: 3, reset: 100ms}"),
		one("compression: none", "compression: none", "compression: gzip", "wait_for_ready: true"),
		one("{call: GetUser, rate: 50/s, response: 100B}", "{call: ListUsers, rate: 40/s, messages: 4}",
			"{call: BatchCreateUsers, rate: 30/s, messages: 3, request: "+request+"}", "{call: SyncUsers, rate: 30/s, messages: 3}"))
	plan = w.plan("%s", document)
	config := &plan.Variants[0].Scenario.Fleet.Config
	kinds := make([]string, 0, len(examples))
	for kind := range examples {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for range 1 + random.IntN(4) {
		for {
			before := config.Faults
			config.Faults = append(slices.Clone(before), randomRule(w.T, random, examples[kinds[random.IntN(len(kinds))]], config.Backends))
			if config.Validate() == nil {
				break
			}
			config.Faults = before
		}
	}
	rules, err := json.MarshalIndent(config.Faults, "", " ")
	if err != nil {
		w.Fatal(err)
	}
	return plan, document + string(rules)
}

// randomRule may be invalid: the caller tries again.
func randomRule(t *testing.T, random *rand.Rand, example fault.Inject, backends int) fault.Rule {
	maybe := func() bool { return random.IntN(3) == 0 }
	r := fault.Rule{At: time.Duration(random.IntN(900)-200) * time.Millisecond, Inject: clone(t, example)}
	if !maybe() {
		r.For = time.Duration(1+random.IntN(400)) * time.Millisecond
	}
	if maybe() {
		r.Every = r.For + time.Duration(1+random.IntN(200))*time.Millisecond
	}
	if maybe() {
		r.Stagger = time.Duration(random.IntN(200)) * time.Millisecond
	}
	if maybe() {
		r.Where.Backends = []int{random.IntN(backends)}
	}
	if r.Inject.OnCall() != nil {
		switch random.IntN(4) {
		case 0:
			p := random.Float64()
			r.Probability = &p
		case 1:
			n := 1 + random.IntN(5)
			r.Nth = &n
		case 2:
			r.Burst = &fault.Burst{Size: 1 + random.IntN(3), Every: 4 + random.IntN(5)}
		}
		switch random.IntN(6) {
		case 0:
			n := 1 + random.IntN(2)
			r.Where.Attempt = &n
		case 1:
			r.Where.Kind = fault.RPCKind(r.Where.Kind.Words()[random.IntN(4)])
		case 2:
			r.Where.Method = "ListUsers"
		}
	}
	mutate(random, reflect.ValueOf(&r.Inject).Elem(), "")
	return r
}

func clone(t *testing.T, in fault.Inject) (out fault.Inject) {
	text, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mutate changes some of the settings below v, whatever they are, to others of
// their type.
func mutate(random *rand.Rand, v reflect.Value, unit string) {
	if words, ok := v.Addr().Interface().(interface {
		Words() []string
		UnmarshalText([]byte) error
	}); ok {
		_ = words.UnmarshalText([]byte(words.Words()[random.IntN(len(words.Words()))]))
		return
	}
	switch v.Interface().(type) {
	case time.Duration:
		v.SetInt(int64(random.IntN(100)) * int64(time.Millisecond))
		return
	case codes.Code:
		v.SetUint(1 + random.Uint64N(16))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			mutate(random, v.Elem(), unit)
		}
	case reflect.Struct:
		for f, value := range v.Fields() {
			mutate(random, value, f.Tag.Get("unit"))
		}
	case reflect.Slice:
		for i := range v.Len() {
			mutate(random, v.Index(i), unit)
		}
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(random.Float64())
	case reflect.Int, reflect.Int64:
		if unit == "bytes" {
			v.SetInt(int64(1) << random.IntN(18))
			if random.IntN(20) == 0 {
				v.SetInt(5 << 20) // more than a client's limit
			}
		} else {
			v.SetInt(random.Int64N(5))
		}
	}
}
