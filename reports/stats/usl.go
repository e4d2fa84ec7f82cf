package stats

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Load is a throughput that was measured at a concurrency.
type Load struct {
	N float64 // calls in flight, workers: ≥ 1
	X float64 // calls per second: > 0
}

// Scalability is the Universal Scalability Law (Gunther 1993) fitted to
// measured throughput:
//
//	X(N) = λN / (1 + σ(N−1) + κN(N−1))
//
// λ is the throughput of one, σ the share of work that is done one at a time
// (contention), κ the cost of keeping each other informed (coherency).
type Scalability struct {
	Lambda, Sigma, Kappa float64
	// MostN is the highest concurrency that was measured.
	MostN float64
	// Level is the confidence of the intervals below, each on its own. They
	// are infinite where there are too few measurements for them.
	Level                                    float64
	LambdaIn, SigmaIn, KappaIn, PeakN, PeakX Interval
}

// furthest is how far beyond what was measured the law may be read.
const furthest = 2

// ErrTooFar is that of a concurrency that is too far beyond what was measured.
var ErrTooFar = errors.New("beyond twice the concurrency that was measured")

// At is the throughput at concurrency n; ErrTooFar where that is more than
// twice what was measured.
func (s Scalability) At(n float64) (float64, error) {
	if n > furthest*s.MostN {
		return 0, ErrTooFar
	}
	return s.at(n), nil
}

func (s Scalability) at(n float64) float64 {
	return s.Lambda * n / (1 + s.Sigma*(n-1) + s.Kappa*n*(n-1))
}

// Peak is the concurrency N* = √((1−σ)/κ) of the highest throughput. It is +Inf
// without coherency cost, 1 where more than one only costs, and ErrTooFar says
// that it is more than twice what was measured: then throughput still grew.
func (s Scalability) Peak() (float64, error) {
	n := s.peak()
	if n > furthest*s.MostN {
		return n, ErrTooFar
	}
	return n, nil
}

func (s Scalability) peak() float64 {
	switch {
	case s.Sigma >= 1:
		return 1
	case s.Kappa == 0:
		return math.Inf(1)
	}
	return max(1, math.Sqrt((1-s.Sigma)/s.Kappa))
}

const (
	// fewestLoads is the fewest concurrencies that determine the law.
	fewestLoads = 3
	// resamples of the bootstrap.
	resamples = 1000
)

// FitScalability fits the law to measurements, several of one concurrency
// among them or not: N/X = a + b(N−1) + cN(N−1), b, c ≥ 0, from which λ = 1/a,
// σ = b/a, κ = c/a. That form is linear in a, b and c, so that the fit is a
// least-squares one without a starting point to be wrong about; each
// measurement counts by 1/(N/X)², because it is the relative error of
// throughput that is about the same everywhere.
//
// Intervals are from a bootstrap of 1,000 resamples, percentiles of what they
// give (Efron and Tibshirani 1993, 13.3), corrected for how little so few
// measurements tell of their own error: see resampler. The draws follow from the
// seed. A fit with no residual degree of freedom has infinite intervals.
//
// Fewer than 3 concurrencies, or one that is not ≥ 1 with a throughput > 0, is
// an error.
func FitScalability(loads []Load, level float64, seed uint64) (Scalability, error) {
	loads = slices.SortedFunc(slices.Values(loads), func(a, b Load) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.X, b.X))
	})
	groups := 0
	for i, l := range loads {
		if !(l.N >= 1) || !(l.X > 0) || math.IsInf(l.N, 0) || math.IsInf(l.X, 0) {
			return Scalability{}, fmt.Errorf("concurrency must be ≥ 1 and throughput > 0 (got %v and %v)", l.N, l.X)
		}
		if i == 0 || l.N != loads[i-1].N {
			groups++
		}
	}
	if groups < fewestLoads {
		return Scalability{}, fmt.Errorf("needs at least %d concurrencies (got %d)", fewestLoads, groups)
	}
	s := solveScalability(loads)
	s.MostN, s.Level = loads[len(loads)-1].N, level
	s.bootstrap(loads, level, rand.New(rand.NewPCG(seed, uint64(len(loads)))))
	return s, nil
}

// solveScalability is the constrained least-squares fit. There are two bounds,
// so trying each combination of them finds the optimum: it is the best of the
// fits that keep to both.
func solveScalability(loads []Load) Scalability {
	best, found := Scalability{}, math.Inf(1)
	for _, use := range [][3]bool{{true, true, true}, {true, true, false}, {true, false, true}, {true, false, false}} {
		c, ok := leastSquares(loads, use)
		if !ok || c[0] <= 0 || c[1] < 0 || c[2] < 0 {
			continue
		}
		s := Scalability{Lambda: 1 / c[0], Sigma: c[1] / c[0], Kappa: c[2] / c[0]}
		if r := s.misfit(loads); r < found {
			best, found = s, r
		}
	}
	return best
}

// misfit is the sum of squares that the fit makes least.
func (s Scalability) misfit(loads []Load) float64 {
	var sum float64
	for _, l := range loads {
		d := l.X/s.at(l.N) - 1
		sum += d * d
	}
	return sum
}

// leastSquares solves the weighted normal equations for those coefficients of
// a, b and c that are used; the others are 0.
func leastSquares(loads []Load, use [3]bool) (c [3]float64, ok bool) {
	var matrix [3][4]float64
	for _, l := range loads {
		row := [3]float64{1, l.N - 1, l.N * (l.N - 1)}
		y := l.N / l.X
		for i := range row {
			if !use[i] {
				row[i] = 0
			}
		}
		for i := range row {
			for j := range row {
				matrix[i][j] += row[i] * row[j] / (y * y)
			}
			matrix[i][3] += row[i] * y / (y * y)
		}
	}
	for i := range matrix {
		if !use[i] {
			matrix[i][i] = 1
		}
	}
	return solve(matrix)
}

