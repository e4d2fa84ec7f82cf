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

// Meet implements OnCall.
func (l *Latency) Meet(e *Effect) { e.Delay += l.Delay }

// Validate implements Fault.
func (l *Latency) Validate() error {
	if l.Delay <= 0 {
		return field.New("", "must be > 0 (got %v)", l.Delay)
	}
	return nil
}
