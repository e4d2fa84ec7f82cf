package load

import (
	"math"
	"time"
)

// Constant spaces calls evenly, 1/rate apart; the first is due at once.
type Constant struct{}

// Schedule implements Process. The seed has no part in it.
func (*Constant) Schedule(ratePerSecond float64, _ uint64) Schedule {
	return &constant{rate: ratePerSecond}
}

type constant struct {
	rate float64
	i    uint64
}

// Next computes i/rate from the ordinal: a sum of rounded gaps would drift.
func (c *constant) Next() time.Duration {
	at := float64(c.i) / c.rate * float64(time.Second)
	c.i++
	return offset(at)
}

// never is later than any phase: there is no next call.
const never = time.Duration(math.MaxInt64)

// offset rounds nanoseconds to a Duration; times beyond its range become its
// largest value, which no phase reaches.
func offset(ns float64) time.Duration {
	if !(ns < math.MaxInt64) {
		return never
	}
	return time.Duration(math.Round(ns))
}
