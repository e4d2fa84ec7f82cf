package servicetime

import (
	"errors"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Uniform is evenly spread over [Min, Max].
type Uniform struct {
	Min time.Duration `yaml:"min" doc:"shortest service time"`
	Max time.Duration `yaml:"max" doc:"longest service time"`
}

// Draw implements Distribution.
func (u *Uniform) Draw(s draw.Stream) time.Duration {
	return nanoseconds(float64(u.Min) + s.Float64()*float64(u.Max-u.Min))
}

// Mean implements Distribution.
func (u *Uniform) Mean() time.Duration { return u.Min + (u.Max-u.Min)/2 }

// Random implements Distribution.
func (u *Uniform) Random() bool { return u.Min != u.Max }

// Validate implements Distribution.
func (u *Uniform) Validate() error {
	var errs []error
	if u.Min < 0 {
		errs = append(errs, field.New("min", "must be >= 0 (got %v)", u.Min))
	}
	switch {
	case u.Max <= 0:
		errs = append(errs, field.New("max", "must be > 0 (got %v)", u.Max))
	case u.Max < u.Min:
		errs = append(errs, field.New("max", "must be >= min, %v (got %v)", u.Min, u.Max))
	}
	return errors.Join(errs...)
}
