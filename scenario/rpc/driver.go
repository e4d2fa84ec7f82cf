// Package rpc makes the calls of a load entry: one driver per RPC kind, over a
// grpc.ClientConnInterface. It knows the service contract and nothing of
// policies, pacing or recording.
package rpc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// CallIDKey is the metadata key that tells the fleet which call an attempt
// belongs to, so that its draws are the same in every variant.
const CallIDKey = "grpcbench-call"

// Spec says what one load entry calls.
type Spec struct {
	// Method is the full method name without a leading slash:
	// user.v1.UserService/GetUser.
	Method string
	// Messages is the number of messages per stream; unused for unary calls.
	Messages int
	// RequestBytes and ResponseBytes are payload sizes per message.
	RequestBytes, ResponseBytes int64
	// SendCallID adds the call's id as metadata CallIDKey.
	SendCallID bool
	// UserKey is the metadata key that a call's user is sent as, where the
	// request cannot tell it in time: client and bidi streams. "" is none.
	UserKey string
}

// Call is what a driver is told of a call, and what it reports.
type Call struct {
	ID   string // sent when the Spec says so
	Seed uint64 // what the call's own draws follow from

	First time.Time       // when the first response message of a stream came
	Gaps  []time.Duration // between consecutive response messages; reused
}

// Driver makes one call at a time; it may keep buffers between calls.
type Driver interface {
	// Do makes one call to its end. The error carries the gRPC status.
	Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error
}

// New returns a maker of drivers, one for each worker. It fails on a method
// that it does not know.
func New(spec Spec) (func() Driver, error) {
	for _, k := range kinds() {
		if k.method == spec.Method {
			shared := newShared(spec)
			return func() Driver { return k.driver(shared) }, nil
		}
	}
	return nil, fmt.Errorf("no driver for method %q", spec.Method)
}

// shared is what all drivers of a load entry have in common. Read only.
type shared struct {
	Spec
	payload []byte
	users   []string
}

// userCount is how many users calls are spread over, evenly.
const userCount = 10_000

func newShared(spec Spec) *shared {
	s := &shared{Spec: spec, payload: make([]byte, spec.RequestBytes), users: make([]string, userCount)}
	for i := range s.payload {
		s.payload[i] = byte(i * 31) // not one that compression makes vanish at once
	}
	for i := range s.users {
		s.users[i] = fmt.Sprintf("user-%05d", i)
	}
	return s
}

// user is the call's user, drawn from its seed.
func (s *shared) user(call *Call) string { return s.users[call.Seed%userCount] }

func (s *shared) context(ctx context.Context, call *Call) context.Context {
	if !s.SendCallID {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, CallIDKey, call.ID)
}

// keyedContext is context for a call whose request has no field of the user, or comes
// only after the backend is picked: a balancer that goes by the user finds it in
// the metadata.
func (s *shared) keyedContext(ctx context.Context, call *Call) context.Context {
	if s.UserKey != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, s.UserKey, s.user(call))
	}
	return s.context(ctx, call)
}

// received notes a response message of a stream.
func (c *Call) received(last *time.Time) {
	now := time.Now()
	if c.First.IsZero() {
		c.First = now
	} else {
		c.Gaps = append(c.Gaps, now.Sub(*last))
	}
	*last = now
}
