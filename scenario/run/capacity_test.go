package run_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/run"
)

// capacity searches a scenario written in the test.
func (w *world) capacity(ctx context.Context, plan *scenario.Plan, deps run.Deps, slo string, o run.CapacityOptions) *result.Result {
	w.Helper()
	if slo != "" {
		var err error
		if o.SLO, err = gate.ParseAll(slo); err != nil {
			w.Fatal(err)
		}
	}
	if o.Most == 0 {
		o.Most = 10_000
	}
	if err := run.CheckCapacity(plan, o); err != nil {
		w.Fatal(err)
	}
	r, err := run.Capacity(ctx, plan, deps, run.Options{Version: "test"}, o)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// found is the only variant's.
func found(t testing.TB, r *result.Result) result.CapacityVariant {
	t.Helper()
	if r.Capacity == nil || len(r.Capacity.Variants) != 1 {
		t.Fatalf("%+v", r.Capacity)
	}
	return r.Capacity.Variants[0]
}

// bracketed fails the test unless the truth lies between the two ends.
func bracketed(t testing.TB, got result.CapacityVariant, truth float64, limit result.CapacityLimit) {
	t.Helper()
	if got.RatePerS > truth || got.BeyondPerS <= truth || got.BeyondPerS > got.RatePerS*1.05001 || got.Limit != limit || !got.Confirmed {
		t.Errorf("between %v and %v by %q (confirmed: %v), want %v by %q: %s", got.RatePerS, got.BeyondPerS, got.Limit, got.Confirmed, truth, limit, got.Detail)
	}
}

const twoKinds = `
fleet: {backends: 1, isolation: inprocess, concurrency: 1, service_time: {fixed: 10ms}}
client: {retry: none}
load:
  - {name: reads, call: GetUser, arrivals: constant, rate: 20/s}
  - {name: more, call: GetUser, arrivals: constant, rate: 5/s}
  - {name: few, mix: {GetUser: 1, ListUsers: 1}, messages: 1, arrivals: constant, rate: 5/s}
warmup: 100ms
measure: 4s
`

// One worker of 10 ms serves 100 calls a second and no more. Which of them are
// scaled decides what the rest leaves.
func TestCapacityOfALoad(t *testing.T) {
	if testing.Short() {
		t.Skip("many calls")
	}
	tests := map[string]struct {
		load  string
		truth float64
		scale map[string]float64 // of each entry, at the rate found
	}{
		"all together": {"", 100, map[string]float64{"reads": 20. / 30, "more": 5. / 30, "few.getuser": 2.5 / 30, "few.listusers": 2.5 / 30}},
		"one":          {"reads", 90, map[string]float64{"reads": 1}},
		"a mix":        {"few", 75, map[string]float64{"few.getuser": 0.5, "few.listusers": 0.5}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				plan := w.plan(twoKinds)
				r := w.capacity(w.Context(), plan, w.deps(), "max < 120ms, errors < 1%", run.CapacityOptions{Load: test.load, Most: 1000})
				got := found(w, r)
				if got.Limit != result.LimitSLO || !got.Confirmed || math.Abs(got.RatePerS/test.truth-1) > 0.08 {
					w.Errorf("%v/s by %q (%s), want about %v", got.RatePerS, got.Limit, got.Detail, test.truth)
				}
				before := map[string]float64{"reads": 20, "more": 5, "few.getuser": 2.5, "few.listusers": 2.5}
				for _, l := range r.Variants[0].Loads {
					want := before[l.Name]
					if share, scaled := test.scale[l.Name]; scaled {
						want = share * got.RatePerS
					}
					if math.Abs(l.RatePerS/want-1) > 1e-9 {
						w.Errorf("%s at %v/s, want %v/s", l.Name, l.RatePerS, want)
					}
				}
				for _, trial := range r.Variants[0].Trials {
					for _, s := range trial.Series {
						if asked := describedRate(r, s.Name); asked > 20 && math.Abs(s.OfferedPerS/asked-1) > 0.25 {
							w.Errorf("%s: %v/s offered, %v/s asked for", s.Name, s.OfferedPerS, asked)
						}
					}
				}
				if plan.Variants[0].Scenario.Load[0].Rate != 20 {
					w.Error("the plan was changed")
				}
			})
		})
	}
}

