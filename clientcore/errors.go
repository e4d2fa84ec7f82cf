package clientcore

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/cause"
	"github.com/grpcbench/grpcbench/clientcore/internal/hashkey"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// ErrNoKey is the error of a call that has no key for the consistent hash of its
// Client. Its type is *NoKeyError; it was not sent.
var ErrNoKey = hashkey.ErrNoKey

// NoKeyError says why a call has no key. Its status is INVALID_ARGUMENT.
type NoKeyError = hashkey.Error

// OriginOf is where the error of a call came from, as far as the error alone
// tells; "" for nil. What a layer of the client refused says so itself. Beyond
// that a Trace knows more: whether DEADLINE_EXCEEDED is the server's answer or
// the call's own time that ran out, and whether UNAVAILABLE in grpc-go's words
// came from a server that passes on what it was told. Here DEADLINE_EXCEEDED is
// OriginDeadline, and CANCELED is OriginClient.
func OriginOf(err error) Origin {
	if err == nil {
		return ""
	}
	var own interface{ Origin() string }
	if errors.As(err, &own) {
		return Origin(own.Origin())
	}
	st, ok := status.FromError(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), st.Code() == codes.DeadlineExceeded:
		return OriginDeadline
	case !ok, st.Code() == codes.Canceled, cause.Client(err):
		return OriginClient
	case cause.ConnectionLost(err):
		return OriginTransport
	}
	return OriginServer
}

// Retryable reports whether a call that ended with err may end otherwise when it
// is made again: its code is one of retry.DefaultCodes, it is not a mistake of
// this process, such as a message that is too large, the balancer has not dropped
// it, and no retry budget has refused another attempt. A Client has then used up the
// attempts of its policy; who makes the call again waits first, and not for calls
// that must not be done twice.
func Retryable(err error) bool {
	return err != nil && !errors.Is(err, retry.ErrBudget) && !cause.Client(err) && !cause.Dropped(err) &&
		slices.Contains(retry.DefaultCodes(), status.Code(err))
}
