package hashkey

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrNoKey is that a call has no key to hash.
var ErrNoKey = errors.New("the call has no hash key")

// Error is a call without a key, as INVALID_ARGUMENT. errors.Is knows it as
// ErrNoKey.
type Error struct{ message string }

func (k *Key) noKey(method, why string) *Error {
	return &Error{fmt.Sprintf("consistent_hash: %s has no key: %s; set metadata %s", method, why, k.header)}
}

func (e *Error) Error() string { return e.message }

// GRPCStatus is INVALID_ARGUMENT with the message.
func (e *Error) GRPCStatus() *status.Status { return status.New(codes.InvalidArgument, e.message) }

// Is tells ErrNoKey.
func (e *Error) Is(target error) bool { return target == ErrNoKey }

// Origin is the client: nothing was sent.
func (e *Error) Origin() string { return "client" }
