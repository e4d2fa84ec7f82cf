package load

import (
	"time"
)

// Ramp changes the load in a straight line.
type Ramp struct {
	From float64       `yaml:"from" doc:"factor at the begin; 0 when left out"`
	To   float64       `yaml:"to" doc:"factor at the end, which stays; 1 when left out"`
	At   time.Duration `yaml:"at" doc:"when it begins; 0s when left out"`
	Over time.Duration `yaml:"over" doc:"how long it takes; 10s when left out"`
}

// SetDefaults implements the decoder's hook.
func (r *Ramp) SetDefaults() { r.To, r.Over = 1, 10*time.Second }

// Validate returns what is wrong.
func (r *Ramp) Validate() []Problem {
	out := append(factorOf("from", r.From), factorOf("to", r.To)...)
	out = append(out, notBefore("at", r.At)...)
	return append(out, longer("over", r.Over)...)
}

func (r *Ramp) profile() Profile {
	var l pieces
	l = l.flat(r.At.Seconds(), r.From)
	return l.line(r.Over.Seconds(), r.From, r.To)
}
