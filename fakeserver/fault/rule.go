// Package fault holds what can go wrong, one fault per file. When and for whom
// it happens (window, probability, match) is the Rule's business, outside the
// fault.
package fault

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Rule is one line of a scenario's `faults`.
type Rule struct {
	Name string `yaml:"name" doc:"name in tables and results; the fault's kind when left out"`
	// At and For are the window, counted from t0 on the fleet's clock: the
	// rule is judged when an attempt arrives. For 0 lasts to the end.
	At  time.Duration `yaml:"at" doc:"start of the window, counted from the start of measurement; negative reaches into the warm-up"`
	For time.Duration `yaml:"for" doc:"length of the window; to the end when left out"`
	// Probability is the share of matching attempts that meet the fault. Nil
	// is all of them.
	Probability *float64 `yaml:"probability" unit:"share" doc:"share of matching attempts that meet the fault; all when left out"`
	Where       Where    `yaml:"where" doc:"which attempts, or backends, it is for; all when left out"`
	Inject      Inject   `yaml:"inject" doc:"the fault"`
}

// Where narrows a Rule. Empty fields match everything.
type Where struct {
	Backends []int  `yaml:"backends" doc:"numbers of backends, from 0"`
	Method   string `yaml:"method" doc:"name of a method, such as GetUser"`
}

// Label is the rule's name, or its fault's kind where it has none.
func (r Rule) Label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Inject.Kind()
}

// end is when the window ends; ok is false when it never does.
func (r Rule) end() (at time.Duration, ok bool) {
	if r.For == 0 || r.At > math.MaxInt64-r.For {
		return 0, false
	}
	return r.At + r.For, true
}

// Open reports whether the window is open at a time of the fleet's clock: it
// includes At and excludes At + For.
func (r Rule) Open(at time.Duration) bool {
	end, ends := r.end()
	return at >= r.At && (!ends || at < end)
}

// Next returns when, after at, the window next opens or ends; ok is false when
// it never does.
func (r Rule) Next(at time.Duration) (change time.Duration, ok bool) {
	if at < r.At {
		return r.At, true
	}
	end, ends := r.end()
	return end, ends && at < end
}

// Random reports whether chance decides which attempts meet the fault.
func (r Rule) Random() bool {
	return r.Probability != nil && *r.Probability > 0 && *r.Probability < 1
}

// Validate returns the fields that are wrong, joined. Whether the method and
// the backends of Where exist is the fleet's to say.
func (r Rule) Validate() error {
	var errs []error
	if r.For < 0 {
		errs = append(errs, field.New("for", "must be > 0, or left out to last to the end (got %v)", r.For))
	}
	if p := r.Probability; p != nil && !(*p >= 0 && *p <= 1) {
		errs = append(errs, field.New("probability", "must be from 0%% to 100%% (got %v)", *p))
	}
	switch r.Inject.count() {
	case 0:
		errs = append(errs, field.New("inject", "must name a fault"))
	case 1:
		kind, f := r.Inject.chosen()
		errs = append(errs, field.Under("inject."+kind, f.Validate()), validateWindow(r, f))
		if _, ok := f.(OnBackend); ok {
			if r.Probability != nil {
				errs = append(errs, field.New("probability", "must be left out: %s befalls a backend, not single calls", kind))
			}
			if r.Where.Method != "" {
				errs = append(errs, field.New("where.method", "must be left out: %s befalls a backend, not single calls", kind))
			}
		}
	default:
		errs = append(errs, field.New("inject", "must be one fault (got %d)", r.Inject.count()))
	}
	return errors.Join(errs...)
}
