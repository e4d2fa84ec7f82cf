package fakeserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// ErrFault is what AddFault and RemoveFault wrap when it is the caller's mistake.
var ErrFault = errors.New("fault")

// FaultState is one fault of a fleet, as it is now.
type FaultState struct {
	Name, Kind string
	Added      bool // by AddFault; else it is of the configuration
	Open       bool // its window is, on some backend; that of a momentary fault never
	// Met is the attempts, or windows, that met it since the last Reset.
	Met int64
}

// liveFault is a fault that is in force, until it is removed or Reset.
type liveFault struct {
	rule  fault.Rule
	name  string
	added bool
}

// configuredFaults are those that a fleet has after Configure and Reset.
func configuredFaults(c Config) []liveFault {
	all := make([]liveFault, len(c.Faults))
	for i, name := range fault.Labels(c.Faults) {
		all[i] = liveFault{rule: c.Faults[i], name: name}
	}
	return all
}

// AddFault adds a fault, whose At counts from now, to those of the
// configuration, until RemoveFault or Reset. It returns the name under which it
// is counted: the rule's own, which must be free, or one made of its kind.
func (f *Fleet) AddFault(r fault.Rule) (name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, set := f.clock.at(time.Now())
	switch {
	case f.closed:
		return "", ErrClosed
	case len(f.backends) == 0:
		return "", fmt.Errorf("%w: the fleet is not configured yet", ErrFault)
	case !set:
		return "", fmt.Errorf("%w: the fleet's clock is not set yet", ErrFault)
	}
	if err := errors.Join(r.Validate(), f.config.validateWhere(r), f.config.validateNeeds(r)); err != nil {
		return "", fmt.Errorf("%w: %w", ErrFault, field.Full(err))
	}
	one := Config{Faults: []fault.Rule{r}}
	if one.onWire() && !f.config.onWire() {
		return "", fmt.Errorf("%w: %s needs backends that follow the frames of their connections, as they do when the configuration has a fault of this kind, if only one that never comes",
			ErrFault, r.Inject.Kind())
	}
	if name = r.Name; name == "" {
		name = f.freeName(r.Inject.Kind())
	} else if f.named(name) >= 0 {
		return "", fmt.Errorf("%w: the name %q is taken", ErrFault, name)
	}
	r.At += at
	number := f.numbered
	f.numbered++
	for _, b := range f.backends {
		if b.life != nil {
			b.life.addFault(r, number, name, one.needsSubject())
		}
	}
	f.faults = append(f.faults, liveFault{rule: r, name: name, added: true})
	return name, nil
}

// RemoveFault ends a fault. One of the configuration is back after Reset.
// Attempts that have met it already are not let off.
func (f *Fleet) RemoveFault(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.named(name)
	if i < 0 {
		return fmt.Errorf("%w: there is none of the name %q%s", ErrFault, name, f.names())
	}
	for _, b := range f.backends {
		if b.life != nil {
			b.life.dropFault(name)
		}
	}
	f.faults = slices.Delete(f.faults, i, i+1)
	return nil
}

// Faults lists the faults that are in force.
func (f *Fleet) Faults() []FaultState {
	f.mu.Lock()
	defer f.mu.Unlock()
	met := map[string]int64{}
	for _, b := range f.backends {
		for rule, n := range b.snapshot().Rules {
			met[rule] += n
		}
	}
	at, set := f.clock.at(time.Now())
	var all []FaultState
	for _, l := range f.faults {
		s := FaultState{Name: l.name, Kind: l.rule.Inject.Kind(), Added: l.added, Met: met[l.name]}
		for _, b := range f.backends {
			own, concerned := l.rule.ForBackend(b.number)
			s.Open = s.Open || set && concerned && own.Open(at) && !own.Momentary()
		}
		all = append(all, s)
	}
	return all
}

// named is the place of a fault in force; -1 is that there is none. mu must be
// held.
func (f *Fleet) named(name string) int {
	return slices.IndexFunc(f.faults, func(l liveFault) bool { return l.name == name })
}

// freeName is kind, or kind with the first number that is free: status, status2.
// mu must be held.
func (f *Fleet) freeName(kind string) string {
	name := kind
	for n := 2; f.named(name) >= 0; n++ {
		name = fmt.Sprintf("%s%d", kind, n)
	}
	return name
}

func (f *Fleet) names() string {
	var names []string
	for _, l := range f.faults {
		names = append(names, l.name)
	}
	if len(names) == 0 {
		return ", nor any other"
	}
	return "; there are " + strings.Join(names, ", ")
}

// addFault puts a rule in force on the backend.
func (f *life) addFault(r fault.Rule, number int, name string, bySubject bool) {
	account := f.books.rule(name, r.Inject.Kind())
	if bySubject {
		f.service.subjects.Store(true)
	}
	f.service.rules.add(r, number, account)
	f.windows.add(r, account)
}

func (f *life) dropFault(name string) {
	f.service.rules.drop(name)
	f.windows.drop(name)
}
