package fault

import "github.com/grpcbench/grpcbench/fakeserver/internal/field"

// Overload takes slots away from a backend, as a noisy neighbour does: it
// serves fewer calls at once, each as fast as ever. Calls that are being served
// go on; the line is as long as before.
type Overload struct {
	Capacity float64 `yaml:"capacity" unit:"share" doc:"what is left of its concurrency, such as 25%; one call at a time at least"`
}

// Begin implements OnBackend.
func (o *Overload) Begin(h Host) { h.SetSlots(o, o.Capacity) }

// End implements OnBackend.
func (o *Overload) End(h Host) error {
	h.UnsetSlots(o)
	return nil
}

// Validate implements Fault.
func (o *Overload) Validate() error {
	if !(o.Capacity > 0 && o.Capacity < 1) {
		return field.New("capacity", "must be more than 0%% and less than 100%% (got %v)", o.Capacity)
	}
	return nil
}
