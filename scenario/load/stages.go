package load

import (
	"fmt"
	"time"
)

// Stages is a list of stages, one after the other; the last factor stays.
type Stages struct {
	List []Stage `yaml:",value" doc:"stages, one after the other"`
}

// Stage is a stretch of time with one factor (At), or one that goes in a
// straight line from where the stage before ended (To).
type Stage struct {
	For time.Duration `yaml:"for" doc:"how long it lasts"`
	At  *float64      `yaml:"at" doc:"factor throughout; either this or to"`
	To  *float64      `yaml:"to" doc:"factor at the end, reached in a straight line from where the stage before ended (from 0 in the first)"`
}

// Validate returns what is wrong.
func (s *Stages) Validate() []Problem {
	var out []Problem
	if len(s.List) == 0 || len(s.List) > 1000 {
		return []Problem{problem("", "needs from 1 to 1000 stages, such as {for: 10s, at: 0.5} (got %d)", len(s.List))}
	}
	for i, stage := range s.List {
		at := fmt.Sprintf("[%d]", i)
		out = append(out, longer(at+".for", stage.For)...)
		switch {
		case (stage.At == nil) == (stage.To == nil):
			out = append(out, problem(at, "needs either at (a factor throughout) or to (a straight line to a factor)"))
		case stage.At != nil:
			out = append(out, factorOf(at+".at", *stage.At)...)
		default:
			out = append(out, factorOf(at+".to", *stage.To)...)
		}
	}
	return out
}

func (s *Stages) profile() Profile {
	var l pieces
	last := 0.0
	for _, stage := range s.List {
		if stage.At != nil {
			last = *stage.At
			l = l.flat(stage.For.Seconds(), last)
			continue
		}
		l = l.line(stage.For.Seconds(), last, *stage.To)
		last = *stage.To
	}
	return l
}
