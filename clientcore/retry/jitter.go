package retry

// spread is a jitter: it places a wait of b nanoseconds by u in [0, 1).
type spread interface {
	apply(b, u float64) float64
}

// NoJitter is the wait itself.
type NoJitter struct{}

func (*NoJitter) apply(b, _ float64) float64 { return b }

// Equal keeps half of the wait and spreads the other half: U(b/2, b).
type Equal struct{}

func (*Equal) apply(b, u float64) float64 { return b/2 + b/2*u }

// Full spreads the whole wait: U(0, b).
type Full struct{}

func (*Full) apply(b, u float64) float64 { return b * u }

// Percent moves the wait by up to a share of it, either way: b·U(1−p, 1+p).
type Percent struct {
	// Percent is p in percent: 0 to 100.
	Percent float64 `yaml:",value" doc:"the most by which a wait is shortened or lengthened, in percent"`
}

// SetDefaults is 10 percent.
func (p *Percent) SetDefaults() { p.Percent = 10 }

func (p *Percent) apply(b, u float64) float64 { return b * (1 + p.Percent/100*(2*u-1)) }