func describedRate(r *result.Result, load string) float64 {
	for _, l := range r.Variants[0].Loads {
		if l.Name == load {
			return l.RatePerS
		}
	}
	return 0
}

// tallied is a service that counts its calls.
type tallied struct {
	userpb.UnimplementedUserServiceServer
	calls *atomic.Int64
}

func (c tallied) GetUser(context.Context, *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	c.calls.Add(1)
	return &userpb.GetUserResponse{}, nil
}

// Where the generator has no more CPU time the search ends, though the SLO is met:
// it is not the server's limit, and the result says so.
func TestCapacityLimitedByTheGenerator(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls atomic.Int64
		w.serve("server:1", tallied{calls: &calls})
		deps := w.deps()
		// A call takes so much that 80 % of the cores are 200 calls a second.
		each := time.Duration(runtime.GOMAXPROCS(0)) * 4 * time.Millisecond
		deps.Usage = func() run.Usage { return run.Usage{CPU: time.Duration(calls.Load()) * each} }
		r := w.capacity(w.Context(), w.plan(`
target: passthrough:///server:1
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 50/s}]
warmup: 0s
measure: 1s
`), deps, "max < 20ms", run.CapacityOptions{})
		got := found(w, r)
		bracketed(w, got, 200, result.LimitGenerator)
		if !strings.Contains(got.Detail, "generator_cpu") {
			w.Errorf("detail %q", got.Detail)
		}
		for _, p := range got.Probes {
			if p.RatePerS > 201 && (p.Limit != result.LimitGenerator || p.Trials != 0 || p.Again != 2) {
				w.Errorf("%+v", p)
			}
		}
		if r.Validity.Verdict != result.Valid || len(r.Variants[0].Trials) != 3 {
			w.Errorf("%+v, %d trials", r.Validity, len(r.Variants[0].Trials))
		}
	})
}

// A moment in which the machine was busy does not end a search: the trial is made
// again.
func TestCapacityMakesUnfitTrialsAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls, reads atomic.Int64
		w.serve("server:1", tallied{calls: &calls})
		deps := w.deps()
		var cpu time.Duration
		deps.Usage = func() run.Usage { // the second trial's is all there is
			if reads.Add(1) == 4 {
				cpu += time.Duration(runtime.GOMAXPROCS(0)) * time.Second
			}
			return run.Usage{CPU: cpu}
		}
		r := w.capacity(w.Context(), w.plan(`
target: passthrough:///server:1
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 400/s}]
warmup: 0s
measure: 1s
`), deps, "p99 < 20ms", run.CapacityOptions{Most: 1000})
		got := found(w, r)
		again := 0
		for _, p := range got.Probes {
			again += p.Again
		}
		if got.RatePerS != 1000 || got.Limit != result.LimitMaxRate || !got.Confirmed || got.BeyondPerS != 0 || again != 1 {
			w.Errorf("%+v", got)
		}
	})
}

// Beyond max_in_flight calls are dropped, and the trial is INVALID: that is a limit
// with a name, and not the generator's. By Little's law it is 20 ÷ 100 ms.
func TestCapacityLimitedByMaxInFlight(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.capacity(w.Context(), w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 100ms}}
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 50/s, max_in_flight: 20}]
warmup: 200ms
measure: 4s
`), w.deps(), "p50 < 150ms", run.CapacityOptions{})
		got := found(w, r)
		if got.Limit != result.LimitInFlight || math.Abs(got.RatePerS/200-1) > 0.06 {
			w.Errorf("%+v", got)
		}
	})
}

// A rate whose calls pile up is none that the system carries, however lax the SLO.
func TestCapacityOfALaxSLO(t *testing.T) {
	if testing.Short() {
		t.Skip("many calls")
	}
	inWorld(t, func(w *world) {
		r := w.capacity(w.Context(), w.plan(`
