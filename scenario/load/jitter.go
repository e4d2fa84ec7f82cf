package load

import "time"

// Uniform is a metronome with jitter: the n-th call is due at a uniformly drawn
// place within its own slot of 1/rate, so that calls neither bunch up nor keep
// time.
type Uniform struct {
	// Jitter is how much of the slot the call may be anywhere in; 1 is all.
	Jitter float64 `yaml:"jitter" unit:"share" doc:"share of the slot of 1/rate within which a call is due; 100% when left out"`
}

// SetDefaults implements the decoder's hook.
func (u *Uniform) SetDefaults() { u.Jitter = 1 }

// Validate returns what is wrong.
func (u *Uniform) Validate() []Problem {
	if !(u.Jitter > 0 && u.Jitter <= 1) {
		return []Problem{problem("jitter", "must be > 0%% and at most 100%% (got %v)", u.Jitter)}
	}
	return nil
}

// Schedule implements Process.
func (u *Uniform) Schedule(ratePerSecond float64, seed uint64) Schedule {
	return &uniform{rate: ratePerSecond, jitter: u.Jitter, draws: source(seed)}
}

type uniform struct {
	rate, jitter float64
	i            uint64
	draws        source
}

// Next stays within its slot, so the next cannot come before it.
func (u *uniform) Next() time.Duration {
	at := (float64(u.i) + u.jitter*u.draws.uniform()) / u.rate * float64(time.Second)
	u.i++
	return offset(at)
}
