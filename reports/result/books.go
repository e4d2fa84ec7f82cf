package result

import (
	"errors"
	"fmt"
)

// Check returns an error when the series' books do not hold:
// Planned = Calls + Dropped and Calls = Σ Codes + Unfinished.
func (s *Series) Check() error {
	var errs []error
	if s.Planned != s.Calls+s.Dropped {
		errs = append(errs, fmt.Errorf("planned %d ≠ calls %d + dropped %d", s.Planned, s.Calls, s.Dropped))
	}
	var coded int64
	for _, n := range s.Codes {
		coded += n
	}
	if s.Calls != coded+s.Unfinished {
		errs = append(errs, fmt.Errorf("calls %d ≠ codes %d + unfinished %d", s.Calls, coded, s.Unfinished))
	}
	return errors.Join(errs...)
}

// Add records a finding; the verdict becomes the worst of all.
func (v *Validity) Add(r Reason) {
	v.Reasons = append(v.Reasons, r)
	v.Verdict = Worst(v.Verdict, r.Verdict)
}

// Worst is the worse of two verdicts. A verdict that this version does not
// know is INVALID; none at all counts for nothing.
func Worst(a, b Verdict) Verdict {
	if a.badness() >= b.badness() {
		return a.known()
	}
	return b.known()
}

func (v Verdict) badness() int {
	switch v {
	case "":
		return 0
	case Valid:
		return 1
	case Suspect:
		return 2
	}
	return 3
}

func (v Verdict) known() Verdict {
	if v.badness() == 3 {
		return Invalid
	}
	return v
}
