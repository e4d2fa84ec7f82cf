package load

import "time"

// Bursts is calls that come in groups, all of one group at the same time, the
// groups like independent users: a compound Poisson process. The rate counts
// calls, so groups come at rate ÷ size.
type Bursts struct {
	Size int `yaml:"size" doc:"calls that come at once; 10 when left out"`
}

// SetDefaults implements the decoder's hook.
func (b *Bursts) SetDefaults() { b.Size = 10 }

// Validate returns what is wrong.
func (b *Bursts) Validate() []Problem {
	if b.Size < 1 || b.Size > maxBurst {
		return []Problem{problem("size", "must be from 1 to %d (got %d)", maxBurst, b.Size)}
	}
	return nil
}

const maxBurst = 100_000

// Schedule implements Process.
func (b *Bursts) Schedule(ratePerSecond float64, seed uint64) Schedule {
	size := max(1, b.Size)
	return &bursts{groups: new(Poisson).Schedule(ratePerSecond/float64(size), seed), size: size}
}

type bursts struct {
	groups Schedule
	at     time.Duration
	size   int
	left   int // of the group
}

func (b *bursts) Next() time.Duration {
	if b.left == 0 {
		b.at, b.left = b.groups.Next(), b.size
	}
	b.left--
	return b.at
}
