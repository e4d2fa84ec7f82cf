package load

import (
	"math"
	"time"
)

// Profile is how the rate of an open loop, or the number of workers of a closed
// one, changes over the measurement: a factor on what the load entry says. Times
// are seconds from the start of the measurement.
type Profile interface {
	// Factor is the factor at a time, ≥ 0.
	Factor(t float64) float64
	// Area is ∫ Factor from 0 to t.
	Area(t float64) float64
	// Inverse is the latest time with Area ≤ area; +Inf when the area never
	// grows beyond it.
	Inverse(area float64) float64
	// Reaches is the first time from t on at which the factor is at least that;
	// +Inf when there is none.
	Reaches(t, factor float64) float64
	// Peak is the largest factor.
	Peak() float64
}

// Shaped is the schedule of a process whose rate follows a profile. The
// process runs in operational time, in which it has the rate 1, and the n-th
// call is due when the integral of the rate has come to where it stands there
// (the time change of Çinlar, Introduction to Stochastic Processes, 4.7): a
// Poisson process stays one, a metronome makes exactly ⌊∫rate⌋ calls.
func Shaped(p Process, ratePerSecond float64, profile Profile, seed uint64) Schedule {
	return &shaped{units: p.Schedule(1, seed), rate: ratePerSecond, profile: profile}
}

type shaped struct {
	units   Schedule
	rate    float64
	profile Profile
	last    time.Duration
}

func (s *shaped) Next() time.Duration {
	u := s.units.Next()
	if u == never {
		return never
	}
	at := s.profile.Inverse(u.Seconds() / s.rate)
	// Rounding never turns time round.
	s.last = max(s.last, offset(at*float64(time.Second)))
	return s.last
}

// Nothing is the schedule without calls.
type Nothing struct{}

// Next implements Schedule.
func (Nothing) Next() time.Duration { return never }

// pieces is a profile of straight lines. The last one goes on at its end.
type pieces []piece

// piece is a straight line from (from, low) to (to, high). Pieces follow each
// other without a gap, each longer than 0; the factor may jump between them.
type piece struct{ from, to, low, high float64 }

func (p piece) at(t float64) float64 {
	return p.low + (p.high-p.low)*(t-p.from)/(p.to-p.from)
}

// area is ∫ from the piece's begin to t, which lies within it.
func (p piece) area(t float64) float64 { return (t - p.from) * (p.low + p.at(t)) / 2 }

func (l pieces) end() (at, factor float64) {
	last := l[len(l)-1]
	return last.to, last.high
}

func (l pieces) Factor(t float64) float64 {
	for _, p := range l {
		if t < p.to {
			return p.at(max(t, p.from))
		}
	}
	_, factor := l.end()
	return factor
}

func (l pieces) Area(t float64) float64 {
	var sum float64
	for _, p := range l {
		if t < p.to {
			return sum + p.area(max(t, p.from))
		}
		sum += p.area(p.to)
	}
	at, factor := l.end()
	return sum + (t-at)*factor
}

func (l pieces) Inverse(area float64) float64 {
	for _, p := range l {
		whole := p.area(p.to)
		if area < whole {
			return p.inverse(area)
		}
		area -= whole
	}
	at, factor := l.end()
	if factor == 0 {
		return math.Inf(1)
	}
	return at + area/factor
}

// inverse is the time at which the piece has that much of its area, less than
// all. With s the slope, (low + √(low² + 2s·area)) is what the line's height
// twice the mean comes to: the form without cancellation.
func (p piece) inverse(area float64) float64 {
	if area <= 0 && p.low > 0 {
		return p.from
	}
	slope := (p.high - p.low) / (p.to - p.from)
	d := math.Sqrt(max(0, p.low*p.low+2*slope*area))
	if p.low+d == 0 {
		return p.from
	}
	return min(p.to, p.from+2*area/(p.low+d))
}

func (l pieces) Reaches(t, factor float64) float64 {
	for _, p := range l {
		if t >= p.to {
			continue
		}
		from := max(t, p.from)
		switch {
		case p.at(from) >= factor:
			return from
		case p.high >= factor:
			return p.from + (factor-p.low)/(p.high-p.low)*(p.to-p.from)
		}
	}
	if at, last := l.end(); last >= factor {
		return max(t, at)
	}
	return math.Inf(1)
}

func (l pieces) Peak() float64 {
	peak := 0.0
	for _, p := range l {
		peak = max(peak, p.low, p.high)
	}
	return peak
}

// flat appends a piece of one factor.
func (l pieces) flat(seconds, factor float64) pieces { return l.line(seconds, factor, factor) }

// line appends a straight line. One of no length is left out.
func (l pieces) line(seconds, low, high float64) pieces {
	from := 0.0
	if len(l) > 0 {
		from, _ = l.end()
	}
	if seconds <= 0 {
		return l
	}
	return append(l, piece{from: from, to: from + seconds, low: low, high: high})
}