fleet: {backends: 1, isolation: inprocess, concurrency: 1, service_time: {fixed: 10ms}}
client: {retry: none, timeout: 1m}
load: [{call: GetUser, arrivals: constant, rate: 80/s}]
warmup: 200ms
measure: 8s
drain: 1m
`), w.deps(), "p99 < 1m", run.CapacityOptions{})
		got := found(w, r)
		if got.Limit != result.LimitSaturated || math.Abs(got.RatePerS/100-1) > 0.06 {
			w.Errorf("%+v", got)
		}
	})
}

// What is saved meanwhile, in case the process is killed, has the rates that were
// tried so far.
func TestCapacityIsSavedMeanwhile(t *testing.T) {
	inWorld(t, func(w *world) {
		slo, err := gate.ParseAll("max < 50ms")
		if err != nil {
			w.Fatal(err)
		}
		saved, probes := 0, 0
		r, err := run.Capacity(w.Context(), w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 5ms}}
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 50/s}]
warmup: 0s
measure: 500ms
`), w.deps(), run.Options{OnTrial: func(r *result.Result) {
			got := r.Capacity.Variants[0]
			if saved++; !r.Partial || len(got.Probes) != saved || got.RatePerS != got.Probes[saved-1].RatePerS || r.Validity.Verdict != result.Valid {
				w.Errorf("after %d: partial %v, %+v, %+v", saved, r.Partial, got, r.Validity)
			}
		}}, run.CapacityOptions{SLO: slo, Most: 200, OnProbe: func(variant string, p result.CapacityProbe) {
			if probes++; variant != "default" || p.RatePerS < 50 {
				w.Errorf("%s: %+v", variant, p)
			}
		}})
		if err != nil || r.Partial || saved != 4 || probes != 4 { // 50, 100, 200, and 200 again
			w.Errorf("%v, partial %v, saved %d times, told %d times", err, r.Partial, saved, probes)
		}
	})
}

// Where even the lowest rate misses, that is what is said.
func TestCapacityOfNone(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.capacity(w.Context(), w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 100ms}}
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 400/s}]
warmup: 0s
measure: 2s
`), w.deps(), "p99 < 20ms", run.CapacityOptions{})
		got := found(w, r)
		// p99 needs 368 calls: at 184/s there are as many.
		if got.RatePerS != 0 || got.BeyondPerS != 184 || got.Limit != result.LimitSLO || len(r.Variants[0].Trials) == 0 {
			w.Errorf("%+v, %d trials", got, len(r.Variants[0].Trials))
		}
		if r.Validity.Verdict != result.Valid {
			w.Errorf("%+v", r.Validity)
		}
	})
}

// The closed loops of a sweep have laws that are known: one worker behind the
// server makes σ = 1, as many as there are calls make none of it.
func TestSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("many calls")
	}
	const text = `
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 5ms}%s}
client: {retry: none}
load:
  - {name: reads, call: GetUser, rate: 10/s}
  - {name: others, call: GetUser, workers: 1, think: 1s}
warmup: 0s
measure: 1s
`
	tests := map[string]struct {
		fleet         string
		sigma, lambda float64
	}{
		"one at a time": {", concurrency: 1", 1, 200},
		"all at once":   {"", 0, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.capacity(w.Context(), w.plan(text, test.fleet), w.deps(), "", run.CapacityOptions{Load: "reads", Concurrency: []int{1, 2, 4, 8}})
				got := found(w, r)
				if got.Law == nil || len(got.Sweep) != 4 || len(got.Sweep[3].PerS) != 3 {
					w.Fatalf("%+v", got)
				}
				l := got.Law
				if math.Abs(l.Lambda.Value/test.lambda-1) > 0.02 || math.Abs(l.Sigma.Value-test.sigma) > 0.02 || l.Kappa.Value > 0.002 || l.MostN != 8 {
					w.Errorf("%+v", l)
				}
				if l.PeakN != nil || l.PeakPerS != nil {
					w.Errorf("a peak at %+v", l.PeakN)
				}
				if r.Validity.Verdict != result.Valid || r.Partial {
					w.Errorf("%+v, partial %v", r.Validity, r.Partial)
				}
			})
		})
	}
}

// An interrupted search keeps what it found: the variants before, and the highest
// rate so far.
func TestCapacityInterrupted(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 7 * time.Second, 40 * time.Second} {
		inWorld(t, func(w *world) {
			ctx, cancel := context.WithTimeout(w.Context(), after)
			defer cancel()
			r := w.capacity(ctx, w.plan(`
