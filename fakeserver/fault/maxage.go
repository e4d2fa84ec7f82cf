package fault

import (
	"errors"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// MaxAge sends a connection away, with a GOAWAY that lets its calls end, when
// it reaches an age, as servers do that want their load spread anew. Those that
// are older when the window begins go at once.
type MaxAge struct {
	Age   time.Duration `yaml:"age" doc:"how old a connection gets"`
	Grace time.Duration `yaml:"grace" json:",omitempty" doc:"how long its calls may take to end, after which they are cut off; unlimited when left out"`
}

// Begin implements OnBackend.
func (m *MaxAge) Begin(h Host) { h.SetMaxAge(m, m.Age, m.Grace) }

// End implements OnBackend.
func (m *MaxAge) End(h Host) error {
	h.UnsetMaxAge(m)
	return nil
}

// OnFrames implements OnFrames.
func (*MaxAge) OnFrames() {}

// Validate implements Fault.
func (m *MaxAge) Validate() error {
	var errs []error
	if m.Age <= 0 {
		errs = append(errs, field.New("age", "must be > 0 (got %v)", m.Age))
	}
	if m.Grace < 0 {
		errs = append(errs, field.New("grace", "must be >= 0 (got %v)", m.Grace))
	}
	return errors.Join(errs...)
}
