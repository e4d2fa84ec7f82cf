// Package balance holds the policies by which a channel spreads calls over its
// backends: grpc-go's own, chosen by loadBalancingConfig, so that an unknown
// name is an error and never a silent pick_first.
package balance

// Policy is the choice of a balancing policy: exactly one field is set.
// A new policy is one file and one line here.
type Policy struct {
	RoundRobin *RoundRobin `yaml:"round_robin" doc:"each backend in turn" example:"round_robin"`
	PickFirst  *PickFirst  `yaml:"pick_first" doc:"all calls of a channel to the first backend that can be reached" example:"{pick_first: {shuffle: true}}"`
}

// RoundRobin sends calls to each backend in turn.
type RoundRobin struct{}

// PickFirst sends all calls of a channel to one backend.
type PickFirst struct {
	// Shuffle gives each channel its own order of backends.
	Shuffle bool `yaml:"shuffle" doc:"each channel tries backends in an order of its own"`
}