fleet: {backends: 1, isolation: inprocess, concurrency: 1, service_time: {fixed: 5ms}}
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 80/s}]
compare: {client.pool.size: [1, 2]}
warmup: 0s
measure: 2s
`), w.deps(), "max < 100ms", run.CapacityOptions{Concurrency: []int{1, 2, 4}})
			one, two := r.Capacity.Variants[0], r.Capacity.Variants[1]
			if !r.Partial || two.RatePerS != 0 && after < 40*time.Second {
				w.Errorf("after %v: partial %v, %+v", after, r.Partial, two)
			}
			switch {
			case after < time.Second && (one.RatePerS != 0 || len(one.Probes) != 0 || r.Validity.Verdict != result.Invalid):
				w.Errorf("after %v: %+v, %+v", after, one, r.Validity)
			case after == 7*time.Second && (one.RatePerS != 160 || one.Confirmed || one.Limit != "" || len(one.Probes) != 2 || len(r.Variants[0].Trials) != 1):
				w.Errorf("after %v: %+v, %d trials", after, one, len(r.Variants[0].Trials))
			case after == 40*time.Second && (!one.Confirmed || one.Limit != result.LimitSLO):
				w.Errorf("after %v: %+v", after, one)
			}
		})
	}
}

// What cannot be searched for is refused before anything is measured.
func TestCheckCapacity(t *testing.T) {
	plan := func(load string) string {
		return "fleet: {isolation: inprocess}\nmeasure: 5s\ncompare: {client.pool.size: [1, 2]}\nload: [" + load + "]\n"
	}
	const reads, loop, mixed = "{name: reads, call: GetUser, rate: 100/s}", "{name: loop, call: GetUser, workers: 2}", "{name: mixed, mix: {GetUser: 1, ListUsers: 1}, rate: 10/s}"
	tests := map[string]struct {
		load, slo string
		o         run.CapacityOptions
		want      string // empty: nothing is wrong
	}{
		"fine":               {reads, "p99 < 20ms, errors{code=UNAVAILABLE} <= 1%, in_slo > 99%", run.CapacityOptions{}, ""},
		"fine of one":        {reads + "," + mixed, "p99{load=reads} < 20ms", run.CapacityOptions{Load: "reads"}, ""},
		"fine of a mix":      {reads + "," + mixed, "max < 20ms", run.CapacityOptions{Load: "mixed"}, ""},
		"fine to sweep":      {reads, "", run.CapacityOptions{Concurrency: []int{1, 2, 4}}, ""},
		"nothing":            {reads, "", run.CapacityOptions{}, "--slo or --concurrency: one of them must be given"},
		"no open loop":       {loop, "p99 < 20ms", run.CapacityOptions{}, "--slo: no load entry has a rate"},
		"a closed loop":      {reads + "," + loop, "p99 < 20ms", run.CapacityOptions{Load: "loop"}, "--load: loop has no rate"},
		"no such load":       {reads, "p99 < 20ms", run.CapacityOptions{Load: "raeds"}, `--load: there is no load entry "raeds", did you mean reads?`},
		"a part of a mix":    {mixed, "p99 < 20ms", run.CapacityOptions{Load: "mixed.getuser"}, `--load: there is no load entry "mixed.getuser"`},
		"a baseline":         {reads, "p99 < baseline + 5%", run.CapacityOptions{}, "must be a limit of its own"},
		"a rate":             {reads, "rate > 20/s", run.CapacityOptions{}, "rate grows with the rate"},
		"the wrong way":      {reads, "p99 > 20ms", run.CapacityOptions{}, "p99 gets worse as it grows"},
		"the other way":      {reads, "in_slo < 99%", run.CapacityOptions{}, "in_slo gets worse as it falls"},
		"no such variant":    {reads, "p99{variant=3} < 20ms", run.CapacityOptions{}, "there is no variant"},
		"not all variants":   {reads, "p99{pool.size=1} < 20ms", run.CapacityOptions{}, "no condition is about variant pool.size=2"},
		"too few of others":  {reads + "," + mixed, "p99 < 20ms", run.CapacityOptions{Load: "reads"}, "needs 368 calls of mixed.getuser for that and has 25"},
		"start beyond":       {reads, "p99 < 20ms", run.CapacityOptions{Start: 200_000}, "--start: must be > 0/s and at most --max-rate"},
		"no most":            {reads, "p99 < 20ms", run.CapacityOptions{Most: -1}, "--max-rate: must be > 0/s"},
		"which to sweep":     {reads + "," + loop, "", run.CapacityOptions{Concurrency: []int{1, 2, 4}}, "--load: which load entry? There are reads, loop"},
		"a mix to sweep":     {mixed, "", run.CapacityOptions{Concurrency: []int{1, 2, 4}}, "--load: mixed is a mix"},
		"few concurrencies":  {reads, "", run.CapacityOptions{Concurrency: []int{1, 2}}, "--concurrency: must be at least 3"},
		"no workers":         {reads, "", run.CapacityOptions{Concurrency: []int{0, 1, 2}}, "--concurrency: must be from 1 to"},
		"falling":            {reads, "", run.CapacityOptions{Concurrency: []int{1, 4, 2}}, "--concurrency: must grow from one number to the next (got 2 after 4)"},
		"too many workers":   {reads, "", run.CapacityOptions{Concurrency: []int{1, 4, 2_000_000}}, "--concurrency: must be from 1 to"},
		"no such load swept": {reads, "", run.CapacityOptions{Load: "x", Concurrency: []int{1, 2, 4}}, `--load: there is no load entry "x"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := scenario.Read("test.yaml", []byte(plan(test.load)), scenario.Options{})
			if err != nil {
				t.Fatal(err)
			}
			o := test.o
			if test.slo != "" {
				if o.SLO, err = gate.ParseAll(test.slo); err != nil {
					t.Fatal(err)
				}
			}
			if o.Most == 0 {
				o.Most = 100_000
			}
			switch err := run.CheckCapacity(p, o); {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// Where the trials that were to confirm a rate could not be judged, what one trial has
// shown stands, with that trial: not with one of those that came to nothing.
func TestCapacityKeepsTheTrialThatMet(t *testing.T) {
	inWorld(t, func(w *world) {
		var reads atomic.Int64
		deps := w.deps()
		var cpu time.Duration
		deps.Usage = func() run.Usage { // read twice in each trial; from the third one on no other is fit
			if n := reads.Add(1); n > 4 && n%2 == 0 {
				cpu += time.Duration(runtime.GOMAXPROCS(0)) * time.Second
			}
			return run.Usage{CPU: cpu}
		}
		// Only the second trial is slow: too slow for the SLO.
		w.serve("server:1", fickle{takes: func() time.Duration {
			if n := reads.Load(); n == 3 {
				return 50 * time.Millisecond
			}
			return time.Millisecond
		}})
		r := w.capacity(w.Context(), w.plan(`
target: passthrough:///server:1
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 100/s}]
warmup: 0s
measure: 1s
`), deps, "max < 20ms", run.CapacityOptions{Most: 100})
		got := found(w, r)
		if got.RatePerS != 100 || got.Confirmed {
			w.Fatalf("%+v, want 100/s by one trial", got)
		}
		trials := r.Variants[0].Trials
		if len(trials) != 1 || trials[0].Block != 0 || trials[0].Series[0].Latency[result.Response].MaxNS > int64(20*time.Millisecond) {
			w.Errorf("%d trials, block %d, max %v", len(trials), trials[0].Block, time.Duration(trials[0].Series[0].Latency[result.Response].MaxNS))
		}
	})
}

// fickle answers after times that are its own.
type fickle struct {
	userpb.UnimplementedUserServiceServer
	takes func() time.Duration
}

func (s fickle) GetUser(ctx context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	return taking{Duration: s.takes()}.GetUser(ctx, r)
}

// The rate of sessions is that of the calls for which there is time, and no other.
func TestCapacityOfSessions(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.capacity(w.Context(), w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 1ms}}
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 10/s, sessions: {calls: 20, think: 1s}}]
warmup: 0s
measure: 4s
`), w.deps(), "max < 50ms", run.CapacityOptions{Most: 100})
		got := found(w, r)
		if got.RatePerS != 100 || got.Limit != result.LimitMaxRate {
			w.Fatalf("%+v, want 100/s", got)
		}
		for _, trial := range r.Variants[0].Trials {
			if s := trial.Series[0]; math.Abs(s.OfferedPerS/got.RatePerS-1) > 0.03 {
				w.Errorf("%v/s were offered where the table says %v/s", s.OfferedPerS, got.RatePerS)
			}
		}
	})
}

// Calls that each take a row of a feed of their own become no more at a higher rate.
func TestCapacityOfAFeedThatIsUsedUp(t *testing.T) {
	feed := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(feed, []byte("id\n1\n2\n3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for order, want := range map[string]string{"sequential": "", "random": "", "once": "reads takes each row of its feed once"} {
		plan, err := scenario.Read("test.yaml", fmt.Appendf(nil, `
