package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Reset ends a call with RST_STREAM: no status, no trailer. It comes as soon
// as the call arrives, or after some messages of a stream (responses, or
// requests of a client stream); a stream that has ended before, with fewer,
// has not met it. On the fleet's side such an attempt counts as CANCELLED.
type Reset struct {
	Code  HTTP2Code `yaml:"code" doc:"HTTP/2 error code, such as REFUSED_STREAM"`
	After int       `yaml:"after" doc:"messages before it; at once when left out"`
}

// Act implements OnCall.
func (r *Reset) Act(s *Step) bool {
	now := s.through(r.After)
	if r.After == 0 {
		now = s.Moment == Arrival
	}
	if now {
		code := r.Code.number()
		s.End = &End{Reset: &code}
	}
	return now
}

// Meets implements OnSome.
func (r *Reset) Meets(k RPCKind) bool { return k != Unary || r.After == 0 }

// OnWire implements OnWire: gRPC sends no RST_STREAM on request.
func (*Reset) OnWire() {}

// Validate implements Fault.
func (r *Reset) Validate() error {
	return errors.Join(field.Under("code", r.Code.validate()), validAfter(r.After))
}

// HTTP2Code is an error code of HTTP/2, by its name.
type HTTP2Code string

// http2Codes are the codes in the order of their numbers, RFC 9113 section 7.
var http2Codes = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
	"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// Words are the codes as users write them.
func (c *HTTP2Code) Words() []string { return http2Codes[:] }

// UnmarshalText reads a code, or "" for none.
func (c *HTTP2Code) UnmarshalText(text []byte) error {
	v := HTTP2Code(text)
	if v != "" {
		if err := v.validate(); err != nil {
			return err
		}
	}
	*c = v
	return nil
}

// number is the code as frames carry it.
func (c HTTP2Code) number() uint32 { return uint32(slices.Index(http2Codes[:], string(c))) }

func (c HTTP2Code) validate() error {
	if slices.Contains(http2Codes[:], string(c)) {
		return nil
	}
	got := ""
	if c != "" {
		got = fmt.Sprintf(" (got %q)", string(c))
	}
	return field.New("", "must be one of %s%s", strings.Join(http2Codes[:], ", "), got)
}
