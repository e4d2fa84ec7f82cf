package servicetime

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Normal is the normal distribution, cut off at 0: what would be negative is
// drawn again, so to speak, which moves the mean up a little when StdDev is
// large against Mean.
type Normal struct {
	Center time.Duration `yaml:"mean" doc:"centre of the bell curve"`
	StdDev time.Duration `yaml:"stddev" doc:"standard deviation of the bell curve"`
}

// Draw implements Distribution. It inverts the distribution function on what
// is left of it above 0.
func (n *Normal) Draw(s draw.Stream) time.Duration {
	if n.StdDev == 0 {
		return n.Center
	}
	m, sd := float64(n.Center), float64(n.StdDev)
	// Counting from the upper end keeps precision in the tail that matters.
	above := normalCDF(m/sd) * (1 - s.Float64())
	return nanoseconds(m - sd*normalQuantile(above))
}

// Mean implements Distribution: μ + σ·φ(α)/(1 − Φ(α)) with α = −μ/σ.
func (n *Normal) Mean() time.Duration {
	if n.StdDev == 0 {
		return n.Center
	}
	m, sd := float64(n.Center), float64(n.StdDev)
	density := math.Exp(-(m/sd)*(m/sd)/2) / math.Sqrt(2*math.Pi)
	return nanoseconds(m + sd*density/normalCDF(m/sd))
}

// Random implements Distribution.
func (n *Normal) Random() bool { return n.StdDev != 0 }

// Validate implements Distribution.
func (n *Normal) Validate() error {
	var errs []error
	if n.Center <= 0 {
		errs = append(errs, field.New("mean", "must be > 0 (got %v)", n.Center))
	}
	if n.StdDev < 0 {
		errs = append(errs, field.New("stddev", "must be >= 0 (got %v)", n.StdDev))
	}
	return errors.Join(errs...)
}
