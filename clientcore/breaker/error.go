package breaker

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrOpen is what every error of a call that a breaker refused is.
var ErrOpen = errors.New("breaker: the circuit breaker is open")

// OpenError is the error of a call that was not admitted, and so never sent. Its
// status is UNAVAILABLE; errors.Is(err, ErrOpen) holds.
type OpenError struct {
	// Name is the method or the backend that the breaker is of, "" for the
	// client; with Scope Backend, "" is all backends.
	Name  string
	Scope Scope
	State State // Open, or HalfOpen with as many probes under way as it lets through
	// RetryIn is how long the breaker stays open.
	RetryIn time.Duration
	Reason  string // why it is in this state
}

// Error says what is open, why, and for how long.
func (e *OpenError) Error() string {
	text := e.what()
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.RetryIn > 0 {
		text += fmt.Sprintf(", next try in %v", e.RetryIn.Round(time.Millisecond))
	}
	return text
}

// what says what is open.
func (e *OpenError) what() string {
	switch {
	case e.Scope == Backend && e.Name == "":
		return "breaker: the circuit breakers of all backends are open"
	case e.State == HalfOpen:
		return "breaker: the circuit breaker" + e.of() + " is half open and its probes are under way"
	default:
		return "breaker: the circuit breaker" + e.of() + " is open"
	}
}

func (e *OpenError) of() string {
	if e.Name == "" {
		return ""
	}
	return " of " + e.Name
}

// GRPCStatus is UNAVAILABLE, and says what is open. Why, and for how long, only
// Error says: whoever counts failures by the message of their status has one for
// all refusals of a breaker.
func (e *OpenError) GRPCStatus() *status.Status { return status.New(codes.Unavailable, e.what()) }

// Is reports whether target is ErrOpen.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// Origin is "breaker".
func (e *OpenError) Origin() string { return "breaker" }
