package fault

// Blackhole is a backend that cannot be heard: it accepts connections and not a
// byte goes through them, either way, as when a network drops every packet.
// Nothing tells a client but its own timeouts and keepalive. When the window
// ends what was held back arrives, as TCP sends it again.
type Blackhole struct{}

// Begin implements OnBackend.
func (*Blackhole) Begin(h Host) { h.Hush() }

// End implements OnBackend.
func (*Blackhole) End(h Host) error {
	h.Unhush()
	return nil
}

// Validate implements Fault.
func (*Blackhole) Validate() error { return nil }
