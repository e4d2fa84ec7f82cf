package fault

// Freeze stops all work of a backend until the window ends; then it goes on
// where it stood, as after a long garbage collection. Calls are accepted, and
// connections kept: pings are answered.
type Freeze struct{}

// Begin implements OnBackend.
func (*Freeze) Begin(h Host) { h.Freeze() }

// End implements OnBackend.
func (*Freeze) End(h Host) error {
	h.Thaw()
	return nil
}

// Validate implements Fault.
func (*Freeze) Validate() error { return nil }
