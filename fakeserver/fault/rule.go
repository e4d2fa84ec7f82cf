// Package fault holds what can go wrong, one fault per file. When and for whom
// it happens (window, selection, match) is the Rule's business, outside the
// fault.
package fault

import (
	"errors"
	"fmt"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Rule is one line of a scenario's `faults`: a fault, when it happens (the
// window), to whom it can happen (Where) and to which of those it does (all of
// them, or one of Probability, Nth and Burst).
type Rule struct {
	Name string `yaml:"name" doc:"name in tables and results; the fault's kind when left out"`
	// At, For, Every and Stagger are the window: see window.go.
	At      time.Duration `yaml:"at" doc:"start of the window, counted from the start of measurement; negative reaches into the warm-up"`
	For     time.Duration `yaml:"for" doc:"length of the window; to the end when left out"`
	Every   time.Duration `yaml:"every" doc:"the window repeats with this period; once when left out"`
	Stagger time.Duration `yaml:"stagger" doc:"each backend's window comes this much later than that of the one before it"`
	// Probability, Nth and Burst select: see selection.go.
	Probability *float64 `yaml:"probability" unit:"share" doc:"share of matching attempts that meet the fault; all when left out"`
	Nth         *int     `yaml:"nth" doc:"calls number n, 2n, 3n of a load entry meet the fault"`
	Burst       *Burst   `yaml:"burst" doc:"so many calls in a row of a load entry meet the fault, then none for a while"`
	Where       Where    `yaml:"where" doc:"which attempts, or backends, it is for; all when left out"`
	Inject      Inject   `yaml:"inject" doc:"the fault"`
}

// Label is the rule's name, or its fault's kind where it has none.
func (r Rule) Label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Inject.Kind()
}

// Labels are the labels of rules, all different: those of rules without a name
// are told apart by their places in the list where they have to be, status[2].
func Labels(rules []Rule) []string {
	times := map[string]int{}
	for _, r := range rules {
		times[r.Label()]++
	}
	labels := make([]string, len(rules))
	for i, r := range rules {
		if labels[i] = r.Label(); r.Name == "" && times[labels[i]] > 1 {
			labels[i] = fmt.Sprintf("%s[%d]", labels[i], i)
		}
	}
	return labels
}

// Validate returns the fields that are wrong, joined. Whether the method and
// the backends of Where exist is the fleet's to say.
func (r Rule) Validate() error {
	errs := []error{r.validateWindow(), r.validateSelection(), field.Under("where", r.Where.validate())}
	switch r.Inject.count() {
	case 0:
		errs = append(errs, field.New("inject", "must name a fault"))
	case 1:
		kind, f := r.Inject.chosen()
		errs = append(errs, field.Under("inject."+kind, f.Validate()), validateWindow(r, f))
		if _, onCall := f.(OnCall); !onCall {
			for _, name := range r.callSettings() {
				errs = append(errs, field.New(name, "must be left out: %s befalls a backend, not single calls", kind))
			}
		} else if r.Where.Kind != "" && r.Where.Kind.known() && !r.Meets(r.Where.Kind) {
			errs = append(errs, field.New("where.kind", "must not be %s: no such call can meet this %s", r.Where.Kind, kind))
		}
	default:
		errs = append(errs, field.New("inject", "must be one fault (got %d)", r.Inject.count()))
	}
	return errors.Join(errs...)
}

// Meets reports whether calls of a kind can meet the rule's fault, whatever
// its Where says.
func (r Rule) Meets(k RPCKind) bool {
	_, f := r.Inject.chosen()
	some, limited := f.(OnSome)
	return !limited || some.Meets(k)
}

// callSettings are the settings in use that tell one call from another: what a
// fault that befalls a whole backend has no use for.
func (r Rule) callSettings() []string {
	var names []string
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"probability", r.Probability != nil},
		{"nth", r.Nth != nil},
		{"burst", r.Burst != nil},
		{"where.method", r.Where.Method != ""},
		{"where.kind", r.Where.Kind != ""},
		{"where.metadata", len(r.Where.Metadata) > 0},
		{"where.attempt", r.Where.Attempt != nil},
	} {
		if s.set {
			names = append(names, s.name)
		}
	}
	return names
}
