package load

import (
	"fmt"
	"time"
)

// Problem is one wrong setting: which, and what is wrong with it.
type Problem struct {
	Field string // below the choice's kind: jitter, stages[1].for
	Text  string
}

func problem(field, format string, args ...any) Problem {
	return Problem{Field: field, Text: fmt.Sprintf(format, args...)}
}

// validated is a kind that can be wrong.
type validated interface{ Validate() []Problem }

// problemsOf is what is wrong with a kind, below its name in the document.
func problemsOf(name string, kind any) []Problem {
	v, ok := kind.(validated)
	if !ok {
		return nil
	}
	out := v.Validate()
	for i := range out {
		if f := out[i].Field; f == "" || f[0] == '[' {
			out[i].Field = name + f
		} else {
			out[i].Field = name + "." + f
		}
	}
	return out
}

// maxFactor keeps a mistaken factor from asking for a rate beyond all bounds.
const maxFactor = 1000

func factorOf(field string, v float64) []Problem {
	if !(v >= 0 && v <= maxFactor) {
		return []Problem{problem(field, "must be a factor from 0 to %d (got %v)", maxFactor, v)}
	}
	return nil
}

func notBefore(field string, d time.Duration) []Problem {
	if d < 0 {
		return []Problem{problem(field, "must be >= 0 (got %v)", d)}
	}
	return nil
}

func longer(field string, d time.Duration) []Problem {
	if d <= 0 {
		return []Problem{problem(field, "must be > 0 (got %v)", d)}
	}
	return nil
}
