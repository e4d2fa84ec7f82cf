package load

import "math"

// source is a sequence of draws: splitmix64 from a seed.
type source uint64

// uniform is the next draw, uniform on the open interval (0, 1).
func (s *source) uniform() float64 {
	u := unit(uint64(*s))
	*s += gamma
	return u
}

// unit is a draw that follows from x alone, uniform on the open interval (0, 1).
func unit(x uint64) float64 { return (float64(splitmix(x)>>11) + 0.5) * 0x1p-53 }

// normal is the standard normal quantile of u.
func normal(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }
