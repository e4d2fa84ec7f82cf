package fault

import (
	"errors"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Restart is a backend that ends, is down for the length of the window, and
// comes back cold: it begins at Cold of its speed and warms up over Ramp.
//
// A graceful one says GOAWAY and lets calls in flight end while it is down; the
// others are cut off with everything else.
type Restart struct {
	Graceful bool          `yaml:"graceful" json:",omitempty" doc:"calls in flight may end, at most until it is back; cut off when left out"`
	Cold     float64       `yaml:"cold" unit:"share" json:",omitempty" doc:"its speed when it is back, such as 20%; with ramp"`
	Ramp     time.Duration `yaml:"ramp" json:",omitempty" doc:"how long it takes to warm up from cold; it is warm at once when left out"`
}

// Begin implements OnBackend.
func (r *Restart) Begin(h Host) {
	if r.Graceful {
		h.Drain()
	} else {
		h.Shut()
	}
}

// End implements OnBackend.
func (r *Restart) End(h Host) error {
	if err := h.Open(); err != nil {
		return err
	}
	if r.Ramp > 0 {
		h.SetSpeed(r, Ramp{From: r.Cold, To: 1, Over: r.Ramp})
	}
	return nil
}

// Validate implements Fault.
func (r *Restart) Validate() error {
	var errs []error
	if r.Ramp < 0 {
		errs = append(errs, field.New("ramp", "must be >= 0 (got %v)", r.Ramp))
	}
	switch {
	case r.Ramp > 0 && !(r.Cold > 0 && r.Cold < 1):
		errs = append(errs, field.New("cold", "must be more than 0%% and less than 100%% (got %v)", r.Cold))
	case r.Ramp == 0 && r.Cold != 0:
		errs = append(errs, field.New("cold", "must come with ramp: how long it takes to warm up"))
	}
	return errors.Join(errs...)
}

// validateWindow implements windowed.
func (r *Restart) validateWindow(rule Rule) error {
	if rule.For == 0 {
		return field.New("for", "must be set: how long the backend is down")
	}
	return nil
}
