package reports

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// shape is what a fixture's trial looks like.
type shape struct {
	rate     float64 // calls per second
	seconds  int
	p50, p99 time.Duration // of OK calls: lognormal through these two
	failed   float64       // share of planned calls, with code
	code     string
	late     float64 // share of planned calls that are OK, but after the SLO
	attempts float64 // per call
	outage   [2]int  // seconds in which goodput is what is left of it
	left     float64
}

// trial makes one trial. Everything follows from its arguments.
func (s shape) trial(t testing.TB, index, block int, series result.Series) result.Trial {
	t.Helper()
	planned := int64(s.rate * float64(s.seconds))
	failed := int64(math.Round(s.failed * float64(planned)))
	ok := planned - failed
	response, lag := result.NewHistogram(), result.NewHistogram()
	// The same normal quantiles for every trial, a little slower or faster by
	// block: no random numbers, so that the goldens hold.
	wobble := 1 + 0.01*float64(block%5-2)
	sigma := math.Log(float64(s.p99)/float64(s.p50)) / 2.3263
	for i := range ok {
		p := (float64(i) + 0.5) / float64(ok)
		response.Record(int64(wobble * float64(s.p50) * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*p-1))))
		lag.Record(int64(20_000 + 190_000*p*p))
	}
	series.Planned, series.Calls = planned, planned
	series.Codes = map[string]int64{"OK": ok}
	series.Origins = map[result.Origin]int64{}
	if failed > 0 {
		series.Codes[s.code] = failed
		series.Origins[result.OriginTransport] = failed
		series.Errors = []result.ErrorCount{{Code: s.code, Origin: result.OriginTransport, Message: "connect: connection refused", Count: failed}}
	}
	series.Attempts = int64(math.Round(s.attempts * float64(planned)))
	good := ok - int64(math.Round(s.late*float64(planned)))
	series.InSLO = float64(good) / float64(planned)
	series.GoodputPerS = float64(good) / float64(s.seconds)
	series.OfferedPerS, series.AchievedPerS = s.rate, float64(ok)/float64(s.seconds)
	if series.Loop == result.Closed {
		series.OfferedPerS = series.AchievedPerS
	}
	series.Latency = map[result.Measure]result.Summary{
		result.Response: summary(t, response, planned),
		result.Lag:      summary(t, lag, lag.Count()),
	}
	trial := result.Trial{
		Index: index, Block: block, MeasuredNS: int64(s.seconds) * int64(time.Second),
		Validity: result.Validity{Verdict: result.Valid}, State: result.Steady,
		Series: []result.Series{series},
		Fleet:  &result.Fleet{ActualOverAsked: 1.01},
		Client: result.Client{CPUNS: planned * 21_400},
	}
	for second := -2; second < s.seconds+1; second++ {
		in := result.IntervalSeries{Name: series.Name, InSLO: int64(s.rate)}
		if second >= s.outage[0] && second < s.outage[1] {
			in.InSLO = int64(s.rate * s.left)
		}
		if second >= s.seconds {
			in.InSLO = 3 // the drain
		}
		trial.Intervals = append(trial.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{in}})
	}
	return trial
}

