package fault

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Status ends a call with a status code as soon as it arrives: it takes no
// slot, waits in no line and is not served.
type Status struct {
	Code    codes.Code `yaml:"code" doc:"the code that the call ends with, such as UNAVAILABLE"`
	Message string     `yaml:"message" doc:"the status message; says that it is injected when left out"`
	Details []Detail   `yaml:"details" doc:"details of the status, such as {retry_info: 1s}"`
	// Pushback is sent as gRPC's retry policies know it (gRFC A6).
	Pushback *time.Duration `yaml:"pushback" doc:"when the client is to retry, sent as grpc-retry-pushback-ms; a negative one tells it not to"`
}

// pushbackKey is the trailer that tells a client when to retry.
const pushbackKey = "grpc-retry-pushback-ms"

// Act implements OnCall.
func (s *Status) Act(step *Step) bool {
	if step.Moment != Arrival {
		return false
	}
	step.End = &End{Err: s.err()}
	if s.Pushback != nil {
		step.End.Trailer = metadata.Pairs(pushbackKey, strconv.FormatInt(s.Pushback.Milliseconds(), 10))
	}
	return true
}

func (s *Status) err() error {
	if len(s.Details) == 0 {
		return status.Error(s.Code, injected(s.Message))
	}
	p := &spb.Status{Code: int32(s.Code), Message: injected(s.Message)}
	for _, d := range s.Details {
		detail, err := d.encode()
		if err != nil { // Validate has seen to it that there is none
			return status.Error(codes.Internal, err.Error())
		}
		p.Details = append(p.Details, detail)
	}
	return status.FromProto(p).Err()
}

// injected is the message, or one that says why there is a status at all.
func injected(message string) string {
	if message == "" {
		return "injected fault"
	}
	return message
}

// Validate implements Fault.
func (s *Status) Validate() error {
	errs := []error{validCode(s.Code)}
	for i, d := range s.Details {
		errs = append(errs, field.Under(fmt.Sprintf("details[%d]", i), d.validate()))
	}
	if p := s.Pushback; p != nil && *p%time.Millisecond != 0 {
		errs = append(errs, field.New("pushback", "must be whole milliseconds (got %v)", *p))
	}
	return errors.Join(errs...)
}

// validCode checks the field `code` of a fault that ends calls with one.
func validCode(c codes.Code) error {
	switch {
	case c == codes.OK:
		return field.New("code", "must be a code other than OK, such as UNAVAILABLE")
	case c > codes.Unauthenticated:
		return field.New("code", "must be a gRPC status code, 1 to %d (got %d)", codes.Unauthenticated, c)
	}
	return nil
}
