package fault

import (
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// OnCall is a fault that single attempts meet.
type OnCall interface {
	Fault
	// Act is asked at every step of an attempt that the rule selected, in the
	// order of the rules, until one ends the attempt. It reports whether it
	// did anything: an attempt has met the fault, and is counted, once it did.
	// Safe for concurrent use; an attempt's steps come one at a time, but
	// those of reading and of writing a bidi stream may alternate.
	Act(*Step) bool
}

// OnSome is an OnCall that not every kind of call can meet.
type OnSome interface {
	OnCall
	// Meets reports whether calls of this kind can.
	Meets(RPCKind) bool
}

// OnWire is an OnCall that reaches below gRPC: with one configured, backends
// follow the frames of their connections, which costs some speed.
type OnWire interface {
	OnCall
	OnWire()
}

// Moment is when in an attempt's life a step is.
type Moment int

// The moments, in the order of an attempt's life.
const (
	Arrival     Moment = iota // its headers came
	BeforeRead                // it wants the next request message
	AfterRead                 // it has one
	BeforeWrite               // it has a response message to write
	BeforeEnd                 // it was served and is about to end OK
)

// Step is a moment at which faults may act on an attempt, and what they make
// of it.
type Step struct {
	Moment Moment
	Kind   RPCKind
	// N is the messages before: read before BeforeRead and AfterRead, written
	// before BeforeWrite and BeforeEnd.
	N int
	// Message is the one that was read, or is to be written; the latter may be
	// replaced. It must not be changed.
	Message proto.Message

	// Wait adds up, and comes before the step or the End. At the arrival of an
	// attempt that does not end there it is time on the way: it is waited when
	// the request is complete, before the attempt asks for a slot.
	Wait time.Duration
	// Header is sent with the response's headers, if they have not left yet.
	Header metadata.MD
	// End, when it is not nil, ends the attempt here.
	End *End
}

// End is how an attempt ends before its time.
type End struct {
	// Err is the status that it ends with, Trailer what comes with it.
	Err     error
	Trailer metadata.MD
	// Silent is no end at all: nothing more is heard until the caller gives up.
	Silent bool
	// Reset, when it is not nil, is the HTTP/2 error code of a RST_STREAM that
	// ends it, once the messages before have left.
	Reset *uint32
}

// through reports whether k messages of a stream are done with, and another or
// the end would be next. They are response messages, but of a client stream,
// which has only one, requests.
func (s *Step) through(k int) bool {
	switch s.Moment {
	case BeforeRead:
		return s.Kind == ClientStream && s.N == k
	case BeforeWrite, BeforeEnd:
		return s.Kind != ClientStream && s.N == k
	default:
		return false
	}
}

// answersAfter reports whether calls of a kind may have a response message
// after k others.
func answersAfter(kind RPCKind, k int) bool {
	return k == 0 || kind == ServerStream || kind == BidiStream
}

// validAfter checks the field `after` of a fault that comes after messages.
func validAfter(n int) error {
	if n < 0 {
		return field.New("after", "must be >= 0 messages (got %d)", n)
	}
	return nil
}
