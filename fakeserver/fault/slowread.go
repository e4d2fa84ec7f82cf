package fault

import (
	"errors"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// SlowRead stops reading a call's requests for a while, or for good: what the
// client sends piles up until HTTP/2's flow control lets it send no more.
// Other calls on the connection go on.
type SlowRead struct {
	After int           `yaml:"after" doc:"request messages that are read before; none when left out"`
	For   time.Duration `yaml:"for" doc:"how long nothing is read; until the caller gives up when left out"`
}

// Act implements OnCall.
func (r *SlowRead) Act(s *Step) bool {
	if s.Moment != BeforeRead || s.N != r.After {
		return false
	}
	if r.For == 0 {
		s.End = &End{Silent: true}
	}
	s.Wait += r.For
	return true
}

// Meets implements OnSome.
func (r *SlowRead) Meets(k RPCKind) bool { return r.After == 0 || k == ClientStream || k == BidiStream }

// Validate implements Fault.
func (r *SlowRead) Validate() error {
	var length error
	if r.For < 0 {
		length = field.New("for", "must be > 0, or left out to read no more at all (got %v)", r.For)
	}
	return errors.Join(validAfter(r.After), length)
}