func summary(t testing.TB, h *result.Histogram, planned int64) result.Summary {
	t.Helper()
	s, err := h.Summarize(planned)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// trials makes n trials with these blocks.
func (s shape) trials(t testing.TB, n int, series result.Series) []result.Trial {
	var out []result.Trial
	for i := range n {
		out = append(out, s.trial(t, i, i, series))
	}
	return out
}

// evenly spreads the calls of trials with one series over their whole seconds.
func evenly(t testing.TB, trials []result.Trial) []result.Trial {
	t.Helper()
	for i := range trials {
		h, err := trials[i].Series[0].Latency[result.Response].Histogram()
		if err != nil {
			t.Fatal(err)
		}
		all, seconds := h.Spread(), trials[i].MeasuredNS/1e9
		for _, interval := range trials[i].Intervals {
			second := int64(interval.Second)
			if second < 0 || second >= seconds {
				continue
			}
			in := &interval.Series[0]
			in.Spread = &result.Spread{First: all.First}
			for _, n := range all.Counts {
				share := n*(second+1)/seconds - n*second/seconds
				in.Spread.Counts = append(in.Spread.Counts, share)
				in.OK += share
			}
		}
	}
	return trials
}

func base() *result.Result {
	return &result.Result{
		SchemaVersion: result.SchemaVersion,
		Started:       time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Seed:          7,
		Environment:   result.Environment{GOMAXPROCS: 2, CPUs: 2},
		Validity:      result.Validity{Verdict: result.Valid},
		Scenario: result.Scenario{
			SHA256: "5a7c0f3e9d", Trials: 7, MeasureNS: int64(20 * time.Second), Isolation: "process",
		},
	}
}

var (
	outageOnce sync.Once
	outageText []byte
)

// kinds has two load entries, one of them closed-loop streams, pool sizes and
// policies compared, and the rate as a condition.
func kinds(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File, r.Scenario.Trials = "pool-sizes", "pool-sizes.yaml", 3
	r.Scenario.Isolation = "inprocess"
	r.Scenario.MeasureNS = int64(2 * time.Second)
	r.Calibration = calibrated()
	r.Scenario.Dimensions = []result.Dimension{
		{Name: "client.pool.size", Values: []string{"1", "4"}, Baseline: "1"},
		{Name: "client.balance", Values: []string{"round_robin", "pick_first"}, Baseline: "round_robin"},
		{Name: "load.reads.rate", Values: []string{"200/s", "2000/s"}},
	}
	loads := []result.Load{
		{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open,
			Arrivals: "constant", RatePerS: 200, TimeoutNS: 30e9},
		{
			Name: "sync", Method: "user.v1.UserService/SyncUsers", Kind: result.BidiStream, Loop: result.Closed, Workers: 8,
			Messages: 10, RequestB: 1024, ThinkNS: 5e6, SLONS: 50e6,
		},
	}
	unary := result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open}
	bidi := result.Series{Name: "sync", Method: "user.v1.UserService/SyncUsers", Kind: result.BidiStream, Loop: result.Closed}
	for _, rate := range []string{"200/s", "2000/s"} {
		for i, size := range []string{"1", "4"} {
			for j, balance := range []string{"round_robin", "pick_first"} {
				reads := shape{rate: 200, seconds: 2, attempts: 1}
				if rate == "2000/s" {
					reads.rate = 2000
				}
				reads.p50 = time.Duration(410+20*i-30*j) * time.Microsecond
				reads.p99 = time.Duration(905-130*i+9*j) * time.Microsecond
				sync := shape{rate: 300 + 100*float64(i), seconds: 2, p50: 4 * time.Millisecond, attempts: 1}
				sync.p99 = time.Duration(38-3*j) * time.Millisecond
				v := result.Variant{
					Name:     fmt.Sprintf("pool.size=%s,balance=%s,rate=%s", size, balance, rate),
					Settings: map[string]string{"client.pool.size": size, "client.balance": balance, "load.reads.rate": rate},
					Trials:   reads.trials(t, 3, unary),
				}
				v.Loads = slices.Clone(loads)
				v.Loads[0].RatePerS = reads.rate
				streams := sync.trials(t, 3, bidi)
				for k := range v.Trials {
					v.Trials[k].Series = append(v.Trials[k].Series, streams[k].Series...)
				}
				r.Variants = append(r.Variants, v)
			}
		}
	}
	return r
}

