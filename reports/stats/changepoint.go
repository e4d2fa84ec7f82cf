package stats

import (
	"math"
	"slices"
)

// ChangePoint is a place in a series of runs from which on the values differ.
type ChangePoint struct {
	// At is the index of the first value after the change.
	At int
	// Before and After are the means of the stretches on either side.
	Before, After float64
	// P is the chance of a difference as large between two stretches of one
	// distribution, by Welch's t-test.
	P float64
}

// Change is After relative to Before: 0.1 is 10 % more.
func (c ChangePoint) Change() float64 { return c.After/c.Before - 1 }

// ChangePointLevel is the p-value below which a change counts: one in a thousand,
// since every place in every series is looked at.
const ChangePointLevel = 0.001

// leastStretch is how many values must lie on either side of a change: of fewer
// nothing can be said about their spread.
const leastStretch = 3

// ChangePoints finds where a series changed its level, in order: E-divisive means
// (Matteson and James: A nonparametric approach for multiple change point analysis
// of multivariate data, JASA 2014), which splits a stretch where the energy
// distance between its parts is the largest, with a t-test in place of the
// permutation test, so that the answer does not depend on chance, as Fleming and
// others do (Hunter: Using change point detection to hunt for performance
// regressions, ICPE 2023). A change that its neighbours leave insignificant is
// dropped again, the weakest first.
func ChangePoints(values []float64) []ChangePoint {
	var cuts []int
	var split func(from, to int)
	split = func(from, to int) {
		at := bestSplit(values[from:to])
		if at == 0 || welch(values[from:from+at], values[from+at:to]) >= ChangePointLevel {
			return
		}
		cuts = append(cuts, from+at)
		split(from, from+at)
		split(from+at, to)
	}
	split(0, len(values))
	slices.Sort(cuts)
	for {
		points := between(values, cuts)
		weakest := -1
		for i, p := range points {
			if p.P >= ChangePointLevel && (weakest < 0 || p.P > points[weakest].P) {
				weakest = i
			}
		}
		if weakest < 0 {
			return points
		}
		cuts = slices.Delete(cuts, weakest, weakest+1)
	}
}

// between is the changes at the cuts, each between its neighbouring stretches.
func between(values []float64, cuts []int) []ChangePoint {
	var points []ChangePoint
	for i, at := range cuts {
		from, to := 0, len(values)
		if i > 0 {
			from = cuts[i-1]
		}
		if i+1 < len(cuts) {
			to = cuts[i+1]
		}
		before, after := values[from:at], values[at:to]
		points = append(points, ChangePoint{At: at, Before: Mean(before), After: Mean(after), P: welch(before, after)})
	}
	return points
}

// bestSplit is where the scaled energy distance of the parts of x is the largest:
//
//	q(τ) = mn/(m+n) · (2·E|X−Y| − E|X−X'| − E|Y−Y'|)
//
// It is 0 where x is too short to split.
func bestSplit(x []float64) int {
	n := len(x)
	if n < 2*leastStretch {
		return 0
	}
	// Sums of |xi − xj| within the left part, within the right one, and across,
	// kept up to date as one value after the other moves over.
	var within, right, across float64
	for i := range x {
		for j := range i {
			right += math.Abs(x[i] - x[j])
		}
	}
	best, most := 0, math.Inf(-1)
	for tau := 1; tau < n; tau++ {
		moved := x[tau-1]
		var toLeft, toRight float64
		for _, v := range x[:tau-1] {
			toLeft += math.Abs(moved - v)
		}
		for _, v := range x[tau:] {
			toRight += math.Abs(moved - v)
		}
		within += toLeft
		right -= toRight
		across += toRight - toLeft
		if tau < leastStretch || n-tau < leastStretch {
			continue
		}
		a, b := float64(tau), float64(n-tau)
		q := a * b / (a + b) * (2*across/(a*b) - 2*within/(a*(a-1)) - 2*right/(b*(b-1)))
		if q > most {
			best, most = tau, q
		}
	}
	return best
}

// welch is the two-sided p-value of Welch's t-test for two samples of at least
// two values each.
func welch(a, b []float64) float64 {
	na, nb := float64(len(a)), float64(len(b))
	ma, mb := Mean(a), Mean(b)
	if math.Abs(ma-mb) <= 1e-12*max(math.Abs(ma), math.Abs(mb)) {
		return 1 // the noise of adding up: of equal values even that has no spread
	}
	va, vb := variance(a)/na, variance(b)/nb
	if va+vb == 0 {
		return 0
	}
	t := (ma - mb) / math.Sqrt(va+vb)
	freedom := (va + vb) * (va + vb) / (va*va/(na-1) + vb*vb/(nb-1))
	return studentTail(t, freedom)
}

// variance is the unbiased variance of at least two values.
func variance(x []float64) float64 {
	mean := Mean(x)
	var sum float64
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return sum / float64(len(x)-1)
}

// studentTail is P(|T| ≥ |t|) of Student's distribution.
func studentTail(t, freedom float64) float64 {
	return incompleteBeta(freedom/2, 0.5, freedom/(freedom+t*t))
}

// incompleteBeta is the regularised incomplete beta function Iₓ(a, b), by its
// continued fraction (Press and others, Numerical Recipes, 6.4), computed by the
// modified Lentz method.
func incompleteBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // where the fraction converges slowly
		return 1 - incompleteBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny, enough = 1e-300, 1e-15
	safe := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/safe(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 500; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/safe(1+even*d), safe(1+even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/safe(1+odd*d), safe(1+odd/c)
		f *= d * c
		if math.Abs(d*c-1) < enough {
			break
		}
	}
	return front * f
}
