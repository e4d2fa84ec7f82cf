package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Values of Student's t from its tables.
func TestStudentTail(t *testing.T) {
	for _, c := range []struct{ t, freedom, p float64 }{
		{12.706, 1, 0.05}, {2.571, 5, 0.05}, {4.032, 5, 0.01}, {2.086, 20, 0.05}, {3.850, 20, 0.001}, {0, 7, 1}, {1.96, 1e7, 0.05},
	} {
		if got := studentTail(c.t, c.freedom); math.Abs(got-c.p) > 0.002*c.p+1e-5 {
			t.Errorf("P(|t%g| ≥ %g) = %g, want %g", c.freedom, c.t, got, c.p)
		}
	}
}

// noisy is n values around a mean with a coefficient of variation.
func noisy(r *rand.Rand, n int, mean, cv float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = mean * (1 + cv*r.NormFloat64())
	}
	return out
}

func TestChangePoints(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	steps := slices.Concat(noisy(r, 30, 100, 0.02), noisy(r, 20, 110, 0.02), noisy(r, 25, 95, 0.02))
	got := ChangePoints(steps)
	if len(got) != 2 || math.Abs(float64(got[0].At-30)) > 1 || math.Abs(float64(got[1].At-50)) > 1 {
		t.Fatalf("found %+v, want changes at 30 and 50", got)
	}
	if c := got[0]; math.Abs(c.Change()-0.1) > 0.02 || c.P > 1e-6 {
		t.Errorf("the first change is %+v (%.3f), want 10 %% more", c, c.Change())
	}
	for name, values := range map[string][]float64{
		"nothing":          nil,
		"one":              {1},
		"too short":        {1, 1, 1, 9, 9},
		"all the same":     slices.Repeat([]float64{5}, 50),
		"a single outlier": slices.Concat(noisy(r, 20, 100, 0.02), []float64{300}, noisy(r, 20, 100, 0.02)),
	} {
		if got := ChangePoints(values); len(got) != 0 {
			t.Errorf("%s: found %+v", name, got)
		}
	}
	exact := slices.Concat(slices.Repeat([]float64{1}, 5), slices.Repeat([]float64{2}, 5))
	if got := ChangePoints(exact); len(got) != 1 || got[0].At != 5 || got[0].P != 0 {
		t.Errorf("a step without noise: %+v", got)
	}
}

// The split is where the definition, computed without any shortcut, has its
// largest value.
func TestBestSplitIsTheDefinition(t *testing.T) {
	distance := func(x, y []float64) (sum float64) {
		for _, a := range x {
			for _, b := range y {
				sum += math.Abs(a - b)
			}
		}
		return sum
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		x := noisy(r, 6+r.IntN(30), 100, 0.1)
		best, most := 0, math.Inf(-1)
		for tau := leastStretch; tau <= len(x)-leastStretch; tau++ {
			a, b := x[:tau], x[tau:]
			m, n := float64(len(a)), float64(len(b))
			q := m * n / (m + n) * (2*distance(a, b)/(m*n) - distance(a, a)/(m*(m-1)) - distance(b, b)/(n*(n-1)))
			if q > most {
				best, most = tau, q
			}
		}
		if got := bestSplit(x); got != best {
			t.Fatalf("split at %d, want %d of %v", got, best, x)
		}
	}
}

// Of series that did not change, few have a change found in them; a step of four
// standard deviations is found in nearly all, within a run of where it is.
func TestChangePointsErrSeldom(t *testing.T) {
	const series = 500
	r := rand.New(rand.NewPCG(5, 6))
	alarms, found := 0, 0
	for range series {
		if len(ChangePoints(noisy(r, 60, 100, 0.03))) > 0 {
			alarms++
		}
		for _, c := range ChangePoints(slices.Concat(noisy(r, 40, 100, 0.03), noisy(r, 10, 112, 0.03))) {
			if c.At >= 39 && c.At <= 41 {
				found++
			}
		}
	}
	// The place is chosen, so more than one in a thousand: 3 % and a margin.
	if alarms > series*5/100 {
		t.Errorf("%d of %d series without a change have one", alarms, series)
	}
	if found < series*95/100 {
		t.Errorf("%d of %d changes were found", found, series)
	}
}

// Values that are all the same do not change, however they add up.
func TestNoChangeOfEqualValues(t *testing.T) {
	for _, v := range []float64{0, 1.1, 0.98, 1e-300, 20_000.1} {
		values := make([]float64, 40)
		for i := range values {
			values[i] = v
		}
		if got := ChangePoints(values); len(got) != 0 {
			t.Errorf("%g: %+v", v, got)
		}
	}
}
