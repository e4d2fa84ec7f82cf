// Package further is what retries and hedges have in common: how the attempts
// of one call are told apart, which failures are worth another, and what a
// server says of that (gRFC A6).
package further

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Metadata of gRFC A6: what the client says with each further attempt, and how
// the server asks for patience.
const (
	previousAttempts = "grpc-previous-rpc-attempts"
	pushbackMillis   = "grpc-retry-pushback-ms"
)

// Numbered is the context of the attempt that follows on made others.
func Numbered(ctx context.Context, made int) context.Context {
	if made == 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, previousAttempts, strconv.Itoa(made))
}

// Pushback is the wait that the server asked for. It is not ok when the server
// asks not to be tried again: by a negative number, or by anything else that is
// no wait, as gRFC A6 has it.
func Pushback(trailer metadata.MD) (wait time.Duration, asked, ok bool) {
	values := trailer[pushbackMillis]
	if len(values) == 0 {
		return 0, false, false
	}
	millis, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || len(values) > 1 || millis < 0 {
		return 0, true, false
	}
	if millis > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64, true, true
	}
	return time.Duration(millis) * time.Millisecond, true, true
}

// Split takes OnFinish, which is for the call and not for an attempt, from
// opts. Without any it returns opts themselves.
func Split(opts []grpc.CallOption) (attempts []grpc.CallOption, finishers []func(error)) {
	for _, opt := range opts {
		if finish, ok := opt.(grpc.OnFinishCallOption); ok {
			finishers = append(finishers, finish.OnFinish)
		}
	}
	if finishers == nil {
		return opts, nil
	}
	for _, opt := range opts {
		if _, finish := opt.(grpc.OnFinishCallOption); !finish {
			attempts = append(attempts, opt)
		}
	}
	return attempts, finishers
}
