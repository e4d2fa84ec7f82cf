package load

import (
	"math"
	"time"
)

// Sine is load that comes and goes like the day.
type Sine struct {
	Period time.Duration `yaml:"period" doc:"from peak to peak; 10s when left out"`
	Swing  float64       `yaml:"swing" unit:"share" doc:"how far above and below the mean, as a share of it; 50% when left out"`
}

// SetDefaults implements the decoder's hook.
func (s *Sine) SetDefaults() { s.Period, s.Swing = 10*time.Second, 0.5 }

// Validate returns what is wrong.
func (s *Sine) Validate() []Problem {
	out := longer("period", s.Period)
	if !(s.Swing > 0 && s.Swing <= 1) {
		out = append(out, problem("swing", "must be > 0%% and at most 100%% (got %v)", s.Swing))
	}
	return out
}

func (s *Sine) profile() Profile {
	return wave{omega: 2 * math.Pi / s.Period.Seconds(), swing: s.Swing}
}

// wave is the profile 1 + swing·sin(ωt).
type wave struct{ omega, swing float64 }

func (w wave) Factor(t float64) float64 { return max(0, 1+w.swing*math.Sin(w.omega*t)) }

// Area is t + swing·(1 − cos ωt)/ω, with 1 − cos x = 2 sin²(x/2), which does
// not cancel.
func (w wave) Area(t float64) float64 {
	s := math.Sin(w.omega * t / 2)
	return t + 2*w.swing*s*s/w.omega
}

// Inverse halves the interval between the bounds that the swing allows until
// it is below what a float64 of that size resolves.
func (w wave) Inverse(area float64) float64 {
	if math.IsInf(area, 0) || area > 1e12 {
		return area
	}
	low, high := max(0, area-2*w.swing/w.omega), area
	for range 100 {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			break
		}
		if w.Area(middle) <= area {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

func (w wave) Reaches(t, factor float64) float64 {
	switch {
	case w.Factor(t) >= factor:
		return t
	case factor > w.Peak():
		return math.Inf(1)
	}
	// Below the factor now: it is reached on the next way up, at the phase
	// asin of what it takes.
	period := 2 * math.Pi / w.omega
	at := math.Asin((factor-1)/w.swing) / w.omega
	return at + period*math.Ceil((t-at)/period)
}

func (w wave) Peak() float64 { return 1 + w.swing }
