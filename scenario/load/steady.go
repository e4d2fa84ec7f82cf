package load

// Steady is load that does not change.
type Steady struct{}

func (*Steady) profile() Profile { return pieces{{from: 0, to: 1, low: 1, high: 1}} }
