package fault

// Unhealthy is a backend that says by the health protocol that it is not
// serving, and serves all the same: only clients that ask stay away.
type Unhealthy struct{}

// Begin implements OnBackend.
func (*Unhealthy) Begin(h Host) { h.Sicken() }

// End implements OnBackend.
func (*Unhealthy) End(h Host) error {
	h.Heal()
	return nil
}

// Validate implements Fault.
func (*Unhealthy) Validate() error { return nil }
