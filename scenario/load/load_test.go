package load_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// offsets are the arrivals of a schedule that are due before a time.
func offsets(s load.Schedule, before time.Duration) []time.Duration {
	var due []time.Duration
	for at := s.Next(); at < before; at = s.Next() {
		due = append(due, at)
	}
	return due
}

func TestConstantIsExact(t *testing.T) {
	for _, rate := range []float64{0.3, 1, 3, 7, 500, 1000, 9999.5, 1e6} {
		s := new(load.Constant).Schedule(rate, 1)
		for i := range 100_000 {
			want := time.Duration(math.Round(float64(i) / rate * 1e9))
			if got := s.Next(); got != want {
				t.Fatalf("rate %v: arrival %d is due at %v, want %v", rate, i, got, want)
			}
		}
	}
}

func TestConstantDoesNotDrift(t *testing.T) {
	// A third of a second is no whole number of nanoseconds: summed gaps would
	// be off by 100 µs after 300,000 arrivals.
	s := new(load.Constant).Schedule(3, 0)
	var last time.Duration
	for range 300_001 {
		last = s.Next()
	}
	if want := 100_000 * time.Second; last != want {
		t.Errorf("arrival 300000 at 3/s is due at %v, want %v", last, want)
	}
}

func TestSchedulesEndAtTheEndOfTime(t *testing.T) {
	for name, p := range processes() {
		s := p.Schedule(1e-18, 3)
		s.Next()
		for range 3 {
			if at := s.Next(); at < 0 {
				t.Errorf("%s: an arrival beyond the range of Duration is due at %v", name, at)
			}
		}
	}
}

func TestSchedules(t *testing.T) {
	const seconds = 400
	for name, p := range processes() {
		for _, rate := range []float64{2.5, 40, 1000} {
			due := offsets(p.Schedule(rate, 11), seconds*time.Second)
			if !slices.IsSorted(due) || due[0] < 0 {
				t.Errorf("%s at %v/s: not ascending from zero", name, rate)
			}
			want := rate * seconds
			if off := math.Abs(float64(len(due)) - want); off > 4*math.Sqrt(want) {
				t.Errorf("%s at %v/s: %d arrivals in %d s, want about %.0f", name, rate, len(due), seconds, want)
			}
			if again := offsets(p.Schedule(rate, 11), seconds*time.Second); !slices.Equal(due, again) {
				t.Errorf("%s at %v/s: not a pure function of rate and seed", name, rate)
			}
		}
	}
}

func TestPoissonFollowsTheSeed(t *testing.T) {
	a := offsets(new(load.Poisson).Schedule(100, 1), time.Second)
	b := offsets(new(load.Poisson).Schedule(100, 2), time.Second)
	if slices.Equal(a, b) {
		t.Error("two seeds gave one schedule")
	}
}

func TestPoissonStretches(t *testing.T) {
	slow, fast := new(load.Poisson).Schedule(10, 5), new(load.Poisson).Schedule(1000, 5)
	for i := range 1000 {
		s, f := slow.Next(), fast.Next()
		if diff := s - 100*f; diff < -100 || diff > 100 {
			t.Fatalf("arrival %d: %v at 10/s and %v at 1000/s", i, s, f)
		}
	}
}

// TestPoissonVectors keeps what a seed means.
func TestPoissonVectors(t *testing.T) {
	s := new(load.Poisson).Schedule(1000, 7)
	want := []time.Duration{942045, 5029119, 5133634, 5673322}
	for i, w := range want {
		if got := s.Next(); got != w {
			t.Errorf("arrival %d is due at %d ns, want %d", i, got, w)
		}
	}
}

func TestPoissonGapsAreExponential(t *testing.T) {
	const n, rate = 100_000, 1000.0
	s := new(load.Poisson).Schedule(rate, 42)
	gaps := make([]float64, n)
	last := time.Duration(0)
	var sum, squares float64
	for i := range gaps {
		at := s.Next()
		gaps[i] = (at - last).Seconds() * rate // in means
		last = at
		sum += gaps[i]
		squares += gaps[i] * gaps[i]
	}
	mean := sum / n
	variance := squares/n - mean*mean
	// Standard errors: 1/√n of the mean, √8/√n of the variance.
	if math.Abs(mean-1) > 4/math.Sqrt(n) {
		t.Errorf("mean gap %v, want 1", mean)
	}
	if math.Abs(variance-1) > 4*math.Sqrt(8.0/n) {
		t.Errorf("variance of gaps %v, want 1", variance)
	}
	// Kolmogorov and Smirnov: D·√n exceeds 1.63 in 1 % of samples.
	slices.Sort(gaps)
	d := 0.0
	for i, g := range gaps {
		f := 1 - math.Exp(-g)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	if d*math.Sqrt(n) > 1.63 {
		t.Errorf("gaps are not exponential: D·√n = %v", d*math.Sqrt(n))
	}
	// Independence: the correlation of neighbours in time is within noise.
	s = new(load.Poisson).Schedule(rate, 43)
	var product, before float64
	last = 0
	for i := range n {
		at := s.Next()
		gap := (at-last).Seconds()*rate - 1
		last = at
		if i > 0 {
			product += gap * before
		}
		before = gap
	}
	if r := product / n; math.Abs(r) > 4/math.Sqrt(n) {
		t.Errorf("gaps are correlated: %v", r)
	}
}

func processes() map[string]load.Process {
	return map[string]load.Process{
		"constant": new(load.Constant), "poisson": new(load.Poisson),
		"uniform": &load.Uniform{Jitter: 1}, "jitter": &load.Uniform{Jitter: 0.3},
	}
}
