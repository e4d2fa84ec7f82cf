// Package rpc makes the calls of a load entry: one driver per RPC kind, over a
// grpc.ClientConnInterface. It knows the service contract, and methods that have
// only a descriptor, and nothing of policies, pacing or recording.
package rpc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// CallIDKey is the metadata key that tells the fleet which call an attempt
// belongs to, so that its draws are the same in every variant.
const CallIDKey = "grpcbench-call"

// Spec says what one load entry calls.
type Spec struct {
	// Method is the full method name without a leading slash:
	// user.v1.UserService/GetUser.
	Method string
	// Own is set for a method that is known by its descriptor only. The sizes, users
	// and ids below are then unused; Messages of 0 sends as many as Own has.
	Own *Own
	// Messages is the number of messages per stream; unused for unary calls.
	Messages int
	// Every is the time from one message that the client sends to the next:
	// the n-th is due n·Every after the call was. 0 is without pause, after the
	// answer to the one before where there is one.
	Every time.Duration
	// Sleep waits until a message is due; nil is plain timers. It serves
	// several goroutines at once.
	Sleep func(ctx context.Context, until time.Time) error
	// RequestBytes and ResponseBytes are payload sizes per message.
	RequestBytes, ResponseBytes int64
	// RequestSize and ResponseSize draw them instead, each from a message's
	// seed; RequestBytes is then the largest. Nil is always the same.
	RequestSize, ResponseSize func(seed uint64) int64
	// User draws the call's user, one of Users, from its seed; nil is evenly.
	User func(seed uint64) int
	// SendCallID adds the call's id as metadata CallIDKey.
	SendCallID bool
	// UserKey is the metadata key that a call's user is sent as, where the
	// request cannot tell it in time: client and bidi streams. "" is none.
	// KeyAlways is that nobody looks into requests, and every call sends it.
	UserKey   string
	KeyAlways bool
}

// Call is what a driver is told of a call, and what it reports.
type Call struct {
	ID     string    // sent when the Spec says so
	Seed   uint64    // what the call's own draws follow from
	Number uint64    // counts the calls of the load entry in its phase
	Warmup bool      // which phase that is
	Due    time.Time // when it was to begin: paced messages count from it
	// Answers takes the response messages; nil is nobody.
	Answers Answers

	First time.Time       // when the first response message of a stream came
	Gaps  []time.Duration // between consecutive response messages; reused
	// Responses are those of paced messages, each from when it was due; reused.
	Responses []time.Duration
	// Lags are how late each paced message but the first was sent, after it was due
	// and the one before had gone; reused.
	Lags []time.Duration
}

// Answers takes the response messages of a call as they come. That is timed, so it
// is to be quick: what it makes of them can wait until the call has ended.
type Answers interface {
	// Add takes a message that stays as it is until the driver's next call.
	Add(protoreflect.Message)
	// AddEncoded takes one in its encoded form, which stays as it is until the next
	// AddEncoded or the driver's next call.
	AddEncoded([]byte)
}

// Driver makes one call at a time; it may keep buffers between calls.
type Driver interface {
	// Do makes one call to its end. The error carries the gRPC status.
	Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error
}

// New returns a maker of drivers, one for each worker. It fails on a method
// that it does not know.
func New(spec Spec) (func() Driver, error) {
	if spec.Own != nil {
		return newDynamic(spec)
	}
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
	names   string
}

// Users is how many users calls are spread over.
const Users = 10_000

func newShared(spec Spec) *shared {
	s := &shared{Spec: spec, payload: make([]byte, spec.RequestBytes), names: names()}
	if s.User == nil {
		s.User = func(seed uint64) int { return int(seed % Users) }
	}
	for i := range s.payload {
		s.payload[i] = byte(i * 31) // not one that compression makes vanish at once
	}
	return s
}

// names is those of all users, one after the other: a call's name is then not
// one of ten thousand strings that are anywhere in memory.
var names = sync.OnceValue(func() string {
	all := make([]byte, 0, Users*nameBytes)
	for i := range Users {
		all = fmt.Appendf(all, "user-%05d", i)
	}
	return string(all)
})

// nameBytes is how long each user's name is.
const nameBytes = len("user-00000")

// name is the i-th user's.
func (s *shared) name(i int) string { return s.names[i*nameBytes : (i+1)*nameBytes] }

// user is the call's user, drawn from its seed.
func (s *shared) user(call *Call) string { return s.name(s.User(call.Seed)) }

// The draws of a message that are kept apart from those of its user.
const (
	drawRequest  = 0x726571 // "req"
	drawResponse = 0x726573 // "res"
)

// request is the payload of the call's n-th request message.
func (s *shared) request(call *Call, n int) []byte {
	if s.RequestSize == nil {
		return s.payload
	}
	return s.payload[:s.RequestSize(mix(call.Seed, drawRequest, n))]
}

// response is the size to ask of the call's n-th response message.
func (s *shared) response(call *Call, n int) int32 {
	if s.ResponseSize == nil {
		return int32(s.ResponseBytes)
	}
	return int32(s.ResponseSize(mix(call.Seed, drawResponse, n)))
}

// mix hashes what a message's draw follows from (splitmix64's output function,
// thrice).
func mix(seed uint64, purpose uint64, n int) uint64 {
	h := seed
	for _, part := range [...]uint64{purpose, uint64(n), 0} {
		h = (h ^ part) + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// await waits until the call's n-th message is due, or ctx ends.
func (s *Spec) await(ctx context.Context, due time.Time) error {
	if s.Sleep != nil {
		return s.Sleep(ctx, due)
	}
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// due is when the call's n-th message is.
func (s *Spec) due(call *Call, n int) time.Time { return call.Due.Add(time.Duration(n) * s.Every) }

func (s *shared) context(ctx context.Context, call *Call) context.Context {
	if s.KeyAlways {
		ctx = s.keyed(ctx, call)
	}
	if !s.SendCallID {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, CallIDKey, call.ID)
}

// keyedContext is context for a call whose request has no field of the user, or comes
// only after the backend is picked: a balancer that goes by the user finds it in
// the metadata.
func (s *shared) keyedContext(ctx context.Context, call *Call) context.Context {
	if !s.KeyAlways {
		ctx = s.keyed(ctx, call)
	}
	return s.context(ctx, call)
}

// keyed has the call's user in the metadata.
func (s *shared) keyed(ctx context.Context, call *Call) context.Context {
	if s.UserKey == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, s.UserKey, s.user(call))
}

// answered hands on a response message.
func (c *Call) answered(m proto.Message) {
	if c.Answers != nil {
		c.Answers.Add(m.ProtoReflect())
	}
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
