package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMedian(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{inf, 1, 2}, 2},
		{[]float64{inf, inf, 2}, inf},
		{[]float64{1, 2, inf, inf}, inf}, // half of the trials failed: so did the middle
		{[]float64{inf, inf}, inf},
		{[]float64{-inf, 1, 2, 3}, 1.5},
		{[]float64{2, -inf}, -inf},
		{[]float64{-inf, 2, -inf, 1}, -inf}, // and half of the others' failed
		{[]float64{-inf, -inf}, -inf},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64},
	} {
		if got := Median(c.in); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.in, got, c.want)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("Median of none = %v, want NaN", got)
	}
	if got := Median([]float64{-inf, inf}); !math.IsNaN(got) {
		t.Errorf("there is no middle of all, got %v", got)
	}
	in := []float64{3, 1, 2}
	Median(in)
	if in[0] != 3 {
		t.Error("Median sorted its argument")
	}
}

func TestHodgesLehmann(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{2}, 2},
		{[]float64{1, 2}, 1.5},     // 1, 1.5, 2
		{[]float64{1, 2, 9}, 3.5},  // 1, 1.5, 2, 5, 5.5, 9: between 2 and 5
		{[]float64{0, 0, 0, 8}, 0}, // 0 ×6, 4 ×3, 8: one outlier moves nothing
		{[]float64{-1, 0, 1}, 0},
	} {
		if got := HodgesLehmann(c.in); got != c.want {
			t.Errorf("HodgesLehmann(%v) = %v, want %v", c.in, got, c.want)
		}
	}
	if got := HodgesLehmann(nil); !math.IsNaN(got) {
		t.Errorf("of none = %v, want NaN", got)
	}
}

// What defines an estimate of location: it moves with the data, turns with its
// sign, and does not care for order.
func TestHodgesLehmannProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		d := make([]float64, 1+rng.IntN(20))
		moved, turned, shuffled := make([]float64, len(d)), make([]float64, len(d)), make([]float64, len(d))
		for i, to := range rng.Perm(len(d)) {
			d[i] = rng.NormFloat64()
			moved[i], turned[i] = d[i]+3, -d[i]
			shuffled[to] = d[i]
		}
		h := HodgesLehmann(d)
		if got := HodgesLehmann(moved); math.Abs(got-h-3) > 1e-12 {
			t.Fatalf("%v moved by 3: %v from %v", d, got, h)
		}
		if got := HodgesLehmann(turned); math.Abs(got+h) > 1e-12 {
			t.Fatalf("%v turned: %v from %v", d, got, h)
		}
		if got := HodgesLehmann(shuffled); got != h {
			t.Fatalf("%v shuffled: %v from %v", d, got, h)
		}
	}
}

func TestMinSamples(t *testing.T) {
	for q, want := range map[float64]int64{0.5: 6, 0.9: 36, 0.95: 72, 0.99: 368, 0.999: 3688} {
		n := MinSamples(q)
		if n != want {
			t.Errorf("MinSamples(%v) = %d, want %d", q, n, want)
		}
		// The definition: the chance that all n lie below the quantile.
		if math.Pow(q, float64(n)) > 0.025 || math.Pow(q, float64(n-1)) <= 0.025 {
			t.Errorf("MinSamples(%v) = %d is not the first", q, n)
		}
	}
}
