package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrFull is what every FullError is, to errors.Is.
var ErrFull = errors.New("no channel has room for the call")

// FullError is the error of a call whose context ended while it waited for a
// channel with room. The call was not sent. It unwraps to the context's error,
// and its status has the code of that: DEADLINE_EXCEEDED or CANCELED.
type FullError struct {
	// Limit is Config.MaxInFlight.
	Limit int
	// Waited is how long the call waited for room.
	Waited time.Duration

	cause error
}

// Error says what was waited for.
func (e *FullError) Error() string {
	return fmt.Sprintf("pool: no channel had room for the call within %v (max_in_flight is %d, pool.size may be too small): %v",
		e.Waited, e.Limit, e.cause)
}

// Is makes e an ErrFull.
func (e *FullError) Is(target error) bool { return target == ErrFull }

// Unwrap is the context's error.
func (e *FullError) Unwrap() error { return e.cause }

// Origin is where the error comes from, as the books of a trial have it.
func (e *FullError) Origin() string { return "pool" }

// GRPCStatus is the status that the call ended with.
func (e *FullError) GRPCStatus() *status.Status {
	code := codes.Canceled
	if errors.Is(e.cause, context.DeadlineExceeded) {
		code = codes.DeadlineExceeded
	}
	return status.New(code, e.Error())
}
