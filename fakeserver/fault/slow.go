package fault

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Slow is a backend that works at a part of its speed: each service takes
// longer, those that are under way too. It becomes slow in a straight line over
// Ramp, and is well again as soon as the window ends.
type Slow struct {
	Speed float64       `yaml:"speed" unit:"share" doc:"what is left of its speed, such as 25%"`
	Ramp  time.Duration `yaml:"ramp" json:",omitempty" doc:"how long it takes to become so slow; at once when left out"`
}

// Begin implements OnBackend.
func (s *Slow) Begin(h Host) { h.SetSpeed(s, Ramp{From: 1, To: s.Speed, Over: s.Ramp}) }

// End implements OnBackend.
func (s *Slow) End(h Host) error {
	h.UnsetSpeed(s)
	return nil
}

// Validate implements Fault.
func (s *Slow) Validate() error {
	var errs []error
	if !(s.Speed > 0 && s.Speed <= 1) || math.IsNaN(s.Speed) {
		errs = append(errs, field.New("speed", "must be more than 0%% and at most 100%%: a backend that does nothing is freeze (got %v)", s.Speed))
	}
	if s.Ramp < 0 {
		errs = append(errs, field.New("ramp", "must be >= 0 (got %v)", s.Ramp))
	}
	return errors.Join(errs...)
}
