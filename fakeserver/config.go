// Package fakeserver is the fleet: fake servers that behave, and misbehave, as
// a scenario says, and account for every attempt they receive.
package fakeserver

import (
	"github.com/grpcbench/grpcbench/fakeserver/fault"
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
