package run

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/load"
)

const trialSeconds = 20

// watched is a trial whose calls left as a schedule says, later by what lag
// gives, and took what response gives.
func watched(l scenario.Load, seed uint64, lag, response func(second int) time.Duration) *result.Trial {
	process, rate, _ := l.Process()
	schedule := process.Schedule(rate, seed)
	if p := l.Shape.Profile(); p != nil {
		schedule = load.Shaped(process, rate, p, seed)
	}
	var counts [trialSeconds + 60]int64
	for at := schedule.Next(); at < trialSeconds*time.Second; at = schedule.Next() {
		if left := int((at + lag(int(at/time.Second))) / time.Second); left < len(counts) {
			counts[left]++
		}
	}
	t := &result.Trial{MeasuredNS: trialSeconds * int64(time.Second), Validity: valid()}
	for second := range trialSeconds + 1 {
		t.Intervals = append(t.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{{
			Name: l.Name, Dispatched: counts[second], OK: counts[second], P50NS: int64(response(second)),
		}}})
	}
	return t
}

func none(int) time.Duration { return 0 }

// entries are open loops of every kind whose arrivals are known.
func entries() map[string]scenario.Load {
	weights := []float64{3, 1}
	return map[string]scenario.Load{
		"poisson":  {Name: "x", Rate: 300, Arrivals: load.Arrivals{Poisson: new(load.Poisson)}},
		"rare":     {Name: "x", Rate: 6, Arrivals: load.Arrivals{Poisson: new(load.Poisson)}},
		"constant": {Name: "x", Rate: 333.3, Arrivals: load.Arrivals{Constant: new(load.Constant)}},
		"uniform":  {Name: "x", Rate: 250, Arrivals: load.Arrivals{Uniform: &load.Uniform{Jitter: 1}}},
		"bursts":   {Name: "x", Rate: 1000, Arrivals: load.Arrivals{Bursts: &load.Bursts{Size: 5}}},
		"shaped": {Name: "x", Rate: 300, Arrivals: load.Arrivals{Poisson: new(load.Poisson)},
			Shape: load.Shape{Ramp: &load.Ramp{From: 0.2, To: 2, Over: 15 * time.Second}}},
		"mixed": {Name: "x", Rate: 225, Arrivals: load.Arrivals{Poisson: new(load.Poisson)}, Part: &scenario.Part{Of: "m", Rate: 300, Weights: weights}},
		"mixed metronome": {Name: "x", Rate: 225, Arrivals: load.Arrivals{Constant: new(load.Constant)},
			Part: &scenario.Part{Of: "m", Rate: 300, Weights: weights}},
	}
}

func reasons(v result.Validity) string {
	var codes []string
	for _, r := range v.Reasons {
		codes = append(codes, r.Code)
	}
	return strings.Join(codes, " ")
}

