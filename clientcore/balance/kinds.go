// Package balance holds the policies by which a channel spreads calls over its
// backends: grpc-go's own, chosen by loadBalancingConfig, so that an unknown
// name is an error and never a silent pick_first.
//
// Around the chosen policy lies a balancer of this package that counts each
// attempt where it is picked (a Meter holds the counts) and reports the
// channel's state. It allocates nothing per call.
package balance

// Policy is the choice of a balancing policy: exactly one field is set.
// A new policy is one file, one line here and one in list.
type Policy struct {
	RoundRobin *RoundRobin `yaml:"round_robin" doc:"each backend in turn" example:"round_robin"`
	PickFirst  *PickFirst  `yaml:"pick_first" doc:"all calls of a channel to the first backend that can be reached" example:"{pick_first: {shuffle: true}}"`
}

// list is every kind beside whether it is the one chosen.
func (p Policy) list() []choice {
	return []choice{
		{p.RoundRobin != nil, p.RoundRobin},
		{p.PickFirst != nil, p.PickFirst},
	}
}
