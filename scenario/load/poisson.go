package load

import (
	"math"
	"time"
)

// Poisson is the arrival process of many independent users: gaps are
// exponential with mean 1/rate. With one seed, schedules of different rates
// are the same schedule stretched.
type Poisson struct{}

// Schedule implements Process.
func (*Poisson) Schedule(ratePerSecond float64, seed uint64) Schedule {
	return &poisson{mean: float64(time.Second) / ratePerSecond, draws: source(seed)}
}

type poisson struct {
	mean  float64 // nanoseconds
	draws source
	units float64 // the sum of unit-mean gaps so far
}

// Next draws the next gap by inversion, −ln U with U uniform on the open
// interval (0, 1). The sum is kept in units of the mean, so that rounding to
// whole nanoseconds does not accumulate.
func (p *poisson) Next() time.Duration {
	p.units -= math.Log(p.draws.uniform())
	return offset(p.units * p.mean)
}
