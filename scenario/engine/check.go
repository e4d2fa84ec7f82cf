package engine

import (
	"errors"
	"fmt"
	"math"
)

// check finds what would make the plan meaningless. The scenario has been
// validated long before, with positions; this guards the engine's own API.
func (p *Plan) check() error {
	switch {
	case p.Measure <= 0:
		return fmt.Errorf("measure: must be > 0 (got %v)", p.Measure)
	case p.Warmup < 0:
		return fmt.Errorf("warmup: must be >= 0 (got %v)", p.Warmup)
	case p.Drain < 0:
		return fmt.Errorf("drain: must be >= 0 (got %v)", p.Drain)
	case !(p.ClosedPerS >= 0) || math.IsInf(p.ClosedPerS, 0):
		return fmt.Errorf("closed loops' rate: must be >= 0 and finite (got %v)", p.ClosedPerS)
	case len(p.Entries) == 0:
		return errors.New("no load entries")
	}
	names := make(map[string]bool, len(p.Entries))
	for i := range p.Entries {
		e := &p.Entries[i]
		if err := e.check(); err != nil {
			return fmt.Errorf("load entry %d (%s): %w", i, e.Name, err)
		}
		// Seeds follow from names: two entries of one name would draw the same.
		if names[e.Name] {
			return fmt.Errorf("two load entries are named %q", e.Name)
		}
		names[e.Name] = true
	}
	return nil
}

func (e *Entry) check() error {
	switch {
	case e.NewCaller == nil:
		return errors.New("no NewCaller")
	case e.Process != nil && e.Workers != 0:
		return errors.New("has both an arrival process and workers")
	case e.Process == nil && e.Workers <= 0:
		return fmt.Errorf("needs an arrival process or workers > 0 (got %d)", e.Workers)
	case e.Process != nil && (!(e.RatePerSecond > 0) || math.IsInf(e.RatePerSecond, 0)):
		return fmt.Errorf("rate must be > 0 and finite (got %v)", e.RatePerSecond)
	case e.Process != nil && e.MaxInFlight <= 0:
		return fmt.Errorf("max in flight must be > 0 (got %d)", e.MaxInFlight)
	case e.Session < 0:
		return fmt.Errorf("session must be >= 0 calls (got %d)", e.Session)
	case e.Process == nil && e.Session > 0:
		return errors.New("sessions need an arrival process")
	case e.Profile != nil && !(e.Profile.Peak() > 0 && e.Profile.Peak() < math.MaxInt32):
		return fmt.Errorf("the profile's peak must be > 0 and finite (got %v)", e.Profile.Peak())
	case e.Think < 0:
		return fmt.Errorf("think must be >= 0 (got %v)", e.Think)
	}
	return nil
}

// open says whether the entry is an open loop.
func (e *Entry) open() bool { return e.Process != nil }
