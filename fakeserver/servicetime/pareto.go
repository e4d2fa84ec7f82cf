package servicetime

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Pareto is the power law: P(T > t) = (Min/t)^Alpha for t ≥ Min. What would be
// longer than Max takes Max.
type Pareto struct {
	Min   time.Duration `yaml:"min" doc:"shortest service time"`
	Alpha float64       `yaml:"alpha" doc:"how fast the tail thins out, > 1: at 1.16 a fifth of the calls is four fifths of the work"`
	Max   time.Duration `yaml:"max" doc:"longest service time; unlimited when left out"`
}

// Draw implements Distribution: Min·(1 − u)^(−1/Alpha).
func (p *Pareto) Draw(s draw.Stream) time.Duration {
	t := float64(p.Min) * math.Pow(1-s.Float64(), -1/p.Alpha)
	if p.Max > 0 {
		t = min(t, float64(p.Max))
	}
	return nanoseconds(t)
}

// Mean implements Distribution: Min + ∫ P(T > t) dt from Min to Max, which is
// Min·(Alpha − (Min/Max)^(Alpha−1))/(Alpha − 1).
func (p *Pareto) Mean() time.Duration {
	cut := 0.0
	if p.Max > 0 {
		cut = math.Pow(float64(p.Min)/float64(p.Max), p.Alpha-1)
	}
	return nanoseconds(float64(p.Min) * (p.Alpha - cut) / (p.Alpha - 1))
}

// Random implements Distribution.
func (p *Pareto) Random() bool { return p.Max != p.Min }

// Validate implements Distribution.
func (p *Pareto) Validate() error {
	var errs []error
	if p.Min <= 0 {
		errs = append(errs, field.New("min", "must be > 0 (got %v)", p.Min))
	}
	if !(p.Alpha > 1) || math.IsInf(p.Alpha, 0) {
		errs = append(errs, field.New("alpha", "must be > 1, or the mean were infinite (got %v)", p.Alpha))
	}
	if p.Max != 0 && p.Max < p.Min {
		errs = append(errs, field.New("max", "must be >= min, %v (got %v)", p.Min, p.Max))
	}
	return errors.Join(errs...)
}
