package load_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/scenario/load"
)

func factor(f float64) *float64 { return &f }

func shapes() map[string]load.Shape {
	stages := []load.Stage{
		{For: 2 * time.Second, At: factor(0)}, {For: 3 * time.Second, To: factor(1.5)}, {For: time.Second, At: factor(0.2)},
		{For: 500 * time.Millisecond, At: factor(0)}, {For: 4 * time.Second, To: factor(2)}, {For: time.Second, To: factor(0)}, {For: time.Second, At: factor(0.5)},
	}
	return map[string]load.Shape{
		"ramp":       {Ramp: &load.Ramp{From: 0, To: 1, Over: 10 * time.Second}},
		"late ramp":  {Ramp: &load.Ramp{From: 1.2, To: 0.1, At: 3 * time.Second, Over: 4 * time.Second}},
		"ramp to 0":  {Ramp: &load.Ramp{From: 1, To: 0, Over: 12 * time.Second}},
		"steps":      {Steps: &load.Steps{From: 0.2, To: 1, Count: 5, Every: 2 * time.Second}},
		"steps down": {Steps: &load.Steps{From: 1, To: 0.4, Count: 3, Every: 3 * time.Second}},
		"spike":      {Spike: &load.Spike{Times: 5, At: 4 * time.Second, For: time.Second}},
		"pause":      {Spike: &load.Spike{Times: 0, At: 4 * time.Second, For: 2 * time.Second}},
		"sine":       {Sine: &load.Sine{Period: 7 * time.Second, Swing: 0.5}},
		"whole sine": {Sine: &load.Sine{Period: 3 * time.Second, Swing: 1}},
		"stages":     {Stages: &load.Stages{List: stages}},
	}
}

// The area is the integral of the factor, the inverse that of the area, and
// Reaches is where the factor comes to stand.
func TestProfiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for name, s := range shapes() {
		t.Run(name, func(t *testing.T) {
			if p := s.Problems(); p != nil {
				t.Fatal(p)
			}
			p := s.Profile()
			// The midpoint rule, in steps that divide every stage.
			const step = 1e-3
			sum, peak := 0.0, 0.0
			for i := range 20_000 {
				at := (float64(i) + 0.5) * step
				f := p.Factor(at)
				if f < 0 || f > p.Peak()+1e-12 {
					t.Fatalf("factor %v at %v", f, at)
				}
				peak = max(peak, f)
				sum += f * step
				if i%500 == 499 && math.Abs(p.Area(float64(i+1)*step)-sum) > 1e-5 {
					t.Fatalf("area to %v: %v, want %v", float64(i+1)*step, p.Area(float64(i+1)*step), sum)
				}
			}
			if math.Abs(peak-p.Peak()) > 0.01 {
				t.Errorf("peak %v, want %v", p.Peak(), peak)
			}
			for range 150 {
				area := rng.Float64() * p.Area(18)
				at := p.Inverse(area)
				if got := p.Area(at); math.Abs(got-area) > 1e-9 {
					t.Fatalf("the area up to the inverse of %v is %v", area, got)
				}
				from, level := rng.Float64()*20, rng.Float64()*p.Peak()*1.1
				reached := p.Reaches(from, level)
				want := math.Inf(1)
				for at := from; at < 60; at += 2e-3 {
					if p.Factor(at) >= level {
						want = at
						break
					}
				}
				if math.Abs(reached-want) > 4e-3 && !(math.IsInf(want, 1) && (math.IsInf(reached, 1) || math.Abs(p.Factor(reached)-level) < 1e-3)) {
					t.Fatalf("from %v on %v is reached at %v, want %v", from, level, reached, want)
				}
			}
		})
	}
}

