package servicetime

import (
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Fixed is the same service time for every call.
type Fixed struct {
	Time time.Duration `yaml:",value" doc:"the service time"`
}

// Draw implements Distribution.
func (f *Fixed) Draw(draw.Stream) time.Duration { return f.Time }

// Mean implements Distribution.
func (f *Fixed) Mean() time.Duration { return f.Time }

// Random implements Distribution.
func (f *Fixed) Random() bool { return false }

// Validate implements Distribution.
func (f *Fixed) Validate() error {
	if f.Time <= 0 {
		return field.New("", "must be > 0 (got %v)", f.Time)
	}
	return nil
}
