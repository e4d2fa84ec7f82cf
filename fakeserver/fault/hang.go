package fault

// Hang never answers a call: it is held, without a slot, until its caller
// gives up.
type Hang struct{}

// Act implements OnCall.
func (*Hang) Act(s *Step) bool {
	if s.Moment != Arrival {
		return false
	}
	s.End = &End{Silent: true}
	return true
}

// Validate implements Fault.
func (*Hang) Validate() error { return nil }
