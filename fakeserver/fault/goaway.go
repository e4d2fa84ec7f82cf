package fault

// GoAway sends GOAWAY on every connection of a backend, once: clients make new
// ones. Calls in flight may end where they are, unless Refuse gives them back
// as never looked at (a last stream ID of 0), which clients answer by trying
// them again, unseen by the application.
type GoAway struct {
	Refuse bool `yaml:"refuse" json:",omitempty" doc:"with a last stream ID of 0, so that calls in flight are tried again elsewhere; graceful when left out: they may end"`
}

// Begin implements OnBackend.
func (g *GoAway) Begin(h Host) { h.GoAway(g.Refuse) }

// End implements OnBackend.
func (g *GoAway) End(Host) error { return nil }

// Momentary implements Momentary.
func (*GoAway) Momentary() {}

// OnFrames implements OnFrames.
func (*GoAway) OnFrames() {}

// Validate implements Fault.
func (*GoAway) Validate() error { return nil }
