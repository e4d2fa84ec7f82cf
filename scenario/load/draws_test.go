package load_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// Every arrival of a mix belongs to exactly one of its kinds, in the right
// shares.
func TestThinned(t *testing.T) {
	weights := []float64{80, 0, 15, 5}
	for name, p := range processes() {
		const rate, seconds, seed = 500, 100, 9
		all := offsets(p.Schedule(rate, seed), seconds*time.Second)
		var together []time.Duration
		for kind, w := range weights {
			mine := offsets((&load.Thinned{Of: p, Weights: weights, Kind: kind}).Schedule(rate, seed), seconds*time.Second)
			together = append(together, mine...)
			want := float64(len(all)) * w / 100
			if math.Abs(float64(len(mine))-want) > 4*math.Sqrt(want*(1-w/100)) {
				t.Errorf("%s: %d of kind %d, want %.0f", name, len(mine), kind, want)
			}
		}
		slices.Sort(together)
		if !slices.Equal(all, together) {
			t.Errorf("%s: the kinds together are not the arrivals", name)
		}
	}
	ends := &load.Thinned{Of: nothing{}, Weights: []float64{1, 1}, Kind: 1}
	if at := ends.Schedule(1, 1).Next(); at != math.MaxInt64 {
		t.Errorf("of nothing, a call at %v", at)
	}
}

type nothing struct{}

func (nothing) Schedule(float64, uint64) load.Schedule { return load.Nothing{} }

func TestUniformJitterStaysInItsSlot(t *testing.T) {
	for _, jitter := range []float64{0.1, 1} {
		s := (&load.Uniform{Jitter: jitter}).Schedule(1000, 4)
		var sum float64
		for i := range 50_000 {
			at := s.Next().Seconds()*1000 - float64(i)
			if at < -1e-6 || at > jitter+1e-6 {
				t.Fatalf("call %d is %v slots after its own", i, at)
			}
			sum += at
		}
		if mean := sum / 50_000; math.Abs(mean-jitter/2) > 4*jitter/math.Sqrt(12*50_000) {
			t.Errorf("jitter %v: on average %v into the slot", jitter, mean)
		}
	}
}

func TestBurstsComeAtOnce(t *testing.T) {
	due := offsets((&load.Bursts{Size: 20}).Schedule(1000, 4), 100*time.Second)
	for i, at := range due {
		if at != due[i/20*20] {
			t.Fatalf("call %d is not with its group", i)
		}
	}
	if groups := len(due) / 20; math.Abs(float64(groups)-5000) > 4*math.Sqrt(5000) {
		t.Errorf("%d groups, want 5000", groups)
	}
}

func TestKeys(t *testing.T) {
	const n, draws = 1000, 400_000
	for name, k := range map[string]load.Keys{
		"none": {}, "uniform": {Uniform: new(load.UniformKeys)}, "zipf": {Zipf: &load.Zipf{Exponent: 1}}, "steep": {Zipf: &load.Zipf{Exponent: 1.5}},
	} {
		sample := k.Sampler(n)
		counts := make([]float64, n)
		for i := range uint64(draws) {
			counts[sample(load.Mix(7, i))]++
		}
		weight := func(int) float64 { return 1 }
		if k.Zipf != nil {
			weight = func(i int) float64 { return math.Pow(float64(i+1), -k.Zipf.Exponent) }
		}
		total := 0.0
		for i := range n {
			total += weight(i)
		}
		for _, i := range []int{0, 1, 2, 9, 99} {
			want := draws * weight(i) / total
			if math.Abs(counts[i]-want) > 4.5*math.Sqrt(want) {
				t.Errorf("%s: key %d drawn %.0f times, want %.0f", name, i, counts[i], want)
			}
		}
	}
	for _, e := range []float64{0, -1, 11, math.NaN()} {
		if p := (load.Keys{Zipf: &load.Zipf{Exponent: e}}).Problems(); len(p) != 1 || p[0].Field != "zipf.exponent" {
			t.Errorf("exponent %v: %v", e, p)
		}
	}
}

