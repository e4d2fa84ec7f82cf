package fault

import (
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Truncate ends a stream with a status after some messages: response messages,
// or requests of a client stream. A stream that has ended before, with fewer,
// has not met it.
type Truncate struct {
	After   int        `yaml:"after" doc:"messages before the end; none when left out"`
	Code    codes.Code `yaml:"code" doc:"the code that the stream ends with, such as UNAVAILABLE"`
	Message string     `yaml:"message" doc:"the status message; says that it is injected when left out"`
}

// Act implements OnCall.
func (t *Truncate) Act(s *Step) bool {
	if !s.through(t.After) {
		return false
	}
	s.End = &End{Err: status.Error(t.Code, injected(t.Message))}
	return true
}

// Meets implements OnSome.
func (*Truncate) Meets(k RPCKind) bool { return k != Unary }

// Validate implements Fault.
func (t *Truncate) Validate() error { return errors.Join(validAfter(t.After), validCode(t.Code)) }
