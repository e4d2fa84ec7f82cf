package retry

import (
	"math"
	"time"
)

// Exponential multiplies the wait from retry to retry:
// min(base·multiplier^(n−1), max).
type Exponential struct{}

func (*Exponential) wait(p *Policy, n int) time.Duration {
	// In floating point, so that a large power ends at max and not past the
	// end of a Duration.
	return duration(min(float64(p.Base)*math.Pow(p.Multiplier, float64(n-1)), float64(p.Max)))
}
