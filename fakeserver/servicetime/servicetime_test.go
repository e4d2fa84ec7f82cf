package servicetime_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

const ms = time.Millisecond

func ptr[T any](v T) *T { return &v }

// all is every distribution with its mean (0: not checked against a formula of
// the test's own) and points of its distribution function.
var all = []struct {
	name   string
	choice servicetime.Choice
	mean   float64 // milliseconds
	points map[float64]float64
}{
	{"fixed", servicetime.Choice{Fixed: &servicetime.Fixed{Time: 2 * ms}}, 2, nil},
	{"uniform", servicetime.Choice{Uniform: &servicetime.Uniform{Min: ms, Max: 3 * ms}}, 2,
		map[float64]float64{0.25: 1.5, 0.5: 2, 0.9: 2.8}},
	{"normal", servicetime.Choice{Normal: &servicetime.Normal{Center: 5 * ms, StdDev: ms}}, 5,
		map[float64]float64{0.5: 5, 0.8413447: 6, 0.1586553: 4}},
	// Half of the curve is cut off at mean ≈ 0: the half-normal's mean is
	// σ√(2/π), its median 0.6745σ.
	{"normal", servicetime.Choice{Normal: &servicetime.Normal{Center: 1, StdDev: ms}}, math.Sqrt(2 / math.Pi),
		map[float64]float64{0.5: 0.67449, 0.9: 1.64485}},
	{"exponential", servicetime.Choice{Exponential: &servicetime.Exponential{Average: 2 * ms}}, 2,
		map[float64]float64{0.5: 2 * math.Ln2, 0.99: 2 * math.Log(100)}},
	{"lognormal", servicetime.Choice{Lognormal: &servicetime.Lognormal{P50: 2 * ms, P99: 12 * ms}},
		2 * math.Exp(math.Pow(math.Log(6)/2.3263478740408408, 2)/2), map[float64]float64{0.5: 2, 0.99: 12}},
	// σ = 1.2 and a mean of 3 ms: p99 is 3·exp(1.2·z − 1.2²/2).
	{"lognormal", servicetime.Choice{Lognormal: &servicetime.Lognormal{Average: 3 * ms, P99: 23_817_460}}, 3,
		map[float64]float64{0.5: 3 * math.Exp(-0.72), 0.99: 23.81746}},
	{"lognormal", servicetime.Choice{Lognormal: &servicetime.Lognormal{Median: 2 * ms, Sigma: 0.5}}, 2 * math.Exp(0.125),
		map[float64]float64{0.5: 2, 0.8413447: 2 * math.Exp(0.5)}},
	{"pareto", servicetime.Choice{Pareto: &servicetime.Pareto{Min: ms, Alpha: 3}}, 1.5,
		map[float64]float64{0.5: math.Cbrt(2), 0.99: math.Cbrt(100)}},
	// ∫ t·α t^(−α−1) dt from 1 to 10, and the atom 10·10^(−α).
	{"pareto", servicetime.Choice{Pareto: &servicetime.Pareto{Min: ms, Alpha: 1.5, Max: 10 * ms}}, 3*(1-math.Pow(10, -0.5)) + math.Pow(10, -0.5),
		map[float64]float64{0.5: math.Pow(2, 1/1.5), 0.999: 10}},
	{"mixture", mixture(9, servicetime.Choice{Fixed: &servicetime.Fixed{Time: ms}}, 1, servicetime.Choice{Exponential: &servicetime.Exponential{Average: 20 * ms}}),
		2.9, map[float64]float64{0.5: 1}},
	{"quantiles", servicetime.Choice{Quantiles: &servicetime.Quantiles{File: "read", Points: []servicetime.Point{{P: 0.1, Time: ms}, {P: 0.5, Time: 3 * ms}, {P: 0.9999, Time: 50 * ms}}}}, 0,
		map[float64]float64{0.1: 1, 0.5: 3, 0.9999: 50}},
	{"quantiles", servicetime.Choice{Quantiles: &servicetime.Quantiles{P50: ptr(3 * ms), P90: ptr(8 * ms), P99: ptr(40 * ms), P999: ptr(100 * ms)}}, 0,
		map[float64]float64{0.5: 3, 0.9: 8, 0.99: 40, 0.999: 100}},
	{"quantiles", servicetime.Choice{Quantiles: &servicetime.Quantiles{Min: ptr(time.Duration(0)), P50: ptr(3 * ms), P95: ptr(3 * ms), Max: ptr(3 * ms)}}, 3,
		map[float64]float64{0.1: 3, 0.5: 3, 0.99: 3}},
}

func mixture(w1 float64, c1 servicetime.Choice, w2 float64, c2 servicetime.Choice) servicetime.Choice {
	return servicetime.Choice{Mixture: &servicetime.Mixture{Parts: []servicetime.Part{{Weight: w1, Time: c1}, {Weight: w2, Time: c2}}}}
}

