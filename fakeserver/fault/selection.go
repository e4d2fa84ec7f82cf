package fault

import (
	"errors"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Selecting is pure: whether a rule selects an attempt follows from the seed,
// the block, the rule's number and the subject alone, so that the same call
// meets the same faults in every variant, process and run.

// Burst selects by the call's ordinal: of each Every calls in a row of a load
// entry, the first Size.
type Burst struct {
	Size  int `yaml:"size" doc:"calls in a row that meet the fault"`
	Every int `yaml:"every" doc:"calls from the beginning of one burst to that of the next"`
}

// Subject is the attempt that a rule selects or not.
type Subject struct {
	// Call identifies the call, Attempt counts its attempts from 1. Chance is
	// drawn for both: a retry is another draw.
	Call, Attempt uint64
	// Ordinal is the call's place in its load entry (in a closed loop: of its
	// worker), from 0. Nth and Burst go by it, for every attempt at the call.
	Ordinal uint64
}

// ByCall reports whether it matters which call it is: then clients must say
// so.
func (r Rule) ByCall() bool {
	chance := r.Probability != nil && *r.Probability > 0 && *r.Probability < 1
	return chance || r.Nth != nil || r.Burst != nil
}

// Selects reports whether a matching attempt meets the fault. number is the
// rule's place in the list: each rule draws for itself.
func (r *Rule) Selects(seed draw.Seed, number int, who Subject) bool {
	switch {
	case r.Nth != nil:
		return (who.Ordinal+1)%uint64(*r.Nth) == 0
	case r.Burst != nil:
		return who.Ordinal%uint64(r.Burst.Every) < uint64(r.Burst.Size)
	case r.Probability != nil:
		s := seed.For(draw.Fault, number, who.Call, who.Attempt)
		return s.Float64() < *r.Probability
	}
	return true
}

func (r Rule) validateSelection() error {
	var errs []error
	if p := r.Probability; p != nil && !(*p >= 0 && *p <= 1) {
		errs = append(errs, field.New("probability", "must be from 0%% to 100%% (got %v)", *p))
	}
	if r.Nth != nil && *r.Nth < 1 {
		errs = append(errs, field.New("nth", "must be >= 1 (got %d)", *r.Nth))
	}
	if b := r.Burst; b != nil {
		if b.Size < 1 {
			errs = append(errs, field.New("burst.size", "must be >= 1 (got %d)", b.Size))
		} else if b.Every <= b.Size {
			errs = append(errs, field.New("burst.every", "must be > size (got %d, size %d)", b.Every, b.Size))
		}
	}
	switch {
	case r.Nth != nil && r.Probability != nil:
		errs = append(errs, field.New("nth", "must be left out: probability selects already"))
	case r.Burst != nil && r.Probability != nil:
		errs = append(errs, field.New("burst", "must be left out: probability selects already"))
	case r.Burst != nil && r.Nth != nil:
		errs = append(errs, field.New("burst", "must be left out: nth selects already"))
	}
	return errors.Join(errs...)
}
