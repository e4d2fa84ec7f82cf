package fault

import (
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Latency makes a call wait before it asks for a slot: time on the way, as it
// were, which occupies nothing on the backend.
type Latency struct {
	Delay time.Duration `yaml:",value" doc:"how much later the call is served"`
}

// Act implements OnCall.
func (l *Latency) Act(s *Step) bool {
	if s.Moment != Arrival {
		return false
	}
	s.Wait += l.Delay
	return true
}

// Validate implements Fault.
func (l *Latency) Validate() error {
	if l.Delay <= 0 {
		return field.New("", "must be > 0 (got %v)", l.Delay)
	}
	return nil
}