func TestSamplesFollowTheory(t *testing.T) {
	const n = 200_000
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			if err := c.choice.Validate(); err != nil {
				t.Fatal(err)
			}
			if got := c.choice.Name(); got != c.name {
				t.Errorf("Name() = %q", got)
			}
			draws := make([]float64, n)
			var sum, squares float64
			sampler := c.choice.Sampler()
			for i := range draws {
				d := sampler.Draw(draw.Seed{Seed: 1}.For(draw.Service, 0, uint64(i), 1))
				if d < 0 {
					t.Fatalf("drew %v", d)
				}
				draws[i] = float64(d) / float64(ms)
				sum += draws[i]
				squares += draws[i] * draws[i]
			}
			slices.Sort(draws)
			mean := sum / n
			se := math.Sqrt(math.Max(squares/n-mean*mean, 0) / n)
			if want := float64(c.choice.Mean()) / float64(ms); math.Abs(mean-want) > 4*se+1e-6 {
				t.Errorf("sample mean %g, Mean() %g, standard error %g", mean, want, se)
			}
			if got := float64(c.choice.Mean()) / float64(ms); c.mean > 0 && math.Abs(got-c.mean) > 1e-5*c.mean+1e-6 {
				t.Errorf("Mean() = %g ms, want %g", got, c.mean)
			}
			for p, want := range c.points {
				// The share of draws at or below the quantile is p, within 4
				// standard errors; at an atom it may be more.
				below, _ := slices.BinarySearch(draws, want*(1-1e-6))
				upTo, _ := slices.BinarySearch(draws, want*(1+1e-6))
				slack := 4 * math.Sqrt(p*(1-p)/n)
				if low, high := float64(below)/n, float64(upTo)/n; low > p+slack || high < p-slack {
					t.Errorf("%g ms is quantile %g to %g, want %g ± %g", want, low, high, p, slack)
				}
			}
			if random := draws[0] != draws[n-1]; random && !c.choice.Random() {
				t.Error("Random() = false but draws differ")
			}
		})
	}
}

func TestVectors(t *testing.T) {
	for i, want := range []string{"2ms", "1.78ms", "4.72ms", "510µs", "988µs", "1.612ms", "1.044ms", "1.739ms", "1.179ms", "1.39ms", "1ms", "2.36ms", "2.422ms", "3ms"} {
		d := all[i].choice.Distribution().Draw(draw.StreamOf(7)).Round(time.Microsecond)
		if got := d.String(); got != want {
			t.Errorf("%s (%d) = %s, want %s", all[i].name, i, got, want)
		}
	}
}

func TestQuantilesStayWithinBounds(t *testing.T) {
	draws := func(q *servicetime.Quantiles) (least, most time.Duration) {
		c := servicetime.Choice{Quantiles: q}
		least = math.MaxInt64
		for i := range 200_000 {
			d := c.Sampler().Draw(draw.StreamOf(uint64(i)))
			least, most = min(least, d), max(most, d)
		}
		return least, most
	}
	wild := servicetime.Quantiles{P50: ptr(ms), P75: ptr(30 * ms)}
	if least, most := draws(&wild); least != ms/10 || most != 300*ms {
		t.Errorf("without bounds %v to %v, want 100µs to 300ms", least, most)
	}
	wild.Min, wild.Max = ptr(ms/2), ptr(50*ms)
	if least, most := draws(&wild); least != ms/2 || most != 50*ms {
		t.Errorf("with bounds %v to %v, want 500µs to 50ms", least, most)
	}
}

func TestTwoQuantilesAreLognormal(t *testing.T) {
	l := servicetime.Lognormal{P50: 2 * ms, P99: 12 * ms}
	q := servicetime.Quantiles{P50: ptr(2 * ms), P99: ptr(12 * ms)}
	for i := range uint64(1000) {
		a, b := l.Draw(draw.StreamOf(i)), q.Draw(draw.StreamOf(i))
		a = min(max(a, l.P50/10), l.P99*10)
		if d := a - b; d < -1 || d > 1 {
			t.Fatalf("draw %d: %v and %v", i, a, b)
		}
	}
}

func TestNoDistribution(t *testing.T) {
	var none servicetime.Choice
	if none.Name() != "" || none.Mean() != 0 || none.Random() || none.Sampler() != nil || none.Validate() != nil {
		t.Error("the empty choice must be no time at all")
	}
}

