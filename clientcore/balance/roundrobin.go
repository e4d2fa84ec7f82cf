package balance

// RoundRobin sends calls to each backend in turn.
type RoundRobin struct{}

func (*RoundRobin) child() (string, any) { return "round_robin", struct{}{} }
func (*RoundRobin) shuffled() bool       { return false }
