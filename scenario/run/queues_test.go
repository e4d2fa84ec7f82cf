package run_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
	"github.com/grpcbench/grpcbench/reports/result"
)

// queueOracle is M/M/c: Poisson arrivals at one backend of c slots of 10 ms on
// average, exponential. Calls in one queue tell less than independent ones: at
// these loads 60,000 of them are within 5 % even in their slowest hundredth.
func queueOracle(w *world, slots int, load string) []finding {
	if raceEnabled {
		w.Skip("60,000 calls")
	}
	const μ = 0.1 // per ms
	r := w.run(w.plan(`
seed: 21
fleet: {backends: 1, concurrency: %d, service_time: {exponential: 10ms}, isolation: inprocess}
client: {pool: {size: 1}, timeout: 60s, retry: none}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: %s}]
trials: 1
warmup: 1s
measure: %ds
`, slots, load, map[int]int{1: 1200, 4: 250}[slots]))
	mustBeExact(w.T, r)
	c := float64(slots)
	λ := r.Variants[0].Loads[0].RatePerS / 1000
	response := r.Variants[0].Trials[0].Series[0].Latency[result.Response]
	above := func(t float64) float64 { // P(T > t)
		b := erlangB(slots, λ/μ)
		waits := b / (1 - λ/(c*μ)*(1-b)) // Erlang C
		θ := c*μ - λ
		return math.Exp(-μ*t) + waits*μ*limit(μ, θ, t)
	}
	name := fmt.Sprintf("M/M/%d at %.0f/s of %.0f: ", slots, 1000*λ, 1000*c*μ)
	found := []finding{{name + "mean ms", meanOf(above), float64(response.MeanNS) / 1e6, 0.05}}
	for _, q := range []struct {
		name string
		q    float64
		got  *int64
	}{{"p50", 0.5, response.P50NS}, {"p90", 0.9, response.P90NS}, {"p99", 0.99, response.P99NS}} {
		found = append(found, finding{name + q.name + " ms", inverse(above, 1-q.q), ms(q.got), 0.05})
	}
	return found
}

// limit is (e^{−μt} − e^{−θt})/(θ − μ), which is t·e^{−μt} where they are equal.
func limit(μ, θ, t float64) float64 {
	if math.Abs(θ-μ) < 1e-9 {
		return t * math.Exp(-μ*t)
	}
	return (math.Exp(-μ*t) - math.Exp(-θ*t)) / (θ - μ)
}