// The number of calls is the integral of the rate: exactly for a metronome,
// within the noise of the process for the others.
func TestShapedCounts(t *testing.T) {
	processes := map[string]struct {
		process load.Process
		spread  float64 // variance of the count ÷ its mean
	}{
		"constant": {new(load.Constant), 0}, "poisson": {new(load.Poisson), 1}, "uniform": {&load.Uniform{Jitter: 1}, 0},
		"bursts": {&load.Bursts{Size: 7}, 7},
	}
	for name, shape := range shapes() {
		profile := shape.Profile()
		for kind, c := range processes {
			for _, rate := range []float64{0.7, 30, 2000} {
				due := offsets(load.Shaped(c.process, rate, profile, 3), 15*time.Second)
				if !slices.IsSorted(due) || len(due) > 0 && due[0] < 0 {
					t.Errorf("%s %s at %v/s: not ascending from zero", name, kind, rate)
				}
				for _, until := range []float64{1, 2.5, 4.9, 8, 15} {
					n, _ := slices.BinarySearch(due, time.Duration(until*1e9))
					want := rate * profile.Area(until)
					if tolerance := 1.001 + 4.5*math.Sqrt(want*c.spread) + 3*c.spread; math.Abs(float64(n)-want) > tolerance {
						t.Errorf("%s %s at %v/s: %d calls in %v s, want %.1f ± %.1f", name, kind, rate, n, until, want, tolerance)
					}
				}
				if again := offsets(load.Shaped(c.process, rate, profile, 3), 15*time.Second); !slices.Equal(due, again) {
					t.Errorf("%s %s at %v/s: not a pure function of shape and seed", name, kind, rate)
				}
			}
		}
	}
}

// A metronome's n-th call on a ramp from 0 is due when rate·t²/2T = n, to the
// nanosecond.
func TestShapedIsExact(t *testing.T) {
	ramp := load.Shape{Ramp: &load.Ramp{To: 1, Over: 10 * time.Second}}
	s := load.Shaped(new(load.Constant), 1000, ramp.Profile(), 0)
	for n := range 5000 {
		want := time.Duration(math.Round(math.Sqrt(2*10*float64(n)/1000) * 1e9))
		if got := s.Next(); got < want-1 || got > want+1 {
			t.Fatalf("call %d is due at %d, want %d", n, got, want)
		}
	}
	// After the ramp, 1 ms apart.
	before := s.Next()
	for range 1000 {
		at := s.Next()
		if gap := at - before; gap < time.Millisecond-2 || gap > time.Millisecond+2 {
			t.Fatalf("a gap of %v after the ramp", gap)
		}
		before = at
	}
}

// No calls while the factor is 0, and none ever where it stays so.
func TestShapedRests(t *testing.T) {
	pause := load.Shape{Spike: &load.Spike{Times: 0, At: 4 * time.Second, For: 2 * time.Second}}
	for _, at := range offsets(load.Shaped(new(load.Constant), 10, pause.Profile(), 0), 10*time.Second) {
		if at > 4*time.Second && at < 6*time.Second {
			t.Errorf("a call at %v", at)
		}
	}
	ends := load.Shape{Ramp: &load.Ramp{From: 1, To: 0, Over: 2 * time.Second}}
	s := load.Shaped(new(load.Constant), 10, ends.Profile(), 0)
	for range 10 {
		s.Next()
	}
	for range 3 {
		if at := s.Next(); at != math.MaxInt64 {
			t.Errorf("a call at %v, when all is over", at)
		}
	}
	if at := (load.Nothing{}).Next(); at != math.MaxInt64 {
		t.Errorf("nothing is due at %v", at)
	}
}

// andersonDarling is A² of values against the exponential distribution of mean
// 1; above 3.857 has a chance of 1 % (Marsaglia and Marsaglia 2004).
func andersonDarling(gaps []float64) float64 {
	gaps = slices.Sorted(slices.Values(gaps))
	n := float64(len(gaps))
	sum := 0.0
	for i, g := range gaps {
		high := gaps[len(gaps)-1-i]
		sum += (2*float64(i) + 1) * (math.Log(-math.Expm1(-g)) - high)
	}
	return -n - sum/n
}