target: localhost:1
load: [{name: reads, call: user.v1.UserService/GetUser, request: {user_id: "{{ .row.id }}"}, feed: {file: %s, order: %s}, rate: 100/s}]
`, feed, order), scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		slo, err := gate.ParseAll("p99 < 20ms")
		if err != nil {
			t.Fatal(err)
		}
		for what, o := range map[string]run.CapacityOptions{"--slo": {SLO: slo, Most: 1000}, "--load": {Concurrency: []int{1, 2, 4}}} {
			switch err := run.CheckCapacity(plan, o); {
			case want == "" && err != nil:
				t.Errorf("%s, %s: %v", order, what, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), what+": "+want)):
				t.Errorf("%s, %s: %v, want %s", order, what, err, want)
			}
		}
	}
}

// A result is judged by the trials of its sweep, too, beside those of its rate.
func TestCapacityIsJudgedByItsSweep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve("server:1", taking{Duration: 10 * time.Millisecond})
		deps := w.deps()
		var used run.Usage
		collecting := false
		deps.Usage = func() run.Usage {
			used.CPU += 10 * time.Millisecond
			if collecting {
				used.GC += 5 * time.Millisecond
			}
			return used
		}
		r := w.capacity(w.Context(), w.plan(`
target: passthrough:///server:1
client: {retry: none}
load: [{call: GetUser, arrivals: constant, rate: 50/s}]
warmup: 0s
measure: 1s
`), deps, "max < 50ms", run.CapacityOptions{Most: 50, Concurrency: []int{1, 2, 4}, OnPoint: func(string, result.CapacityPoint) { collecting = true }})
		if got := found(w, r); got.RatePerS != 50 || len(got.Sweep) != 3 {
			w.Fatalf("%+v", got)
		}
		if v := r.Validity; v.Verdict != result.Suspect || len(v.Reasons) != 1 || v.Reasons[0].Code != "gc_share" {
			w.Errorf("%+v, want SUSPECT by gc_share", v)
		}
	})
}
