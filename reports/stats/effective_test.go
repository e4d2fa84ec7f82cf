package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// simulated makes one trial of `seconds` at `rate` calls a second: what a run
// records of responses in nanoseconds that next draws.
func simulated(h *result.Histogram, seconds, rate int, next func() float64) (*result.Trial, *result.Series) {
	h.Reset()
	t := &result.Trial{MeasuredNS: int64(seconds) * 1e9}
	for second := range seconds {
		spread := &result.Spread{}
		for range rate {
			ns := next()
			h.Record(int64(ns))
			class := max(0, int(math.Ceil(math.Log2(ns/1000)*4)))
			for len(spread.Counts) <= class {
				spread.Counts = append(spread.Counts, 0)
			}
			spread.Counts[class]++
		}
		t.Intervals = append(t.Intervals, result.Interval{
			Second: second, Series: []result.IntervalSeries{{Name: "reads", OK: int64(rate), Planned: int64(rate), Spread: spread}},
		})
	}
	return t, &result.Series{Name: "reads", Planned: int64(seconds * rate)}
}

// withoutRace skips a long simulation under the race detector: it is one
// goroutine's arithmetic, and takes fifteen times as long there.
func withoutRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("one goroutine's arithmetic")
	}
}

// Processes whose quantiles are known.
func independent(rng *rand.Rand) func() float64 {
	return func() float64 { return 2e6 * math.Exp(0.5*rng.NormFloat64()) }
}

// autoregressive is lognormal, with a logarithm that is a first-order
// autoregression: correlated by rho from call to call.
func autoregressive(rng *rand.Rand, rho float64) func() float64 {
	z := rng.NormFloat64()
	return func() float64 {
		z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		return 2e6 * math.Exp(0.5*z)
	}
}

// queue is the response of an M/M/1 queue with a service time of 1 ms on
// average (Lindley 1952), which is exponential with mean 1/(μ−λ).
func queue(rng *rand.Rand, load float64) func() float64 {
	wait := rng.ExpFloat64() / (1 - load)
	if rng.Float64() >= load {
		wait = 0
	}
	return func() float64 {
		service := rng.ExpFloat64()
		response := wait + service
		wait = max(0, response-rng.ExpFloat64()/load)
		return response * 1e6
	}
}

// How often the interval within a trial holds the true quantile, over 2,000
// trials: with independent calls as often as exact order statistics do, with
// calls that are slow together 93 to 99 %.
func TestCoverageWithinTrials(t *testing.T) {
	withoutRace(t)
	const trials = 2000
	lognormal := func(q float64) float64 { return 2e6 * math.Exp(0.5*normalQuantile(q)) }
	for name, c := range map[string]struct {
		seconds, rate int
		q             float64
		process       func(*rand.Rand) func() float64
		truth         float64
		independent   bool
	}{
		"independent p50":    {20, 60, 0.5, independent, lognormal(0.5), true},
		"independent p99":    {20, 120, 0.99, independent, lognormal(0.99), true},
		"autoregressive p50": {20, 80, 0.5, func(r *rand.Rand) func() float64 { return autoregressive(r, 0.8) }, lognormal(0.5), false},
		"autoregressive p90": {20, 100, 0.9, func(r *rand.Rand) func() float64 { return autoregressive(r, 0.9) }, lognormal(0.9), false},
		"queue at 60 %, p50": {20, 100, 0.5, func(r *rand.Rand) func() float64 { return queue(r, 0.6) }, math.Ln2 / 0.4 * 1e6, false},
		"queue at 60 %, p99": {30, 300, 0.99, func(r *rand.Rand) func() float64 { return queue(r, 0.6) }, -math.Log(0.01) / 0.4 * 1e6, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(c.rate), uint64(c.seconds)))
			h := result.NewHistogram()
			held, naive := 0, 0
			for range trials {
				trial, series := simulated(h, c.seconds, c.rate, c.process(rng))
				n, known := effectiveSize(trial, series, h, c.q)
				if !known || n > float64(series.Planned) {
					t.Fatalf("effective size %v of %d, known %v", n, series.Planned, known)
				}
				if QuantileInterval(h, series.Planned, n, c.q, Level).Contains(c.truth) {
					held++
				}
				if QuantileInterval(h, series.Planned, float64(series.Planned), c.q, Level).Contains(c.truth) {
					naive++
				}
			}
			got := float64(held) / trials
			if !c.independent {
				if got < 0.93 || got > 0.99 {
					t.Errorf("covers %.4f", got)
				}
				// What would be had without an effective size.
				if without := float64(naive) / trials; without > 0.85 {
					t.Errorf("the process is no test: calls taken for independent give %.4f", without)
				}
				return
			}
			want := Coverage(int64(c.seconds*c.rate), c.q, Level)
			if sigma := math.Sqrt(want * (1 - want) / trials); math.Abs(got-want) > 3*sigma {
				t.Errorf("covers %.4f, exactly %.4f ± %.4f", got, want, 3*sigma)
			}
		})
	}
}

// An autoregression with correlation ρ is worth n(1−ρ)/(1+ρ) calls for its
// mean; for the median's indicator the correlations are (2/π)·asin ρⁱ.
func TestEffectiveSize(t *testing.T) {
	const rho = 0.9
	rng := rand.New(rand.NewPCG(3, 9))
	h := result.NewHistogram()
	correlations := 0.0
	for i, r := 1, rho; i < 400; i, r = i+1, r*rho {
		correlations += 2 / math.Pi * math.Asin(r)
	}
	want := 1 / (1 + 2*correlations)
	var sum float64
	const trials = 300
	for range trials {
		trial, series := simulated(h, 30, 200, autoregressive(rng, rho))
		n, _ := effectiveSize(trial, series, h, 0.5)
		sum += float64(series.Planned) / n / trials
	}
	// 1/n is the unbiased side of it, but for (t/z)² of 29 degrees of freedom.
	got := 1 / (sum / math.Pow(studentQuantile(0.975, 29)/normalQuantile(0.975), 2))
	if math.Abs(got/want-1) > 0.08 {
		t.Errorf("worth %.4f of its size, want %.4f", got, want)
	}
}

