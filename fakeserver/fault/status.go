package fault

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Status ends a call with a status code as soon as it arrives: it takes no
// slot, waits in no line and is not served.
type Status struct {
	Code    codes.Code `yaml:"code" doc:"the code that the call ends with, such as UNAVAILABLE"`
	Message string     `yaml:"message" doc:"the status message; says that it is injected when left out"`
}

// Act implements OnCall.
func (s *Status) Act(step *Step) bool {
	if step.Moment != Arrival {
		return false
	}
	step.End = &End{Err: status.Error(s.Code, injected(s.Message))}
	return true
}

// injected is the message, or one that says why there is a status at all.
func injected(message string) string {
	if message == "" {
		return "injected fault"
	}
	return message
}

// Validate implements Fault.
func (s *Status) Validate() error { return validCode(s.Code) }

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