// inverse is the t at which a falling function has come down to p.
func inverse(above func(float64) float64, p float64) float64 {
	low, high := 0.0, 1e6
	for range 100 {
		if middle := (low + high) / 2; above(middle) > p {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// meanOf is the integral of P(T > t), in steps of a hundredth of a ms.
func meanOf(above func(float64) float64) float64 {
	const step = 0.01
	sum := 0.0
	for t := step / 2; t < 2000; t += step {
		sum += above(t) * step
	}
	return sum
}

// erlangB is the loss of c slots offered a Erlang, by its recursion.
func erlangB(c int, a float64) float64 {
	b := 1.0
	for n := 1; n <= c; n++ {
		b = a * b / (float64(n) + a*b)
	}
	return b
}

// ms is a quantile in ms; one that fell on a failed call is no number.
func ms(ns *int64) float64 {
	if ns == nil {
		return math.NaN()
	}
	return float64(*ns) / 1e6
}

// recursionOracle feeds the recursion of Kiefer and Wolfowitz (with one slot,
// Lindley's) the arrivals and service times of a run: responses agree to the
// nanosecond, so mean and maximum, which the result keeps exactly, do. That the
// recursion is theory's is shown beside the fleet, over 10⁷ draws.
func recursionOracle(w *world, slots int) []finding {
	const (
		calls = 3000
		seed  = 42
		mean  = 10 * time.Millisecond
		load  = 0.85
	)
	random := rand.New(rand.NewPCG(seed, uint64(slots)))
	file := filepath.Join(w.TempDir(), "arrivals")
	var lines strings.Builder
	free := make([]time.Duration, slots) // when each slot is free, ascending
	service := servicetime.Choice{Exponential: &servicetime.Exponential{Average: mean}}.Sampler()
	draws := draw.Seed{Seed: seed}
	var due, sum, most time.Duration
	for i := range calls {
		if i > 0 { // the first is at once
			due += time.Duration(random.ExpFloat64() * float64(mean) / (load * float64(slots)))
		}
		fmt.Fprintln(&lines, due)
		id := draw.Hash(fmt.Sprintf("reads/%d", i))
		free[0] = max(free[0], due) + service.Draw(draws.For(draw.Service, 0, id, 1))
		response := free[0] - due
		sum, most = sum+response, max(most, response)
		slices.Sort(free)
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		w.Fatal(err)
	}
	r := w.run(w.plan(`
seed: %d
fleet: {backends: 1, concurrency: %d, service_time: {exponential: %v}, isolation: inprocess}
client: {pool: {size: 1}, timeout: 60s, retry: none}
load: [{name: reads, call: GetUser, arrivals: {replay: {file: %s}}}]
trials: 1
warmup: 0s
measure: %v
`, seed, slots, mean, file, due.Truncate(time.Second)+2*time.Second))
	mustBeExact(w.T, r)
	response := r.Variants[0].Trials[0].Series[0].Latency[result.Response]
	if response.Count != calls {
		w.Errorf("%d calls, want %d", response.Count, calls)
	}
	name := fmt.Sprintf("recursion for c = %d, same draws: ", slots)
	return []finding{
		{name + "mean ms", sum.Seconds() * 1e3 / calls, float64(response.MeanNS) / 1e6, 1e-6},
		{name + "max ms", most.Seconds() * 1e3, float64(response.MaxNS) / 1e6, 1e-9},
	}
}

// lossOracle is M/G/c/c: without a line, calls that find every slot taken are
// refused, by Erlang's B whatever the distribution of the service time is.
func lossOracle(w *world) []finding {
	measure, bound := 60, 0.05
	if raceEnabled {
		measure, bound = 8, 0.15
	}
	r := w.run(w.plan(`
seed: 4
fleet: {backends: 1, concurrency: 4, queue: 0, service_time: {lognormal: {p50: 5ms, p99: 40ms}}, isolation: inprocess}
client: {pool: {size: 1}, timeout: 60s, retry: none}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 75%%}]
trials: 1
warmup: 1s
measure: %ds
`, measure))
	mustBeExact(w.T, r)
	s := r.Variants[0].Trials[0].Series[0]
	return []finding{{"M/G/4/4 at 3 Erlang: share refused", erlangB(4, 3), float64(s.Codes["RESOURCE_EXHAUSTED"]) / float64(s.Planned), bound}}
}

// closedLoopOracle is N/(R + Z): N workers, R the response, Z the think time.
func closedLoopOracle(w *world) []finding {
	r := w.run(w.plan(`
fleet: {backends: 1, service_time: {fixed: 10ms}, isolation: inprocess}
client: {pool: {size: 1}, retry: none}
load: [{name: crew, call: GetUser, workers: 8, think: 40ms}]
trials: 1
warmup: 200ms
measure: 20s
`))
	mustBeExact(w.T, r)
	return []finding{{"8 workers, R 10 ms, Z 40 ms: calls/s", 8 / 0.05, r.Variants[0].Trials[0].Series[0].AchievedPerS, 0.01}}
}

// closedQueueOracle is the same with a line: N workers before one slot. That
// N/(R + Z) holds is the response-time law, whatever R is; what the rate comes to
// is the machine repairman's: μ·(1 − p₀), p₀ = 1/Σ N!/(N−k)!·(1/μZ)^k. It needs
// exponential service, and of think times their mean only.
func closedQueueOracle(w *world) []finding {
	measure, bound := 300, 0.02
	if raceEnabled {
		measure, bound = 40, 0.06
	}
	const workers, μ, z = 8, 100.0, 0.08
	r := w.run(w.plan(`
seed: 5
fleet: {backends: 1, concurrency: 1, service_time: {exponential: 10ms}, isolation: inprocess}
client: {pool: {size: 1}, timeout: 60s, retry: none}
load: [{name: crew, call: GetUser, workers: %d, think: 80ms}]
trials: 1
warmup: 1s
measure: %ds
`, workers, measure))
	mustBeExact(w.T, r)
	s := r.Variants[0].Trials[0].Series[0]
	sum, term := 1.0, 1.0
	for k := range workers {
		term *= float64(workers-k) / (μ * z)
		sum += term
	}
	response := float64(s.Latency[result.Response].MeanNS) / 1e9
	return []finding{
		{"8 workers, one slot, N/(R+Z): calls/s", workers / (response + z), s.AchievedPerS, 0.01},
		{"8 workers, one slot, repairman: calls/s", μ * (1 - 1/sum), s.AchievedPerS, bound},
	}
}