// Over 1,000 healthy trials no check speaks up: not of arrivals of any kind,
// calls late by up to a millisecond, nor of drift where responses wander from
// second to second by 15 % and hang together.
func TestFitnessIsSilentOverHealthyTrials(t *testing.T) {
	const trials, level = 1000, falseAlarms / 20
	rng := rand.New(rand.NewPCG(1, 2))
	all := entries()
	for _, name := range slices.Sorted(maps.Keys(all)) { // one order, one sequence of draws
		l := all[name]
		wander := 0.0
		response := func(int) time.Duration {
			wander = 0.3*wander + 0.15*rng.NormFloat64()
			return time.Duration(2e6 * math.Exp(wander))
		}
		lag := func(int) time.Duration { return time.Duration(rng.Int64N(1e6)) }
		for seed := range uint64(trials / len(all)) {
			trial := watched(l, seed, lag, response)
			judgeArrivals(&trial.Validity, trial, &l, level)
			if got := reasons(trial.Validity); got != "" {
				t.Errorf("%s, seed %d: %+v", name, seed, trial.Validity.Reasons)
			}
			if drifting(trial, nil, []scenario.Load{l}, level) {
				t.Errorf("%s, seed %d: drifts", name, seed)
			}
		}
	}
	fleet := &scenario.Fleet{Isolation: scenario.Process}
	for range trials {
		// Lag, CPU and the books' unknown attempts as they may well be.
		trial := healthy()
		lag := rng.Int64N(1e6)
		trial.Series[0].Latency[result.Lag] = result.Summary{P99NS: &lag}
		trial.Client.CPUNS = int64(0.78 * rng.Float64() * float64(trial.MeasuredNS) * float64(cores()))
		trial.Fleet.Backends[1].Attempts["M"] -= rng.Int64N(2)
		reconcile(trial, nil, 0, nil)
		judge(trial, &engine.Outcome{SentShare: 1 - 0.009*rng.Float64()}, fleet)
		used := Usage{CPU: time.Duration(1e9 + rng.Int64N(1e10))}
		used.GC = time.Duration(rng.Float64() * 0.1 * float64(used.CPU))
		used.host = hostUsage{Ticks: 2000, Stolen: uint64(rng.IntN(60)), Throttled: time.Duration(rng.Int64N(20e6))}
		judgeUsage(&trial.Validity, Usage{}, used, 10*time.Second)
		judgeServiceTime(&trial.Validity, &result.Fleet{ActualOverAsked: 1 + 0.08*rng.Float64()}, 5000, fleet)
		if got := reasons(trial.Validity); got != "" {
			t.Errorf("%+v: %s", used, got)
		}
		// A target's calls may fail for a second, and its last be over before the
		// end, with the connections closed for idleness.
		target := healthy()
		target.Fleet, target.Client.Connections = nil, rng.IntN(2)
		target.Intervals = []result.Interval{
			{Series: []result.IntervalSeries{{OK: 1 + rng.Int64N(90)}}},
			{Second: 1, Series: []result.IntervalSeries{{Failed: rng.Int64N(5)}}},
			{Second: 2, Series: []result.IntervalSeries{{OK: 1 + rng.Int64N(9), Failed: rng.Int64N(5)}}},
			{Second: 3},
		}
		if judge(target, &engine.Outcome{SentShare: 1}, nil); len(target.Validity.Reasons) > 0 {
			t.Errorf("a target: %+v", target.Validity.Reasons)
		}
	}
}