// interrupted is partial and INVALID: one variant has fewer trials, one none,
// one fails every call, one's generator was late.
func interrupted(t testing.TB) *result.Result {
	r := outage(t)
	r.Partial = true
	r.Variants[3].Trials = nil
	overload := shape{rate: 500, seconds: 20, failed: 1, code: "RESOURCE_EXHAUSTED", attempts: 3, outage: [2]int{0, 20}}
	r.Variants[2].Trials = overload.trials(t, 3, result.Series{
		Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open,
	})
	r.Variants[2].Trials[1].State = result.Saturated
	last := shape{rate: 500, seconds: 1, p50: 2 * time.Millisecond, p99: 10 * time.Millisecond, attempts: 1}
	r.Variants[1].Trials = append(r.Variants[1].Trials[:3], last.trial(t, 3, 3, r.Variants[1].Trials[0].Series[0]))
	r.Variants[1].Trials[3].Series[0].Errors = nil
	r.Variants[1].Trials[3].Partial = true
	r.Variants[1].Trials[0].State = result.NotRecovered
	r.Variants[1].Trials[0].Series[0].Unfinished++ // breaks the books
	late := result.Reason{
		Code: "lag_p99", Verdict: result.Invalid, Figure: 14.2e6, Limit: 10e6,
		Detail: "backoff=fixed, block 1: reads: calls left late by up to 14.2ms (p99); the limit is 10ms",
	}
	books := result.Reason{
		Code: "books_calls", Verdict: result.Invalid, Figure: 1,
		Detail: "backoff=fixed, block 1: reads: calls 10000 ≠ codes 10000 + unfinished 1",
	}
	for _, reason := range []result.Reason{late, books} {
		r.Variants[1].Trials[0].Validity.Add(reason)
		r.Validity.Add(reason)
	}
	return r
}

// paced compares streams whose messages have their own times in two of three
// variants; another entry has none.
func paced(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File, r.Scenario.MeasureNS = "feeds", "feeds.yaml", int64(20*time.Second)
	r.Scenario.Dimensions = []result.Dimension{{Name: "feed", Values: []string{"plain", "keepalive", "unpaced"}, Baseline: "plain"}}
	feed := result.Series{Name: "feed", Method: "user.v1.UserService/SyncUsers", Kind: result.BidiStream, Loop: result.Open}
	reads := result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open}
	for i, name := range r.Scenario.Dimensions[0].Values {
		load := result.Load{Name: "feed", Method: feed.Method, Kind: feed.Kind, Loop: feed.Loop, Arrivals: "poisson", RatePerS: 20,
			TimeoutNS: 30e9, Messages: 60, MessageEveryNS: int64(50 * time.Millisecond)}
		streams := shape{rate: 20, seconds: 20, p50: 2953 * time.Millisecond, p99: 2971 * time.Millisecond, attempts: 1}
		if name == "unpaced" {
			load.MessageEveryNS = 0
			streams.p50, streams.p99 = 190*time.Millisecond, 240*time.Millisecond
		}
		v := result.Variant{
			Name: "feed=" + name, Settings: map[string]string{"feed": name}, Trials: streams.trials(t, 7, feed),
			Loads: []result.Load{load, {Name: "reads", Method: reads.Method, Kind: reads.Kind, Loop: reads.Loop, Arrivals: "constant", RatePerS: 200, SLONS: 20e6}},
		}
		unary := shape{rate: 200, seconds: 20, p50: 2 * time.Millisecond, p99: 9 * time.Millisecond, attempts: 1}.trials(t, 7, reads)
		// What the messages took is drawn as the responses of calls are.
		messages := shape{rate: 1200, seconds: 20, p50: 2100 * time.Microsecond, p99: time.Duration(14-5*i) * time.Millisecond}.trials(t, 7, feed)
		for j := range v.Trials {
			if load.MessageEveryNS > 0 {
				v.Trials[j].Series[0].Latency[result.MessageResponse] = messages[j].Series[0].Latency[result.Response]
			}
			v.Trials[j].Series = append(v.Trials[j].Series, unary[j].Series...)
		}
		r.Variants = append(r.Variants, v)
	}
	return r
}

