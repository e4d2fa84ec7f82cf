// Package fakeserver is the fleet: fake servers that behave, and misbehave, as
// a scenario says, and account for every attempt they receive.
package fakeserver

import (
	"errors"
	"fmt"
	"slices"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

// Config is what a fleet is made of. It crosses to a child process as JSON.
type Config struct {
	Backends int `yaml:"backends" doc:"how many servers"`
	// ServiceTime is how long serving one call takes, of whichever kind: it
	// begins when the request is complete (for a bidi stream, with the first
	// message) and a slot is free, and ends before the first answer. Unset is
	// no time at all.
	ServiceTime servicetime.Choice `yaml:"service_time" doc:"how long serving one call takes"`
	// Concurrency is the calls that one backend serves at once; 0 is no limit.
	Concurrency int `yaml:"concurrency" doc:"calls that one backend serves at once; unlimited when left out"`
	// Queue is the calls that wait for a slot on one backend; one more is
	// refused with RESOURCE_EXHAUSTED. Nil is no limit.
	Queue  *int         `yaml:"queue" doc:"calls that wait for a slot; one more is refused with RESOURCE_EXHAUSTED; unlimited when left out"`
	Faults []fault.Rule `yaml:"faults" doc:"what goes wrong, when and for whom"`
}

// maxBackends keeps a slip of the pen from opening every port there is.
const maxBackends = 1000

// Default is one backend that answers at once and never fails.
func Default() Config { return Config{Backends: 1} }

// Validate returns the fields that are wrong, joined; each implements
// Field() string.
func (c Config) Validate() error {
	var errs []error
	if c.Backends < 1 || c.Backends > maxBackends {
		errs = append(errs, field.New("backends", "must be from 1 to %d (got %d)", maxBackends, c.Backends))
	}
	errs = append(errs, field.Under("service_time", c.ServiceTime.Validate()))
	if c.Concurrency < 0 {
		errs = append(errs, field.New("concurrency", "must be >= 0, where 0 is no limit (got %d)", c.Concurrency))
	}
	if c.Queue != nil {
		switch {
		case *c.Queue < 0:
			errs = append(errs, field.New("queue", "must be >= 0 (got %d)", *c.Queue))
		case c.Concurrency == 0:
			errs = append(errs, field.New("queue", "must come with concurrency: without that no call ever waits"))
		}
	}
	for i, r := range c.Faults {
		errs = append(errs, field.Under(fmt.Sprintf("faults[%d]", i), errors.Join(r.Validate(), c.validateName(i), c.validateWhere(r))))
	}
	return errors.Join(errs...)
}

// validateName checks that a rule's name is its own: counts are kept by it.
func (c Config) validateName(rule int) error {
	name := c.Faults[rule].Name
	if first := slices.IndexFunc(c.Faults, func(r fault.Rule) bool { return r.Name == name }); name != "" && first < rule {
		return field.New("name", "must be unique: faults[%d] is named %q already", first, name)
	}
	return nil
}

// validateWhere checks what only the fleet knows: its backends and methods.
func (c Config) validateWhere(r fault.Rule) error {
	var errs []error
	w := r.Where
	for i, b := range w.Backends {
		if b < 0 || b >= c.Backends {
			errs = append(errs, field.New(fmt.Sprintf("where.backends[%d]", i), "must be from 0 to %d (got %d)", c.Backends-1, b))
		}
	}
	if w.Method != "" {
		m, known := findMethod(w.Method)
		switch {
		case !known:
			errs = append(errs, field.New("where.method", "must be one of %s (got %q)", methodNames(), w.Method))
		case w.Kind != "" && w.Kind != m.kind():
			errs = append(errs, field.New("where.kind", "must be left out, or %s as %s is", m.kind(), m.short()))
		case w.Kind == "" && !r.Meets(m.kind()):
			errs = append(errs, field.New("where.method", "must not be %s, which is %s: no such call can meet this %s", m.short(), m.kind(), r.Inject.Kind()))
		}
	}
	if r.Stagger > 0 && c.Backends == 1 {
		errs = append(errs, field.New("stagger", "must be left out: the fleet has one backend, and nothing comes after it"))
	}
	return errors.Join(errs...)
}

// NeedsCallID reports whether it matters which call it is that a backend
// serves: then the client must send metadata grpcbench-call, or calls are told
// apart by the order of their arrival, which differs from run to run.
func (c Config) NeedsCallID() bool {
	return c.ServiceTime.Random() || slices.ContainsFunc(c.Faults, fault.Rule.ByCall)
}

// needsSubject reports whether anything goes by the call or the attempt.
func (c Config) needsSubject() bool {
	return c.NeedsCallID() || slices.ContainsFunc(c.Faults, func(r fault.Rule) bool { return r.Where.Attempt != nil })
}

// onWire reports whether a fault needs the frames of connections followed.
func (c Config) onWire() bool {
	return slices.ContainsFunc(c.Faults, func(r fault.Rule) bool {
		_, below := r.Inject.OnCall().(fault.OnWire)
		return below
	})
}