// Each statistical reason, provoked.
func TestArrivalsThatDoNotFit(t *testing.T) {
	const level = falseAlarms / 20
	// The generator stands still for a second and a half, three times.
	stall := func(second int) time.Duration {
		if second%6 == 2 {
			return 1500 * time.Millisecond
		}
		return 0
	}
	for name, l := range entries() {
		if name == "rare" {
			continue // its windows are longer than the stalls
		}
		trial := watched(l, 3, stall, none)
		judgeArrivals(&trial.Validity, trial, &l, level)
		if got := reasons(trial.Validity); got != "arrivals" || trial.Validity.Verdict != result.Suspect {
			t.Errorf("%s with stalls: %q", name, got)
		}
		// Half as much again as was asked for.
		trial = watched(l, 3, none, none)
		slower := l
		slower.Rate *= 1.5
		judgeArrivals(&trial.Validity, trial, &slower, level)
		if got := reasons(trial.Validity); got != "arrivals" {
			t.Errorf("%s at the wrong rate: %q", name, got)
		}
	}
	// A metronome where independent users were asked for, and the reverse.
	constant, poisson := entries()["constant"], entries()["poisson"]
	constant.Rate = poisson.Rate
	trial := watched(constant, 1, none, none)
	judgeArrivals(&trial.Validity, trial, &poisson, level)
	if r := trial.Validity.Reasons; len(r) != 1 || r[0].Figure >= r[0].Limit {
		t.Errorf("a metronome passes as poisson: %+v", r)
	}
	trial = watched(poisson, 1, none, none)
	judgeArrivals(&trial.Validity, trial, &constant, level)
	if reasons(trial.Validity) != "arrivals" {
		t.Error("poisson passes as a metronome")
	}
	// Nothing is said where nothing is known.
	for name, l := range map[string]scenario.Load{
		"closed":   {Name: "x", Workers: 4},
		"sessions": {Name: "x", Rate: 9000, Sessions: &scenario.Sessions{Calls: 5}, Arrivals: load.Arrivals{Poisson: new(load.Poisson)}},
		"replay":   {Name: "x", Rate: 9000, Arrivals: load.Arrivals{Replay: new(load.Replay)}},
	} {
		trial := watched(poisson, 1, none, none)
		judgeArrivals(&trial.Validity, trial, &l, level)
		if got := reasons(trial.Validity); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestDrifting(t *testing.T) {
	const level = falseAlarms / 20
	rng := rand.New(rand.NewPCG(5, 2))
	l := entries()["poisson"]
	grows := func(by float64) func(int) time.Duration {
		return func(second int) time.Duration {
			return time.Duration(2e6 * (1 + by*float64(second)/trialSeconds) * math.Exp(0.03*rng.NormFloat64()))
		}
	}
	sessions := func(calls int, think time.Duration) scenario.Load {
		l := l
		l.Sessions = &scenario.Sessions{Calls: calls, Think: think}
		return l
	}
	for name, c := range map[string]struct {
		response func(int) time.Duration
		load     scenario.Load
		want     bool
	}{
		"grows by half":             {grows(0.5), l, true},
		"shrinks by a third":        {grows(-0.33), l, true},
		"grows by a tenth":          {grows(0.1), l, false}, // shown, and not material
		"one jump at the end":       {func(s int) time.Duration { return time.Duration(2e6 * (1 + s/19)) }, l, false},
		"load that grows, by plan":  {grows(0.5), entries()["shaped"], false},
		"sessions that become more": {grows(0.5), sessions(4, 4*time.Second), false},
		"sessions that are short":   {grows(0.5), sessions(4, 100*time.Millisecond), true},
	} {
		if got := drifting(watched(c.load, 2, none, c.response), nil, []scenario.Load{c.load}, level); got != c.want {
			t.Errorf("%s: drifts %v", name, got)
		}
	}
	short := watched(l, 2, none, grows(2))
	short.MeasuredNS = 7e9
	if drifting(short, nil, []scenario.Load{l}, level) {
		t.Error("seven seconds show a drift")
	}
}

// queued is a trial of as many seconds whose calls meet an M/M/1 queue that begins
// empty, as after a warm-up.
func queued(rng *rand.Rand, l scenario.Load, serve float64, seconds int) *result.Trial {
	t := &result.Trial{MeasuredNS: int64(seconds) * int64(time.Second), Validity: valid()}
	at, inFlight := 0.0, int64(0)
	for len(t.Intervals) < seconds {
		at += rng.ExpFloat64() / (l.Rate + serve)
		for float64(len(t.Intervals)+1) <= at {
			t.Intervals = append(t.Intervals, result.Interval{Second: len(t.Intervals), Series: []result.IntervalSeries{{Name: l.Name, InFlight: inFlight}}})
		}
		if rng.Float64()*(l.Rate+serve) < l.Rate {
			inFlight++
		} else {
			inFlight = max(0, inFlight-1)
		}
	}
	t.Intervals = t.Intervals[:seconds]
	return t
}

// Over 1,000 trials of a busy queue none is saturated, whether its queue comes and
// goes within a second or wanders for longer than a trial; beyond capacity it is.
func TestSaturationOfAQueue(t *testing.T) {
	const trials, level = 1000, falseAlarms / 20
	rng := rand.New(rand.NewPCG(3, 2))
	count := func(load, serve float64, seconds, trials int) (saturated int) {
		l := scenario.Load{Name: "x", Rate: load * serve}
		for range trials {
			if state(queued(rng, l, serve, seconds), nil, []scenario.Load{l}, level) == result.Saturated {
				saturated++
			}
		}
		return saturated
	}
	for _, serve := range []float64{20, 100, 500} {
		if n := count(0.9, serve, 10, trials); n > 0 {
			t.Errorf("0.9 of %v/s: %d of %d trials are saturated", serve, n, trials)
		}
	}
	for _, c := range []struct {
		load, serve float64
		seconds     int
	}{{1.2, 1000, 12}, {1.2, 200, 60}, {1.05, 1000, 60}} {
		if n := count(c.load, c.serve, c.seconds, 20); n < 18 {
			t.Errorf("%v of %v/s for %d s: %d of 20 trials are saturated", c.load, c.serve, c.seconds, n)
		}
	}
}

func TestUsageReasons(t *testing.T) {
	before := Usage{CPU: 3 * time.Second, GC: 2 * time.Second, host: hostUsage{Ticks: 1000, Stolen: 900, Throttled: time.Hour}}
	after := func(change func(*Usage)) Usage {
		u := before
		u.CPU += 10 * time.Second
		u.host.Ticks += 2000
		change(&u)
		return u
	}
	for name, c := range map[string]struct {
		after Usage
		code  string
	}{
		"healthy":             {after(func(*Usage) {}), ""},
		"GC at the limit":     {after(func(u *Usage) { u.GC += 1500 * time.Millisecond }), ""},
		"GC":                  {after(func(u *Usage) { u.GC += 1600 * time.Millisecond }), "gc_share"},
		"throttled, a little": {after(func(u *Usage) { u.host.Throttled += 50 * time.Millisecond }), ""},
		"throttled":           {after(func(u *Usage) { u.host.Throttled += 51 * time.Millisecond }), "cpu_throttled"},
		"steal, a little":     {after(func(u *Usage) { u.host.Stolen += 100 }), ""},
		"steal":               {after(func(u *Usage) { u.host.Stolen += 101 }), "cpu_steal"},
		"all of it": {after(func(u *Usage) {
			u.GC, u.host.Throttled, u.host.Stolen = u.GC+9*time.Second, u.host.Throttled+time.Second, u.host.Stolen+1000
		}), "gc_share cpu_throttled cpu_steal"},
		"nothing was read": {before, ""},
	} {
		v := valid()
		judgeUsage(&v, before, c.after, 10*time.Second)
		if got := reasons(v); got != c.code || (c.code != "") != (v.Verdict == result.Suspect) {
			t.Errorf("%s: %q, want %q", name, got, c.code)
		}
	}
}

func TestServiceTimeReason(t *testing.T) {
	plain := &scenario.Fleet{}
	faulty := &scenario.Fleet{}
	faulty.Faults = []fault.Rule{{Inject: fault.Inject{Down: new(fault.Down)}}}
	for name, c := range map[string]struct {
		ratio    float64
		services int64
		fleet    *scenario.Fleet
		want     bool
	}{
		"as asked": {1.01, 5000, plain, false}, "at the limit": {1.10, 5000, plain, false}, "too slow": {1.11, 5000, plain, true},
		"too fast": {0.94, 5000, plain, true}, "none": {0, 5000, plain, false}, "few calls": {1.5, 99, plain, false},
		"an outage changes no service time": {1.5, 5000, faulty, true},
	} {
		v := valid()
		judgeServiceTime(&v, &result.Fleet{ActualOverAsked: c.ratio}, c.services, c.fleet)
		if got := reasons(v) == "service_time"; got != c.want || got != (v.Verdict == result.Suspect) {
			t.Errorf("%s: %+v", name, v)
		}
	}
	v := valid()
	if judgeServiceTime(&v, nil, 100, nil); len(v.Reasons) > 0 {
		t.Error("a target has a service time")
	}
}

// The level is shared by all trials that a run may have.
func TestAlpha(t *testing.T) {
	plan := &scenario.Plan{Trials: 5, Variants: make([]scenario.Variant, 4)}
	if got := alpha(plan); math.Abs(got-0.001/20) > 1e-15 {
		t.Errorf("%v", got)
	}
	plan.MaxTrials = 50
	if got := alpha(plan); math.Abs(got-0.001/200) > 1e-15 {
		t.Errorf("%v", got)
	}
}