// single has one variant and nothing to compare, against a target.
func single(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.Trials, r.Scenario.MeasureNS = "one", 1, int64(10*time.Second)
	r.Scenario.Isolation, r.Scenario.Target = "target", "dns:///payments.internal:443"
	loads := []result.Load{{
		Name: "lists", Method: "user.v1.UserService/ListUsers", Kind: result.ServerStream, Loop: result.Open,
		Arrivals: "constant", RatePerS: 30, SLONS: int64(time.Second), Messages: 20, ResponseB: 1536,
	}}
	s := shape{rate: 30, seconds: 10, p50: 1200 * time.Millisecond, p99: 2900 * time.Millisecond, attempts: 1, late: 0.7}
	v := result.Variant{Name: "default", Loads: loads, Trials: evenly(t, s.trials(t, 1, result.Series{
		Name: "lists", Method: "user.v1.UserService/ListUsers", Kind: result.ServerStream, Loop: result.Open,
	}))}
	v.Trials[0].Fleet = nil
	r.Variants = append(r.Variants, v)
	r.Validity.Add(result.Reason{
		Code: "generator_cpu", Verdict: result.Suspect, Figure: 0.87, Limit: 0.8,
		Detail: "the load generator used 87 % of its cores: it may be what was measured",
	})
	return r
}

var getUser = result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open}

// matrix is every combination of two settings, of which one matters, with
// trials that differ from each other as real ones do.
func matrix(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File, r.Scenario.MeasureNS = "matrix", "matrix.yaml", int64(10*time.Second)
	r.Scenario.Dimensions = []result.Dimension{
		{Name: "client.pool.size", Values: []string{"1", "4"}, Baseline: "1"},
		{Name: "backoff", Values: []string{"fixed", "linear"}, Baseline: "fixed"},
	}
	for i, size := range r.Scenario.Dimensions[0].Values {
		for j, backoff := range r.Scenario.Dimensions[1].Values {
			v := result.Variant{
				Name: "pool.size=" + size + ",backoff=" + backoff, Settings: map[string]string{"client.pool.size": size, "backoff": backoff},
				Loads: []result.Load{{Name: "reads", Method: getUser.Method, Kind: result.Unary, Loop: result.Open, Arrivals: "poisson", RatePerS: 400, SLONS: 12e6}},
			}
			for block := range 7 {
				// No random numbers, so that the goldens hold.
				noise := func(n int) float64 { return math.Sin(float64(1 + 7*block + 13*(2*i+j) + 5*n)) }
				s := shape{rate: 400, seconds: 10, p50: 2 * time.Millisecond, attempts: 1}
				s.p99 = time.Duration((9.8e6 - 4e6*float64(i)) * (1 + 0.02*noise(0)))
				s.late = 0.006 - 0.004*float64(i) + 0.0005*noise(1)
				v.Trials = append(v.Trials, s.trial(t, block, block, getUser))
			}
			r.Variants = append(r.Variants, v)
		}
	}
	return r
}