func TestSizes(t *testing.T) {
	const draws = 200_000
	for name, c := range map[string]struct {
		sizes    load.Sizes
		p50, p99 float64
	}{
		"uniform":     {load.Sizes{Uniform: &load.UniformSize{Min: 1000, Max: 9000}}, 5000, 8920},
		"exponential": {load.Sizes{Exponential: &load.ExponentialSize{Size: 4000}}, 4000 * math.Ln2, 4000 * math.Log(100)},
		"lognormal":   {load.Sizes{Lognormal: &load.LognormalSize{P50: 1024, P99: 65536}}, 1024, 65536},
	} {
		if p := c.sizes.Problems(); p != nil {
			t.Fatal(p)
		}
		sample := c.sizes.Sampler()
		values := make([]int64, draws)
		sum := 0.0
		for i := range values {
			values[i] = sample(load.Mix(3, uint64(i)))
			sum += float64(values[i])
		}
		slices.Sort(values)
		if low, high := values[0], values[draws-1]; low < 0 || high > c.sizes.Largest() {
			t.Errorf("%s: from %d to %d, beyond %d", name, low, high, c.sizes.Largest())
		}
		for q, want := range map[float64]float64{0.5: c.p50, 0.99: c.p99} {
			if got := float64(values[int(q*draws)]); math.Abs(got/want-1) > 0.03 {
				t.Errorf("%s: quantile %v is %v, want %v", name, q, got, want)
			}
		}
		// Capping the lognormal takes some of its mean.
		if mean := sum / draws; math.Abs(mean/float64(c.sizes.Mean())-1) > 0.06 {
			t.Errorf("%s: mean %.0f, want %d", name, mean, c.sizes.Mean())
		}
		if sample(5) != c.sizes.Sampler()(5) {
			t.Errorf("%s is no pure function of the seed", name)
		}
	}
	for field, s := range map[string]load.Sizes{
		"uniform.max":      {Uniform: &load.UniformSize{Min: 2, Max: 1}},
		"uniform.min":      {Uniform: &load.UniformSize{Min: -2, Max: 1}},
		"exponential.mean": {Exponential: &load.ExponentialSize{}},
		"lognormal.p50":    {Lognormal: &load.LognormalSize{P99: 5}},
		"lognormal.p99":    {Lognormal: &load.LognormalSize{P50: 5, P99: 4}},
	} {
		if p := s.Problems(); len(p) != 1 || p[0].Field != field {
			t.Errorf("%s: %v", field, p)
		}
	}
	var none load.Sizes
	if none.Sampler() != nil || none.Mean() != 0 || none.Largest() != 0 || none.String() != "" || none.Name() != "" {
		t.Error("no sizes are some")
	}
}

func TestReadArrivals(t *testing.T) {
	s := time.Second
	for name, c := range map[string]struct {
		text string
		want []time.Duration
		err  string
	}{
		"seconds":   {"# trace\n\n10\n10.5, GET\n 12 x\n", []time.Duration{0, s / 2, 2 * s}, ""},
		"durations": {"1s\n1s\n1m", []time.Duration{0, 0, 59 * s}, ""},
		"times": {"2026-03-01T12:00:00Z\n2026-03-01T12:00:00.25Z\n2026-03-01T13:00:01+01:00\n",
			[]time.Duration{0, s / 4, s}, ""},
		"backwards":   {"3\n2\n", nil, `line 2: "2" is before the line above`},
		"mixed":       {"3\n4s\n", nil, `line 2: "4s" is a duration, where the lines above are each a number of seconds`},
		"no time":     {"3\nsoon\n", nil, `line 2: "soon" is neither`},
		"negative":    {"-3\n", nil, `line 1: "-3" is no time`},
		"nothing":     {"# nothing\n", nil, "holds no arrivals"},
		"not finite":  {"NaN\n", nil, `line 1: "NaN" is no time`},
		"out of time": {"1e300\n", nil, `line 1: "1e300" is no time`},
	} {
		got, err := load.ReadArrivals(strings.NewReader(c.text))
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("%s: %v, %v; want %v, %q", name, got, err, c.want, c.err)
		}
	}
}

func FuzzReadArrivals(f *testing.F) {
	for _, seed := range []string{"1\n2\n", "1s\n5m", "2026-03-01T12:00:00Z\n", "x", "-9223372036854775808ns\n9223372036854775807ns", "0001-01-01T00:00:00Z\n9999-12-31T23:59:59Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := load.ReadArrivals(strings.NewReader(text))
		if (err == nil) != (len(got) > 0) {
			t.Fatalf("%d arrivals, %v", len(got), err)
		}
		if err == nil && (got[0] != 0 || !slices.IsSorted(got)) {
			t.Fatalf("not ascending from zero: %v", got)
		}
	})
}

func TestReplay(t *testing.T) {
	r := &load.Replay{File: arrivalsFile(t, 100), Speed: 4}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	due := offsets(r.Schedule(0, 0), time.Hour)
	if len(due) != 100 || due[99] != 247500*time.Microsecond {
		t.Errorf("%d arrivals, the last at %v", len(due), due[len(due)-1])
	}
	if n, over := r.Len(); n != 100 || over != due[99] {
		t.Errorf("%d arrivals over %v", n, over)
	}
	s := r.Schedule(0, 0)
	for range 100 {
		s.Next()
	}
	if at := s.Next(); at != math.MaxInt64 {
		t.Errorf("after the end, a call at %v", at)
	}
	if err := (&load.Replay{File: "no such file"}).Load(); err == nil {
		t.Error("a missing file is no error")
	}
	if p := new(load.Replay).Validate(); len(p) != 2 {
		t.Errorf("an empty replay: %v", p)
	}
}
