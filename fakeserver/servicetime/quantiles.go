package servicetime

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// beyond is how far a distribution reaches past its outermost quantiles where
// no Min or Max says so: a tenth of the lowest, ten times the highest.
const beyond = 10

// Quantiles is a distribution through given quantiles, of which there must be
// two or more besides Min and Max: written out, or in a file.
//
// Between two of them the logarithm of the time is linear in the normal
// quantile Φ⁻¹(p): each piece is a piece of a lognormal distribution. Below the lowest and above the highest the
// outermost piece goes on, as far as Min and Max, or where those are left out
// a tenth of the lowest and ten times the highest.
type Quantiles struct {
	// File is a table of quantiles; see ReadPoints. What is in it are Points.
	File string         `yaml:"file" json:",omitempty" doc:"CSV file with lines such as p99,40ms, instead of quantiles written here"`
	Min  *time.Duration `yaml:"min" doc:"shortest service time; a tenth of the lowest quantile when left out"`
	P50  *time.Duration `yaml:"p50" doc:"median"`
	P75  *time.Duration `yaml:"p75" doc:"75th percentile"`
	P90  *time.Duration `yaml:"p90" doc:"90th percentile"`
	P95  *time.Duration `yaml:"p95" doc:"95th percentile"`
	P99  *time.Duration `yaml:"p99" doc:"99th percentile"`
	P999 *time.Duration `yaml:"p99.9" doc:"99.9th percentile"`
	Max  *time.Duration `yaml:"max" doc:"longest service time; ten times the highest quantile when left out"`

	Points []Point `yaml:"-" json:",omitempty"`
}

// quantile is one given quantile.
type quantile struct {
	name string
	p    float64
	time *time.Duration
}

// given lists the quantiles that are set, from low to high.
func (q *Quantiles) given() []quantile {
	all := [...]quantile{
		{"p50", 0.5, q.P50}, {"p75", 0.75, q.P75}, {"p90", 0.9, q.P90},
		{"p95", 0.95, q.P95}, {"p99", 0.99, q.P99}, {"p99.9", 0.999, q.P999},
	}
	set := make([]quantile, 0, len(all)+len(q.Points))
	for i := range q.Points {
		x := &q.Points[i]
		set = append(set, quantile{x.name(), x.P, &x.Time})
	}
	for _, x := range all {
		if x.time != nil {
			set = append(set, x)
		}
	}
	return set
}

// piece is t = exp(a + b·z) for z, the normal quantile, in [from, to).
type piece struct{ from, to, a, b float64 }

// pieces covers the whole line with the curve: a constant where it is bounded,
// the outermost pieces prolonged, and the pieces between given quantiles.
func (q *Quantiles) pieces() []piece {
	points := q.given()
	log := func(i int) float64 { return math.Log(float64(*points[i].time)) }
	var ps []piece
	for i := 1; i < len(points); i++ {
		from, to := normalQuantile(points[i-1].p), normalQuantile(points[i].p)
		b := (log(i) - log(i-1)) / (to - from)
		ps = append(ps, piece{from, to, log(i) - b*to, b})
	}
	least, most := q.bounds(points)
	first, last := &ps[0], &ps[len(ps)-1]
	// Prolong to where the curve meets its bound; a level piece never does.
	low, high := math.Inf(-1), math.Inf(1)
	if first.b > 0 {
		low = math.Min(first.from, (math.Log(least)-first.a)/first.b)
	}
	if last.b > 0 {
		high = math.Max(last.to, (math.Log(most)-last.a)/last.b)
	}
	first.from, last.to = low, high
	ps = append(ps, piece{high, math.Inf(1), math.Log(most), 0})
	return append([]piece{{math.Inf(-1), low, math.Log(least), 0}}, ps...)
}

func (q *Quantiles) bounds(points []quantile) (least, most float64) {
	least = float64(*points[0].time) / beyond
	if q.Min != nil {
		// A time of 0 has no logarithm; a nanosecond is as good.
		least = math.Max(float64(*q.Min), 1)
	}
	most = float64(*points[len(points)-1].time) * beyond
	if q.Max != nil {
		most = float64(*q.Max)
	}
	return least, most
}

// Draw implements Distribution.
func (q *Quantiles) Draw(s draw.Stream) time.Duration { return q.prepare().Draw(s) }

// prepare implements preparer: a draw costs far less than the curve.
func (q *Quantiles) prepare() Sampler { return curve(q.pieces()) }

// curve is the pieces of a Quantiles, worked out once.
type curve []piece

func (c curve) Draw(s draw.Stream) time.Duration {
	z := -normalQuantile(1 - s.Float64())
	i := 0
	for i < len(c)-1 && z >= c[i].to {
		i++
	}
	p := c[i]
	if p.b == 0 {
		return nanoseconds(math.Exp(p.a)) // z may be infinite here
	}
	return nanoseconds(math.Exp(p.a + p.b*z))
}

// Mean implements Distribution. Over one piece ∫ exp(a + bz)·φ(z) dz is
// exp(a + b²/2)·(Φ(to − b) − Φ(from − b)).
func (q *Quantiles) Mean() time.Duration {
	if q.unread() {
		return 1 // not nothing; more is known when the file is read
	}
	var sum float64
	for _, p := range q.pieces() {
		sum += math.Exp(p.a+p.b*p.b/2) * (normalCDF(p.b-p.from) - normalCDF(p.b-p.to))
	}
	return nanoseconds(sum)
}

// Random implements Distribution.
func (q *Quantiles) Random() bool { return true }

// Validate implements Distribution.
func (q *Quantiles) Validate() error {
	var errs []error
	points := q.given()
	if q.File != "" {
		if len(points) > len(q.Points) {
			errs = append(errs, field.New("file", "must be alone: the quantiles are in the file, or written here, not both"))
			return errors.Join(errs...)
		}
		if len(q.Points) == 0 {
			return nil // to be read
		}
	}
	if len(points) < 2 {
		errs = append(errs, field.New("", "must give at least two of p50, p75, p90, p95, p99, p99.9 (got %d)", len(points)))
	}
	if q.Min != nil && *q.Min < 0 {
		errs = append(errs, field.New("min", "must be >= 0 (got %v)", *q.Min))
	}
	before := quantile{"min", 0, q.Min}
	for _, x := range append(points, quantile{"max", 1, q.Max}) {
		if x.time == nil {
			continue
		}
		switch {
		case *x.time <= 0:
			errs = append(errs, field.New(x.name, "must be > 0 (got %v)", *x.time))
		case before.time != nil && *x.time < *before.time:
			errs = append(errs, field.New(x.name, "must be >= %s, %v (got %v)", before.name, *before.time, *x.time))
		}
		before = x
	}
	return errors.Join(errs...)
}
