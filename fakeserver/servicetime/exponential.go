package servicetime

import (
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Exponential is the memoryless distribution: the M in M/M/1.
type Exponential struct {
	Average time.Duration `yaml:",value" doc:"the mean service time"`
}

// Draw implements Distribution: −mean·ln(1 − u).
func (e *Exponential) Draw(s draw.Stream) time.Duration {
	return nanoseconds(-float64(e.Average) * math.Log1p(-s.Float64()))
}

// Mean implements Distribution.
func (e *Exponential) Mean() time.Duration { return e.Average }

// Random implements Distribution.
func (e *Exponential) Random() bool { return true }

// Validate implements Distribution.
func (e *Exponential) Validate() error {
	if e.Average <= 0 {
		return field.New("", "must be > 0 (got %v)", e.Average)
	}
	return nil
}
