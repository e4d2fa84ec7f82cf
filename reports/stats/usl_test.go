package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// measured is what the law gives at these concurrencies, `repeats` times, with
// relative noise.
func measured(s Scalability, rng *rand.Rand, noise float64, repeats int, at ...float64) []Load {
	var out []Load
	for _, n := range at {
		for range repeats {
			out = append(out, Load{N: n, X: s.at(n) * math.Exp(noise*rng.NormFloat64())})
		}
	}
	return out
}

func TestScalabilityVector(t *testing.T) {
	law := Scalability{Lambda: 1000, Sigma: 0.05, Kappa: 0.0005, MostN: 64}
	if n, err := law.Peak(); err != nil || math.Abs(n-43.589) > 0.0005 {
		t.Errorf("N* = %v, %v", n, err)
	}
	// Without noise the fit is the law.
	got, err := FitScalability(measured(law, rand.New(rand.NewPCG(1, 1)), 0, 1, 1, 2, 4, 8, 16, 32, 64), Level, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string][2]float64{
		"λ": {got.Lambda, 1000}, "σ": {got.Sigma, 0.05}, "κ": {got.Kappa, 0.0005}, "N*": {got.peak(), 43.589},
		"N* from": {got.PeakN.Low, 43.589}, "N* to": {got.PeakN.High, 43.589}, "X*": {got.PeakX.Low, law.at(43.589)},
	} {
		if math.Abs(v[0]/v[1]-1) > 1e-5 {
			t.Errorf("%s = %v, want %v", name, v[0], v[1])
		}
	}
}

// 95 % intervals hold the truth in about 95 % of fits: with three measurements of
// each concurrency, as many as a sweep makes, too, and when the larger ones vary
// seven times as much as the smaller, for which there is less to go by.
func TestScalabilityIntervals(t *testing.T) {
	withoutRace(t)
	law := Scalability{Lambda: 1000, Sigma: 0.05, Kappa: 0.0005, MostN: 64}
	even := func(float64) float64 { return 0.02 }
	for name, c := range map[string]struct {
		repeats, fits int
		noise         func(n float64) float64
		least, most   float64
	}{
		"a sweep's three": {3, 400, even, 0.92, 0.98},
		"uneven":          {3, 100, func(n float64) float64 { return 0.005 + 0.03*n/64 }, 0.85, 1},
		"six":             {6, 60, even, 0.87, 1},
		"once each":       {1, 100, even, 0.87, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, uint64(c.repeats)))
			held := map[string]int{}
			for i := range c.fits {
				var loads []Load
				for n := 1.0; n <= 64; n *= 2 {
					loads = append(loads, measured(law, rng, c.noise(n), c.repeats, n)...)
				}
				s, err := FitScalability(loads, Level, uint64(i))
				if err != nil {
					t.Fatal(err)
				}
				for of, in := range map[string]bool{
					"λ": s.LambdaIn.Contains(1000), "σ": s.SigmaIn.Contains(0.05), "κ": s.KappaIn.Contains(0.0005), "N*": s.PeakN.Contains(law.peak()),
				} {
					if in {
						held[of]++
					}
				}
			}
			for of, n := range held {
				if share := float64(n) / float64(c.fits); share < c.least || share > c.most {
					t.Errorf("the interval of %s covers %.3f, want %.2f to %.2f", of, share, c.least, c.most)
				}
			}
		})
	}
}

// Negative costs are not fitted, however throughput grows.
func TestScalabilityBounds(t *testing.T) {
	for name, x := range map[string]func(n float64) float64{
		"linear":          func(n float64) float64 { return 100 * n },
		"more than its N": func(n float64) float64 { return 100 * math.Pow(n, 1.2) },
		"flat":            func(float64) float64 { return 500 },
		"falling":         func(n float64) float64 { return 500 / n },
	} {
		var loads []Load
		for n := 1.0; n <= 32; n *= 2 {
			loads = append(loads, Load{n, x(n)})
		}
		s, err := FitScalability(loads, Level, 1)
		if err != nil || s.Lambda <= 0 || s.Sigma < 0 || s.Kappa < 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		n, err := s.Peak()
		switch name {
		case "linear", "more than its N":
			if !errors.Is(err, ErrTooFar) {
				t.Errorf("%s: peak at %v", name, n)
			}
		case "falling":
			if n != 1 {
				t.Errorf("%s: peak at %v", name, n)
			}
		}
	}
}

func TestScalabilityDoesNotExtrapolate(t *testing.T) {
	law := Scalability{Lambda: 1000, Sigma: 0.05, Kappa: 0.0005}
	s, err := FitScalability(measured(law, rand.New(rand.NewPCG(1, 1)), 0, 1, 1, 4, 8, 20), Level, 1)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := s.At(40); err != nil || math.Abs(x/law.at(40)-1) > 1e-6 {
		t.Errorf("at twice what was measured: %v, %v", x, err)
	}
	if _, err := s.At(40.1); !errors.Is(err, ErrTooFar) {
		t.Errorf("beyond: %v", err)
	}
	if _, err := s.Peak(); !errors.Is(err, ErrTooFar) { // 43.6 > 40
		t.Errorf("the peak: %v", err)
	}
	if s.PeakX.High > law.at(40)*1.0001 {
		t.Errorf("the peak's throughput was read at more than 40: %v", s.PeakX)
	}
}

func TestScalabilityErrors(t *testing.T) {
	for name, loads := range map[string][]Load{
		"two concurrencies": {{1, 10}, {2, 20}, {2, 21}, {1, 10}},
		"none":              nil,
		"no throughput":     {{1, 10}, {2, 0}, {3, 20}},
		"half a worker":     {{0.5, 10}, {2, 20}, {3, 20}},
		"not a number":      {{1, 10}, {math.NaN(), 20}, {3, 20}},
		"infinite":          {{1, 10}, {2, math.Inf(1)}, {3, 20}},
	} {
		if s, err := FitScalability(loads, Level, 1); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	// Three exact points leave nothing to tell the error by.
	s, err := FitScalability([]Load{{1, 100}, {4, 300}, {16, 500}}, Level, 1)
	if err != nil || s.KappaIn.Finite() || s.PeakN.Finite() {
		t.Errorf("%+v, %v", s, err)
	}
	// One seed, one answer.
	a, _ := FitScalability([]Load{{1, 100}, {2, 190}, {4, 340}, {8, 500}, {16, 690}}, Level, 5)
	b, _ := FitScalability([]Load{{16, 690}, {1, 100}, {2, 190}, {4, 340}, {8, 500}}, Level, 5)
	if a != b {
		t.Errorf("%+v, then %+v", a, b)
	}
}
