package balance

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrNoBackend is what every NoBackendError is, to errors.Is.
var ErrNoBackend = errors.New("balancer: no backend can be picked")

// NoBackendError is the error of an attempt for which the balancer had no
// backend: none could be connected to, or the resolver knows none. It was not
// sent. Its status is UNAVAILABLE and says what grpc-go says of it.
type NoBackendError struct{ err error }

// Error is grpc-go's error.
func (e *NoBackendError) Error() string { return e.err.Error() }

// Unwrap is grpc-go's error.
func (e *NoBackendError) Unwrap() error { return e.err }

// Is reports whether target is ErrNoBackend.
func (e *NoBackendError) Is(target error) bool { return target == ErrNoBackend }

// GRPCStatus is the status that the attempt ended with.
func (e *NoBackendError) GRPCStatus() *status.Status { return status.Convert(e.err) }

// Origin is "balancer".
func (e *NoBackendError) Origin() string { return "balancer" }

// noBackend marks what a picker says of a call that it has no backend for.
// grpc-go makes a status of it, of which only the text is left: so the text is
// the mark, by which Typed finds it again.
const noBackend = "no backend can be picked: "

// marked is a picker's error with the mark of its sort. That the picker has none yet
// stays as it is, for grpc-go waits on it.
func marked(err error) error {
	if err == balancer.ErrNoSubConnAvailable {
		return err
	}
	if _, final := status.FromError(err); final {
		return dropped(err)
	}
	return errors.New(noBackend + err.Error())
}

// Typed is next, whose attempts that no backend could be picked for end with a
// NoBackendError.
func Typed(next grpc.ClientConnInterface) grpc.ClientConnInterface { return typed{next} }

type typed struct{ next grpc.ClientConnInterface }

func (t typed) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	err := t.next.Invoke(ctx, method, args, reply, opts...)
	if err != nil {
		err = recognised(err)
	}
	return err
}

func (t typed) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := t.next.NewStream(ctx, desc, method, opts...)
	if err != nil {
		return nil, recognised(err)
	}
	return s, nil
}

func recognised(err error) error {
	if st, ok := status.FromError(err); ok && st.Code() == codes.Unavailable && strings.HasPrefix(st.Message(), noBackend) {
		return &NoBackendError{err}
	}
	return err
}
