package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTrend(t *testing.T) {
	for name, c := range map[string]struct {
		in       []float64
		slope, p float64
	}{
		"two":                          {[]float64{1, 2}, 0, 1},
		"rising":                       {[]float64{1, 2, 3, 4}, 1, 2.0 / 24},
		"falling":                      {[]float64{8, 6, 4, 2}, -2, 2.0 / 24},
		"one swap":                     {[]float64{1, 2, 4, 3}, 5.0 / 6, 2 * 4.0 / 24},
		"flat":                         {[]float64{5, 5, 5, 5, 5}, 0, 1},
		"a wild value does not tip it": {[]float64{1, 2, 3, 4, 5, 6, 7, 1000, 9, 10}, 1, 2 * (1.0 + 9 + 44) / 3628800},
	} {
		slope, p := Trend(c.in)
		if math.Abs(slope-c.slope) > 1e-12 || math.Abs(p-c.p) > 1e-12 {
			t.Errorf("%s: slope %v, p %v; want %v, %v", name, slope, p, c.slope, c.p)
		}
	}
}

// Of values in random order, as many have a small p-value as it says; and the
// approximation beyond 100 takes over without a step.
func TestTrendLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	for n, trials := range map[int]int{8: 2000, 20: 2000, 100: 300, 101: 300} {
		below := 0
		for range trials {
			values := make([]float64, n)
			for i := range values {
				values[i] = rng.Float64()
			}
			if _, p := Trend(values); p <= 0.05 {
				below++
			}
		}
		if got := float64(below) / float64(trials); got > 0.05+3*math.Sqrt(0.05*0.95/float64(trials)) || n >= 20 && got < 0.05-3*math.Sqrt(0.05*0.95/float64(trials)) {
			t.Errorf("n=%d: %.4f below 5 %%", n, got)
		}
	}
}

// Values that wander pass for a trend less often than the plain test has it,
// and a trend is found all the same.
func TestDependentTrend(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 8))
	const trials = 1000
	var plain, corrected, found int
	for range trials {
		values, rising := make([]float64, 30), make([]float64, 30)
		x := 0.0
		for i := range values {
			x = 0.6*x + rng.NormFloat64()
			values[i] = x
			rising[i] = float64(i) + rng.NormFloat64()
		}
		if _, p := Trend(values); p < 0.001 {
			plain++
		}
		if _, p := DependentTrend(values); p < 0.001 {
			corrected++
		}
		if slope, p := DependentTrend(rising); p < 1e-6 && math.Abs(slope-1) < 0.2 {
			found++
		}
	}
	if plain < 10 || corrected > plain/4 || found < trials*98/100 {
		t.Errorf("of %d wanderings %d pass for a trend, %d when corrected; %d trends found", trials, plain, corrected, found)
	}
	if _, p := DependentTrend([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}); p > 1e-4 {
		t.Errorf("a straight line has p %v", p)
	}
}
