package fault

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Corrupt replaces a response message by bytes that do not decode. To gRPC it
// is a message like any other.
type Corrupt struct {
	After int `yaml:"after" doc:"response messages before the one that is corrupt; none when left out"`
}

// Act implements OnCall.
func (c *Corrupt) Act(s *Step) bool {
	if s.Moment != BeforeWrite || s.N != c.After {
		return false
	}
	s.Message = unknown(s.Message, []byte(garbage))
	return true
}

// garbage is no protobuf: field 1 of wire type 7, which there is not.
const garbage = "\x0f\xff\xff\xff"

// unknown is a message of the same type that is nothing but raw bytes: what a
// message has of fields that are not known is written as it is.
func unknown(m proto.Message, raw protoreflect.RawFields) proto.Message {
	out := m.ProtoReflect().New()
	out.SetUnknown(raw)
	return out.Interface()
}

// Meets implements OnSome.
func (c *Corrupt) Meets(k RPCKind) bool { return answersAfter(k, c.After) }

// Validate implements Fault.
func (c *Corrupt) Validate() error { return validAfter(c.After) }
