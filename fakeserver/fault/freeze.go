package fault

// Freeze stops all work of a backend until the window ends; then it goes on
// where it stood, as after a long garbage collection. Calls are accepted, and
// connections kept: pings are answered.
type Freeze struct{}

// Begin implements OnBackend.
func (f *Freeze) Begin(h Host) { h.SetSpeed(f, Ramp{}) }

// End implements OnBackend.
func (f *Freeze) End(h Host) error {
	h.UnsetSpeed(f)
	return nil
}

// Validate implements Fault.
func (f *Freeze) Validate() error { return nil }