// The gaps of a Poisson process at a constant rate are exponential, and after the
// time change so they are, of mean 1, whatever the shape; those of the other
// processes are not.
func TestPoissonPassesAndersonDarling(t *testing.T) {
	const limit = 3.857
	gaps := func(s load.Schedule, area func(float64) float64) []float64 {
		var out []float64
		last := 0.0
		for _, at := range offsets(s, 14*time.Second) {
			units := 300 * area(at.Seconds())
			out = append(out, max(units-last, 1e-12))
			last = units
		}
		return out
	}
	type kind struct {
		area     func(float64) float64 // of the factor, from 0
		schedule func(load.Process, uint64) load.Schedule
	}
	// The schedule of a load without a shape is the process's own.
	cases := map[string]kind{"constant rate": {
		func(t float64) float64 { return t },
		func(p load.Process, seed uint64) load.Schedule { return p.Schedule(300, seed) },
	}}
	for name, shape := range shapes() {
		profile := shape.Profile()
		cases[name] = kind{profile.Area, func(p load.Process, seed uint64) load.Schedule { return load.Shaped(p, 300, profile, seed) }}
	}
	failed, checked := 0, 0
	for name, c := range cases {
		for seed := range uint64(10) {
			checked++
			if a := andersonDarling(gaps(c.schedule(new(load.Poisson), load.MixString(seed, name)), c.area)); a > limit {
				failed++
				if a > 2*limit {
					t.Errorf("%s, seed %d: A² = %.2f", name, seed, a)
				}
			}
		}
		for kind, p := range map[string]load.Process{"constant": new(load.Constant), "uniform": &load.Uniform{Jitter: 1}, "bursts": &load.Bursts{Size: 3}} {
			if a := andersonDarling(gaps(c.schedule(p, 1), c.area)); a < 2*limit {
				t.Errorf("%s with %s arrivals passes: A² = %.2f", name, kind, a)
			}
		}
	}
	// 1 % of 110 fail by chance: five or more in 0.5 % of cases.
	if failed > 4 {
		t.Errorf("%d of %d fail at 1 %%", failed, checked)
	}
}

func TestShapeProblems(t *testing.T) {
	for name, c := range map[string]struct {
		shape load.Shape
		field string
	}{
		"no length":      {load.Shape{Ramp: &load.Ramp{To: 1}}, "ramp.over"},
		"negative":       {load.Shape{Ramp: &load.Ramp{From: -1, To: 1, Over: 1}}, "ramp.from"},
		"not a number":   {load.Shape{Ramp: &load.Ramp{To: math.NaN(), Over: 1}}, "ramp.to"},
		"before":         {load.Shape{Ramp: &load.Ramp{To: 1, At: -1, Over: 1}}, "ramp.at"},
		"one step":       {load.Shape{Steps: &load.Steps{To: 1, Count: 1, Every: 1}}, "steps.count"},
		"endless spike":  {load.Shape{Spike: &load.Spike{Times: 2, At: 1}}, "spike.for"},
		"huge":           {load.Shape{Spike: &load.Spike{Times: 1e9, At: 1, For: 1}}, "spike.times"},
		"too far":        {load.Shape{Sine: &load.Sine{Period: 1, Swing: 1.5}}, "sine.swing"},
		"no period":      {load.Shape{Sine: &load.Sine{Swing: 1}}, "sine.period"},
		"no stages":      {load.Shape{Stages: &load.Stages{}}, "stages"},
		"both":           {load.Shape{Stages: &load.Stages{List: []load.Stage{{For: 1, At: factor(1), To: factor(1)}}}}, "stages[0]"},
		"neither":        {load.Shape{Stages: &load.Stages{List: []load.Stage{{For: 1, At: factor(1)}, {For: 1}}}}, "stages[1]"},
		"stage of 0 s":   {load.Shape{Stages: &load.Stages{List: []load.Stage{{At: factor(1)}}}}, "stages[0].for"},
		"nothing at all": {load.Shape{Stages: &load.Stages{List: []load.Stage{{For: 1, At: factor(0)}}}}, "stages"},
		"0 to 0":         {load.Shape{Ramp: &load.Ramp{Over: 1}}, "ramp"},
	} {
		p := c.shape.Problems()
		if len(p) != 1 || p[0].Field != c.field || p[0].Text == "" {
			t.Errorf("%s: %+v, want one of %s", name, p, c.field)
		}
	}
}