// gated is the main fixture, judged by gates of every outcome.
func gated(t testing.TB) *result.Result {
	r := outage(t)
	v := func(x float64) *float64 { return &x }
	one := func(variant string, o result.GateOutcome, figure, low, high *float64, reason string) result.GateCase {
		return result.GateCase{Variant: "backoff=" + variant, Load: "reads", Outcome: o, Trials: 7, Figure: figure, Low: low, High: high, Reason: reason}
	}
	failed := one("none", result.GateFailed, nil, nil, nil, "")
	failed.OnFailed = true
	whole := one("fixed", result.GatePassed, v(1.12), nil, nil, "")
	whole.Load = ""
	r.Gates = []result.Gate{
		{
			Text: "in_slo{variant=exponential} > 99%", Outcome: result.GatePassed, Metric: "in_slo", Unit: "share", Op: ">", Limit: 0.99,
			Cases: []result.GateCase{one("exponential", result.GatePassed, v(0.9995), nil, nil, "")},
		},
		{
			Text: "p99 < 100ms", Outcome: result.GateFailed, Metric: "p99", Unit: "ns", Op: "<", Limit: 100e6,
			Cases: []result.GateCase{
				failed, one("fixed", result.GateInconclusive, v(99e6), v(97.5e6), v(101e6), ""),
				one("immediate", result.GatePassed, v(14.2e6), v(14e6), v(14.5e6), ""), one("exponential", result.GateInconclusive, v(98.6e6), v(97e6), nil, ""),
			},
		},
		{
			Text: "p99 <= baseline + 5%", Outcome: result.GateInconclusive, Metric: "p99", Unit: "ns", Op: "<=", Reference: "baseline", Compared: "ratio", Limit: 1.05, Comparisons: 3,
			Cases: []result.GateCase{
				one("none", result.GateInconclusive, nil, nil, nil, "p99 lands on failed calls in trials of both it and backoff=fixed"),
				one("immediate", result.GatePassed, v(0.14), v(0.13), v(0.15), ""), one("exponential", result.GateInconclusive, v(1.01), v(0.93), v(1.08), ""),
			},
		},
		{
			Text: "errors <= @main + 0.1pp", Outcome: result.GateInconclusive, Metric: "errors", Unit: "share", Op: "<=", Reference: "main", Compared: "difference", Limit: 0.001,
			Reason: "@main is of something else: CPU: Z80 before, 6502 now", Cases: []result.GateCase{},
		},
		{Text: "imbalance{variant=fixed} < 1.5", Outcome: result.GatePassed, Metric: "imbalance", Unit: "number", Op: "<", Limit: 1.5, Cases: []result.GateCase{whole}},
		{Text: nasty, Outcome: nasty, Reason: nasty, Metric: nasty, Unit: nasty, Op: nasty, Cases: []result.GateCase{
			{Variant: nasty, Load: nasty, Outcome: result.GateFailed, Figure: v(1), Reason: nasty},
		}},
	}
	return r
}

// twins has two load entries that call the same method, and backends that join and
// leave. Its baseline does best.
func twins(t testing.TB) *result.Result {
	r := charted(t)
	r.Scenario.Name, r.Scenario.File, r.Scenario.Document = "twins", "twins.yaml", ""
	r.Scenario.Dimensions[0].Values = []string{"fixed", "none"}
	r.Variants = []result.Variant{r.Variants[1], r.Variants[0]}
	for i := range r.Variants {
		v := &r.Variants[i]
		v.Faults = []result.FaultWindow{}
		v.Churn = []result.Churn{{AtNS: int64(5 * time.Second), Members: []int{0, 2}}, {AtNS: int64(8 * time.Second), Members: []int{0, 1, 2}}}
		polls := v.Loads[0]
		polls.Name, polls.SLONS = "polls", int64(500*time.Millisecond)
		v.Loads = append(v.Loads, polls)
		for j := range v.Trials {
			trial := &v.Trials[j]
			trial.State, trial.RecoveryNS = result.Steady, nil
			again := trial.Series[0]
			again.Name, again.InSLO = "polls", again.InSLO-0.01
			trial.Series = append(trial.Series, again)
			for k := range trial.Intervals {
				one := trial.Intervals[k].Series[0]
				one.Name = "polls"
				trial.Intervals[k].Series = append(trial.Intervals[k].Series, one)
			}
		}
	}
	return r
}

// fixtures are the results that every format is tested with.
// calibrated is what a harness adds on some machine.
func calibrated() *result.Calibration {
	return &result.Calibration{
		RatePerS: 2000, Calls: 398, LagP50NS: 61_439, LagP99NS: 141_311, ResponseP50NS: 62_463, ResponseP99NS: 143_359, CallNS: 412.5, ClockNS: 31,
	}
}

func fixtures() map[string]func(testing.TB) *result.Result {
	return map[string]func(testing.TB) *result.Result{
		"outage": outage, "kinds": kinds, "paced": paced, "interrupted": interrupted, "single": single,
		"hostile": hostile, "wide": wide, "long": long,
		"overlays": overlays, "faulty": faulty, "overload": overload, "never": never, "matrix": matrix, "gated": gated, "twins": twins,
		"capacity": capacities, "capacity-half": halfCapacities, "scalability": scalabilities,
		"empty": func(testing.TB) *result.Result { return base() },
	}
}
