package stats

import "math"

// binomialAtMost is P(Bin(n, q) ≤ k), through the regularised incomplete beta
// function: I₁₋q(n−k, k+1) (Abramowitz and Stegun 26.5.24).
func binomialAtMost(n, k int64, q float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return betaRegularized(float64(n-k), float64(k)+1, 1-q, q)
}

// betaRegularized is I_x(a, b) with y = 1 − x, which the caller has without
// cancellation. It sums the continued fraction DLMF 8.17.22 by Lentz's method,
// on the side of the mean where that converges in O(√max(a, b)) steps.
func betaRegularized(a, b, x, y float64) float64 {
	if x <= 0 {
		return 0
	}
	if y <= 0 {
		return 1
	}
	if x > (a+1)/(a+b+2) {
		return 1 - betaRegularized(b, a, y, x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log(y)) / a
	return front * betaFraction(a, b, x)
}

// betaFraction is the continued fraction of betaRegularized.
func betaFraction(a, b, x float64) float64 {
	const tiny, precision = 1e-300, 1e-15
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c := 1.0
	d := 1 / away(1-(a+b)*x/(a+1))
	f := d
	// A bound for the loop only: it is left long before.
	for m := 1.0; m < 1e7; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / away(1+even*d)
		c = away(1 + even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / away(1+odd*d)
		c = away(1 + odd/c)
		step := d * c
		f *= step
		if math.Abs(step-1) < precision {
			break
		}
	}
	return f
}

// normalQuantile is the p-quantile of the standard normal distribution.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// normalBeyond is the chance that a standard normal is above z.
func normalBeyond(z float64) float64 { return 0.5 * math.Erfc(z/math.Sqrt2) }

// studentAtMost is P(T ≤ t) for Student's t with df degrees of freedom
// (Abramowitz and Stegun 26.7.1).
func studentAtMost(t, df float64) float64 {
	tail := betaRegularized(df/2, 0.5, df/(df+t*t), t*t/(df+t*t)) / 2
	if t > 0 {
		return 1 - tail
	}
	return tail
}

// studentQuantile is the p-quantile of Student's t, 0.5 ≤ p < 1.
func studentQuantile(p, df float64) float64 {
	high := 1.0
	for studentAtMost(high, df) < p {
		high *= 2
	}
	return bisect(0, high, func(t float64) bool { return studentAtMost(t, df) >= p })
}

// ChiSquareAbove is P(χ² > x) with df degrees of freedom: the regularised
// incomplete gamma function Q(df/2, x/2), by its series below the mean and by
// its continued fraction above (DLMF 8.7.1 and 8.9.2).
func ChiSquareAbove(x, df float64) float64 {
	if !(x > 0) {
		return 1
	}
	a, x := df/2, x/2
	la, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - la)
	if x < a+1 {
		term := 1 / a
		sum := term
		for n := a + 1; term > sum*1e-16; n++ {
			term *= x / n
			sum += term
		}
		return max(0, 1-front*sum)
	}
	b := x + 1 - a
	c, d := math.Inf(1), 1/b
	f := d
	for i := 1.0; i < 1e6; i++ {
		n := i * (a - i)
		b += 2
		d = 1 / (n*d + b)
		c = b + n/c
		step := c * d
		f *= step
		if math.Abs(step-1) < 1e-15 {
			break
		}
	}
	return front * f
}

// bisect finds where `above` turns true between low and high.
func bisect(low, high float64, above func(float64) bool) float64 {
	for range 200 {
		middle := low + (high-low)/2
		if middle == low || middle == high {
			break
		}
		if above(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
