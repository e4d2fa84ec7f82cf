package load

import (
	"time"
)

// Steps is a staircase.
type Steps struct {
	From  float64       `yaml:"from" doc:"factor of the first step; 0.2 when left out"`
	To    float64       `yaml:"to" doc:"factor of the last step, which stays; 1 when left out"`
	Count int           `yaml:"count" doc:"steps; 5 when left out"`
	Every time.Duration `yaml:"every" doc:"how long each takes; 5s when left out"`
}

// SetDefaults implements the decoder's hook.
func (s *Steps) SetDefaults() { s.From, s.To, s.Count, s.Every = 0.2, 1, 5, 5*time.Second }

// Validate returns what is wrong.
func (s *Steps) Validate() []Problem {
	out := append(factorOf("from", s.From), factorOf("to", s.To)...)
	if s.Count < 2 || s.Count > 1000 {
		out = append(out, problem("count", "must be from 2 to 1000 (got %d)", s.Count))
	}
	return append(out, longer("every", s.Every)...)
}

func (s *Steps) profile() Profile {
	var l pieces
	for i := range s.Count {
		l = l.flat(s.Every.Seconds(), s.From+(s.To-s.From)*float64(i)/float64(s.Count-1))
	}
	return l
}