// solve is Gaussian elimination with partial pivoting.
func solve(m [3][4]float64) (x [3]float64, ok bool) {
	for i := range m {
		pivot := i
		for r := i + 1; r < len(m); r++ {
			if math.Abs(m[r][i]) > math.Abs(m[pivot][i]) {
				pivot = r
			}
		}
		m[i], m[pivot] = m[pivot], m[i]
		if m[i][i] == 0 {
			return x, false
		}
		for r := i + 1; r < len(m); r++ {
			f := m[r][i] / m[i][i]
			for c := i; c < 4; c++ {
				m[r][c] -= f * m[i][c]
			}
		}
	}
	for i := 2; i >= 0; i-- {
		x[i] = m[i][3]
		for c := i + 1; c < 3; c++ {
			x[i] -= m[i][c] * x[c]
		}
		x[i] /= m[i][i]
	}
	return x, true
}

// bootstrap sets the intervals.
func (s *Scalability) bootstrap(loads []Load, level float64, rng *rand.Rand) {
	draw, freedom := s.resampler(loads, rng)
	if draw == nil {
		unknown := Interval{Low: 0, High: math.Inf(1)}
		s.LambdaIn, s.SigmaIn, s.KappaIn, s.PeakN, s.PeakX = unknown, unknown, unknown, unknown, unknown
		return
	}
	var lambda, sigma, kappa, peakN, peakX []float64
	for range resamples {
		r := solveScalability(draw())
		lambda, sigma, kappa = append(lambda, r.Lambda), append(sigma, r.Sigma), append(kappa, r.Kappa)
		n := r.peak()
		peakN = append(peakN, n)
		peakX = append(peakX, r.at(min(n, furthest*s.MostN)))
	}
	// A resample varies as a normal quantity of known variance does; the error was
	// estimated. Percentiles are taken as far out as Student's t puts them
	// (Hesterberg 2015, 5.3: expanded percentiles).
	beyond := int(resamples * normalBeyond(studentQuantile((1+level)/2, freedom)))
	for to, values := range map[*Interval][]float64{
		&s.LambdaIn: lambda, &s.SigmaIn: sigma, &s.KappaIn: kappa, &s.PeakN: peakN, &s.PeakX: peakX,
	} {
		slices.Sort(values)
		*to = Interval{Low: values[beyond], High: values[resamples-1-beyond]}
	}
}

// resampler draws measurements anew, with the degrees of freedom that their error
// is known by; nil where nothing is known of it.
//
// Measurements are drawn within their concurrency where each has at least 3 of
// them. The m of one vary by (m−1)/m less around their own mean than around the
// true one: their distances from it, as logarithms, are stretched by √(m/(m−1)),
// and the degrees of freedom are those of the sum of their variances (Welch 1947,
// Satterthwaite 1946), so that one concurrency may vary more than another. With
// fewer than 3, relative residuals are drawn, stretched by √(n/(n−p)) for the p
// parameters that were fitted.
func (s *Scalability) resampler(loads []Load, rng *rand.Rand) (draw func() []Load, freedom float64) {
	var groups [][]Load
	for _, l := range loads {
		if last := len(groups) - 1; last >= 0 && groups[last][0].N == l.N {
			groups[last] = append(groups[last], l)
		} else {
			groups = append(groups, []Load{l})
		}
	}
	if !slices.ContainsFunc(groups, func(g []Load) bool { return len(g) < 3 }) {
		return withinGroups(groups, rng)
	}
	parameters := 1
	for _, v := range []float64{s.Sigma, s.Kappa} {
		if v > 0 {
			parameters++
		}
	}
	free := len(loads) - parameters
	if free <= 0 {
		return nil, 0
	}
	residuals := make([]float64, len(loads))
	for i, l := range loads {
		residuals[i] = math.Log(l.X / s.at(l.N))
	}
	center(residuals, math.Sqrt(float64(len(loads))/float64(free)))
	drawn := make([]Load, 0, len(loads))
	return func() []Load {
		drawn = drawn[:0]
		for _, l := range loads {
			drawn = append(drawn, Load{N: l.N, X: s.at(l.N) * math.Exp(residuals[rng.IntN(len(residuals))])})
		}
		return drawn
	}, float64(free)
}

// withinGroups draws from measurements of the same concurrency, at least 2 of
// each.
func withinGroups(groups [][]Load, rng *rand.Rand) (draw func() []Load, freedom float64) {
	means := make([]float64, len(groups))
	distances := make([][]float64, len(groups))
	var all float64 // measurements less one of each concurrency
	var sum, squares float64
	for i, g := range groups {
		m := float64(len(g))
		for _, l := range g {
			distances[i] = append(distances[i], math.Log(l.X))
		}
		means[i] = center(distances[i], math.Sqrt(m/(m-1)))
		var v float64
		for _, d := range distances[i] {
			v += d * d / m
		}
		sum, squares, all = sum+v, squares+v*v/(m-1), all+m-1
	}
	freedom = all
	if sum > 0 {
		freedom = sum * sum / squares
	}
	var drawn []Load
	return func() []Load {
		drawn = drawn[:0]
		for i, g := range groups {
			for range g {
				drawn = append(drawn, Load{N: g[0].N, X: math.Exp(means[i] + distances[i][rng.IntN(len(g))])})
			}
		}
		return drawn
	}, freedom
}

// center makes values distances from their mean, stretched.
func center(values []float64, stretch float64) (mean float64) {
	mean = Mean(values)
	for i := range values {
		values[i] = (values[i] - mean) * stretch
	}
	return mean
}
