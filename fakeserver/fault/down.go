package fault

// Down is a backend that is gone: its connections are reset and new ones
// refused, until the window ends and it listens on the same address again.
type Down struct{}

// Begin implements OnBackend.
func (*Down) Begin(h Host) { h.Shut() }

// End implements OnBackend.
func (*Down) End(h Host) error { return h.Open() }

// Validate implements Fault.
func (*Down) Validate() error { return nil }
