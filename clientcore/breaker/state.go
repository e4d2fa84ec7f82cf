package breaker

import (
	"fmt"
	"time"
)

// State is a breaker's state.
type State int

// The states.
const (
	Closed   State = iota // every call is admitted
	Open                  // none is
	HalfOpen              // a few probes are
)

// String is closed, open or half_open.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half_open"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// Change is one change of a breaker's state.
type Change struct {
	// Name is what the breaker is of: "" for the client, else a method without
	// its leading slash, or a backend's address.
	Name     string
	From, To State
	At       time.Time
	// Reason is why, for people.
	Reason string
}

// Outcome is what a call says of its backend.
type Outcome int

// The outcomes.
const (
	// Neither says nothing: the caller gave up, or the call was never sent.
	Neither Outcome = iota
	Success
	Failure
)
