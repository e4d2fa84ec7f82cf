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

// Meet implements OnCall.
func (s *Status) Meet(e *Effect) {
	message := s.Message
	if message == "" {
		message = "injected fault"
	}
	e.Err = status.Error(s.Code, message)
}

// Validate implements Fault.
func (s *Status) Validate() error {
	switch {
	case s.Code == codes.OK:
		return field.New("code", "must be a code other than OK, such as UNAVAILABLE")
	case s.Code > codes.Unauthenticated:
		return field.New("code", "must be a gRPC status code, 1 to %d (got %d)", codes.Unauthenticated, s.Code)
	}
	return nil
}
