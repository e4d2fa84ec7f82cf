package fault

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Throttle moves a call's messages at so many bytes a second, both ways: each
// takes its size ÷ rate, after which it is there as a whole. Calls on the same
// connection do not slow each other.
type Throttle struct {
	PerSecond int64 `yaml:"per_second" unit:"bytes" doc:"bytes of messages that pass in a second, each way"`
}

// Act implements OnCall.
func (t *Throttle) Act(s *Step) bool {
	if s.Moment != AfterRead && s.Moment != BeforeWrite {
		return false
	}
	// Within 64 bits: messages are at most 64 MiB.
	s.Wait += time.Duration(int64(proto.Size(s.Message)) * int64(time.Second) / t.PerSecond)
	return true
}

// Validate implements Fault.
func (t *Throttle) Validate() error {
	if t.PerSecond < 1 {
		return field.New("per_second", "must be >= 1 byte (got %d)", t.PerSecond)
	}
	return nil
}
