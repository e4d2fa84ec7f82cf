package servicetime

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Lognormal is the lognormal distribution with the given median and 99th
// percentile: μ = ln P50, σ = ln(P99/P50) ÷ Φ⁻¹(0.99).
type Lognormal struct {
	P50 time.Duration `yaml:"p50" doc:"median service time"`
	P99 time.Duration `yaml:"p99" doc:"99th percentile of the service time"`
}

// Draw implements Distribution.
func (l *Lognormal) Draw(s draw.Stream) time.Duration {
	u := s.Float64()
	return nanoseconds(float64(l.P50) * math.Exp(-l.sigma()*normalQuantile(1-u)))
}

// Mean implements Distribution: P50·exp(σ²/2).
func (l *Lognormal) Mean() time.Duration {
	sigma := l.sigma()
	return nanoseconds(float64(l.P50) * math.Exp(sigma*sigma/2))
}

// Random implements Distribution.
func (l *Lognormal) Random() bool { return l.P50 != l.P99 }

// Validate implements Distribution.
func (l *Lognormal) Validate() error {
	var errs []error
	if l.P50 <= 0 {
		errs = append(errs, field.New("p50", "must be > 0 (got %v)", l.P50))
	}
	switch {
	case l.P99 <= 0:
		errs = append(errs, field.New("p99", "must be > 0 (got %v)", l.P99))
	case l.P99 < l.P50:
		errs = append(errs, field.New("p99", "must be >= p50, %v (got %v)", l.P50, l.P99))
	}
	return errors.Join(errs...)
}

func (l *Lognormal) sigma() float64 {
	return math.Log(float64(l.P99)/float64(l.P50)) / normalQuantile(0.99)
}