func TestExtremesDoNotOverflow(t *testing.T) {
	for i := range uint64(1000) {
		l := servicetime.Lognormal{P50: 1, P99: math.MaxInt64}
		e := servicetime.Exponential{Average: math.MaxInt64}
		if l.Draw(draw.StreamOf(i)) < 0 || e.Draw(draw.StreamOf(i)) < 0 {
			t.Fatal("a draw overflowed")
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		choice servicetime.Choice
		want   string // field: message, one a line
	}{
		{servicetime.Choice{Fixed: &servicetime.Fixed{}}, "fixed: must be > 0 (got 0s)"},
		{servicetime.Choice{Exponential: &servicetime.Exponential{Average: -ms}}, "exponential: must be > 0 (got -1ms)"},
		{servicetime.Choice{Uniform: &servicetime.Uniform{Min: -ms}}, "uniform.min: must be >= 0 (got -1ms)\nuniform.max: must be > 0 (got 0s)"},
		{servicetime.Choice{Uniform: &servicetime.Uniform{Min: 3 * ms, Max: ms}}, "uniform.max: must be >= min, 3ms (got 1ms)"},
		{servicetime.Choice{Normal: &servicetime.Normal{StdDev: -1}}, "normal.mean: must be > 0 (got 0s)\nnormal.stddev: must be >= 0 (got -1ns)"},
		{servicetime.Choice{Lognormal: &servicetime.Lognormal{}}, "lognormal.p50: must be > 0 (got 0s)\nlognormal.p99: must be > 0 (got 0s)"},
		{servicetime.Choice{Lognormal: &servicetime.Lognormal{P50: 2 * ms, P99: ms}}, "lognormal.p99: must be >= p50, 2ms (got 1ms)"},
		{servicetime.Choice{Quantiles: &servicetime.Quantiles{P50: ptr(ms), Max: ptr(ms)}},
			"quantiles: must give at least two of p50, p75, p90, p95, p99, p99.9 (got 1)"},
		{servicetime.Choice{Quantiles: &servicetime.Quantiles{Min: ptr(2 * ms), P50: ptr(ms), P99: ptr(-ms), Max: ptr(ms)}},
			"quantiles.p50: must be >= min, 2ms (got 1ms)\nquantiles.p99: must be > 0 (got -1ms)"},
		{servicetime.Choice{Fixed: &servicetime.Fixed{Time: 1}, Exponential: &servicetime.Exponential{Average: 1}}, ": must be one distribution (got 2)"},
		{servicetime.Choice{Lognormal: &servicetime.Lognormal{Average: ms, P99: 15 * ms}},
			"lognormal.p99: must be from 1 to 15.0 times the mean, 1ms: no lognormal distribution has both (got 15ms)"},
		{servicetime.Choice{Lognormal: &servicetime.Lognormal{Average: 2 * ms, P99: ms}},
			"lognormal.p99: must be from 1 to 15.0 times the mean, 2ms: no lognormal distribution has both (got 1ms)"},
		{servicetime.Choice{Lognormal: &servicetime.Lognormal{Average: 2 * ms, P99: 4 * ms, P50: ms}},
			"lognormal.p50: must be left out: mean and p99 say it all"},
		{servicetime.Choice{Lognormal: &servicetime.Lognormal{Sigma: 9, P99: ms}},
			"lognormal.median: must be > 0 (got 0s)\nlognormal.sigma: must be from 0 to 8 (got 9)\nlognormal.p99: must be left out: median and sigma say it all"},
		{servicetime.Choice{Pareto: &servicetime.Pareto{Min: ms, Alpha: 1, Max: 1}},
			"pareto.alpha: must be > 1, or the mean were infinite (got 1)\npareto.max: must be >= min, 1ms (got 1ns)"},
		{mixture(0, servicetime.Choice{}, 1, servicetime.Choice{Fixed: &servicetime.Fixed{}}),
			"mixture[0].weight: must be > 0 (got 0)\nmixture[0].time: must be a distribution, such as {fixed: 1ms}\nmixture[1].time.fixed: must be > 0 (got 0s)"},
		{servicetime.Choice{Quantiles: &servicetime.Quantiles{File: "x.csv"}}, ""},
		{servicetime.Choice{Quantiles: &servicetime.Quantiles{File: "x.csv", P50: ptr(ms)}},
			"quantiles.file: must be alone: the quantiles are in the file, or written here, not both"},
	} {
		if got := render(c.choice.Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func render(err error) string {
	if err == nil {
		return ""
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var lines []string
		for _, e := range joined.Unwrap() {
			lines = append(lines, render(e))
		}
		return strings.Join(lines, "\n")
	}
	return err.(interface{ Field() string }).Field() + ": " + err.Error()
}

// Every kind says what it is, shows an example, and refuses to be empty.
func TestEveryKind(t *testing.T) {
	choice := reflect.TypeFor[servicetime.Choice]()
	for i := range choice.NumField() {
		f := choice.Field(i)
		for _, tag := range []string{"yaml", "doc", "example"} {
			if f.Tag.Get(tag) == "" {
				t.Errorf("%s has no %s", f.Name, tag)
			}
		}
		d, ok := reflect.New(f.Type.Elem()).Interface().(servicetime.Distribution)
		if !ok {
			t.Errorf("%s is no Distribution", f.Name)
			continue
		}
		if d.Validate() == nil {
			t.Errorf("an empty %s is valid", f.Name)
		}
	}
}
