package retry

import (
	"math"
	"testing"
	"time"
)

func TestDecorrelated(t *testing.T) {
	p := Default()
	p.Backoff, p.Base, p.Max = Backoff{Decorrelated: &Decorrelated{}}, 100*ms, 2*time.Second
	// By the formula: U(base, 3·previous), where previous begins as base.
	for _, c := range []struct {
		previous time.Duration
		u        float64
		want     time.Duration
	}{
		{0, 0, 100 * ms},
		{0, 0.5, 200 * ms},
		{200 * ms, 0.5, 350 * ms},
		{350 * ms, 1 - 1e-12, 1050 * ms},
		{1050 * ms, 0.9, 2 * time.Second}, // max
		{1050 * ms, 0, 100 * ms},
	} {
		if got := p.Wait(1, c.previous, c.u); got < c.want-1 || got > c.want {
			t.Errorf("after %v, u = %v: %v, want %v", c.previous, c.u, got, c.want)
		}
	}
	// Uniform: the largest distance between the drawn and the true distribution
	// (Kolmogorov–Smirnov) stays below its 0.1 % point, 1.95/√n.
	const n = 10_000
	source := NewSource(3)
	var below [101]int
	for range n {
		wait := p.Wait(2, 400*ms, source.Float64())
		x := float64(wait-100*ms) / float64(1100*ms)
		if x < 0 || x > 1 {
			t.Fatalf("%v is out of 100ms to 1.2s", wait)
		}
		for i := int(math.Ceil(x * 100)); i <= 100; i++ {
			below[i]++
		}
	}
	for i, count := range below {
		if d := math.Abs(float64(count)/n - float64(i)/100); d > 1.95/math.Sqrt(n) {
			t.Errorf("%d %% of the range holds %.3f of the draws", i, float64(count)/n)
		}
	}
	huge := Policy{Backoff: p.Backoff, Base: math.MaxInt64 / 2, Max: math.MaxInt64}
	if got := huge.Wait(9, math.MaxInt64/2, 0.99); got <= 0 {
		t.Errorf("ran over: %v", got)
	}
}