func TestEffectiveSizeUnknown(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	h := result.NewHistogram()
	trial, series := simulated(h, 7, 100, autoregressive(rng, 0.99))
	if n, known := effectiveSize(trial, series, h, 0.5); known || n != 700 {
		t.Errorf("seven seconds: %v, %v", n, known)
	}
	trial, series = simulated(h, 20, 100, independent(rng))
	trial.Intervals[3].Series[0].Spread = nil
	if n, known := effectiveSize(trial, series, h, 0.5); known || n != 2000 {
		t.Errorf("a second without a spread: %v, %v", n, known)
	}
	series.Planned *= 100 // the p50 is of calls that failed
	if _, known := effectiveSize(trial, series, h, 0.5); known {
		t.Error("a null quantile")
	}
}

// What lasts for longer than a second is seen all the same: the batches are
// not of single seconds where there are many.
func TestBatchesAreJoined(t *testing.T) {
	for in, want := range map[int]int{0: 0, 8: 8, 30: 30, 31: 15, 61: 20, 600: 30} {
		all := make([]Batch, in)
		for i := range all {
			all[i] = Batch{Calls: 2, Over: 1}
		}
		got := joined(all)
		var calls, over float64
		for _, b := range got {
			calls, over = calls+b.Calls, over+b.Over
		}
		if len(got) != want || calls != float64(2*in) || over != float64(in) {
			t.Errorf("%d batches became %d with %v of %v calls, want %d", in, len(got), over, calls, want)
		}
	}
}

func TestWithin(t *testing.T) {
	h := result.NewHistogram()
	trial, series := simulated(h, 20, 100, independent(rand.New(rand.NewPCG(2, 2))))
	summary, err := h.Summarize(series.Planned)
	if err != nil {
		t.Fatal(err)
	}
	series.Latency = map[result.Measure]result.Summary{result.Response: summary}
	n, _ := EffectiveSize(trial, series, 0.5)
	got, ok := Within(trial, series, P50)
	if want := QuantileInterval(h, 2000, n, 0.5, Level); !ok || got != want || !got.Contains(float64(*summary.P50NS)) {
		t.Errorf("%v, %v; want %v", got, ok, want)
	}
	// The same calls, of which it is not known how they hang together.
	short, long := *trial, trial.Intervals
	short.Intervals = long[:7]
	if _, ok := Within(&short, series, P50); ok {
		t.Error("an interval from 7 s")
	}
	short.Intervals, short.MeasuredNS = long, 7_999_999_999
	if _, ok := Within(&short, series, P50); ok {
		t.Error("an interval from less than 8 whole seconds")
	}
	short.MeasuredNS = 8e9
	if _, ok := Within(&short, series, P50); !ok {
		t.Error("no interval from 8 s")
	}
	summary.HDR = "no histogram"
	series.Latency[result.Response] = summary
	if _, ok := Within(trial, series, P50); ok {
		t.Error("an interval of nothing")
	}
}

// Calls that took 2.05 to 2.1 ms, but for one in fifty, all took longer than the
// edge of 2.00 ms that is nearest to their median: the next, of 2.38 ms, tells of
// them.
func TestEffectiveSizeBesideTheEdge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	h := result.NewHistogram()
	steady := func() float64 {
		if rng.IntN(50) == 0 {
			return 5e6
		}
		return 2.05e6 + 5e4*rng.Float64()
	}
	trial, series := simulated(h, 20, 200, steady)
	if n, known := effectiveSize(trial, series, h, 0.5); !known || n < 1000 || n > 4000 {
		t.Errorf("%v of 4,000 calls, known %v", n, known)
	}
	// Without the slow ones they say nothing of each other.
	trial, series = simulated(h, 20, 200, func() float64 { return 2.05e6 + 5e4*rng.Float64() })
	if n, known := effectiveSize(trial, series, h, 0.5); known || n != 4000 {
		t.Errorf("%v of 4,000 calls, known %v", n, known)
	}
}

// Where a quantile lands on failed calls, how failures hang together counts.
func TestEffectiveSizeOfFailures(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 7))
	for name, c := range map[string]struct {
		failed    func(second int) int64 // of 100 calls
		low, high float64                // effective size of 2,000
	}{
		"evenly":      {func(int) int64 { return 4 + int64(rng.IntN(3)) }, 2000, 2000},
		"in a second": {func(second int) int64 { return []int64{0, 100}[second/19] }, 1, 40},
	} {
		h := result.NewHistogram()
		trial, series := simulated(h, 20, 100, independent(rng))
		h.Reset()
		for i := range trial.Intervals {
			second := &trial.Intervals[i].Series[0]
			second.Failed = c.failed(i)
			second.OK -= second.Failed
			next := independent(rng)
			for range second.OK {
				h.Record(int64(next()))
			}
			second.Spread = &result.Spread{Counts: []int64{second.OK}}
		}
		if n, known := effectiveSize(trial, series, h, 0.99); !known || n < c.low || n > c.high {
			t.Errorf("%s: worth %v calls, known %v, want %v to %v", name, n, known, c.low, c.high)
		}
	}
}
