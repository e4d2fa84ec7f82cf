package stats

import (
	"math"
	"testing"
)

// pmfAtMost sums the binomial distribution term by term.
func pmfAtMost(n, k int64, q float64) float64 {
	sum := 0.0
	for i := int64(0); i <= k; i++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(q) + float64(n-i)*math.Log(1-q))
	}
	return sum
}

func TestBinomialAtMost(t *testing.T) {
	for _, n := range []int64{1, 2, 7, 50, 1000} {
		for _, q := range []float64{0.001, 0.1, 0.5, 0.9, 0.99, 0.999} {
			for k := int64(-1); k <= n; k += max(1, n/37) {
				want := 1.0
				if k < n {
					want = pmfAtMost(n, k, q)
				}
				if got := binomialAtMost(n, k, q); math.Abs(got-want) > 1e-11 {
					t.Errorf("P(Bin(%d, %v) ≤ %d) = %v, want %v", n, q, k, got, want)
				}
			}
		}
	}
}

// The t quantiles are those of the tables.
func TestStudentQuantile(t *testing.T) {
	for df, want := range map[float64]float64{1: 12.7062, 4: 2.77645, 9: 2.26216, 29: 2.04523, 1e6: 1.95997} {
		if got := studentQuantile(0.975, df); math.Abs(got-want) > 1e-4 {
			t.Errorf("t(0.975, %v) = %v, want %v", df, got, want)
		}
	}
	if got := normalQuantile(0.975); math.Abs(got-1.959964) > 1e-6 {
		t.Errorf("z(0.975) = %v", got)
	}
}

// 5 % and 1 % points from the tables of χ².
func TestChiSquareAbove(t *testing.T) {
	for _, c := range []struct{ x, df, want float64 }{
		{14.067, 7, 0.05}, {18.475, 7, 0.01}, {30.144, 19, 0.05}, {42.557, 29, 0.05}, {0, 3, 1}, {1.239, 7, 0.99},
		// Two degrees of freedom are exponential: far out too.
		{2 * math.Log(1e9), 2, 1e-9}, {2, 2, math.Exp(-1)},
		// Four: e^(−x/2)(1 + x/2).
		{60, 4, 31 * math.Exp(-30)},
	} {
		if got := ChiSquareAbove(c.x, c.df); math.Abs(got/c.want-1) > 5e-4 {
			t.Errorf("P(χ²(%v) > %v) = %v, want %v", c.df, c.x, got, c.want)
		}
	}
}
