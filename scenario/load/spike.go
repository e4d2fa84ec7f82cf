package load

import (
	"time"
)

// Spike is a sudden load that goes again.
type Spike struct {
	Times float64       `yaml:"times" doc:"factor during the spike; 3 when left out"`
	At    time.Duration `yaml:"at" doc:"when it begins; 5s when left out"`
	For   time.Duration `yaml:"for" doc:"how long it lasts; 1s when left out"`
}

// SetDefaults implements the decoder's hook.
func (s *Spike) SetDefaults() { s.Times, s.At, s.For = 3, 5*time.Second, time.Second }

// Validate returns what is wrong.
func (s *Spike) Validate() []Problem {
	out := append(factorOf("times", s.Times), notBefore("at", s.At)...)
	return append(out, longer("for", s.For)...)
}

func (s *Spike) profile() Profile {
	var l pieces
	l = l.flat(s.At.Seconds(), 1)
	l = l.flat(s.For.Seconds(), s.Times)
	return l.flat(1, 1)
}
