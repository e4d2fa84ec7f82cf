package balance

import "google.golang.org/grpc/balancer/pickfirst"

// PickFirst sends all calls of a channel to one backend: the first that can be
// reached. Without Shuffle that is the same one for every channel of a pool.
type PickFirst struct {
	// Shuffle gives each channel its own order of backends.
	Shuffle bool `yaml:"shuffle" doc:"each channel tries backends in an order of its own"`
}

func (*PickFirst) child(uint64) (string, any) { return pickfirst.Name, struct{}{} }
func (*PickFirst) validate() error            { return nil }

// shuffled is done by this package and not by pick_first's shuffleAddressList,
// which draws from a source that cannot be seeded.
func (p *PickFirst) shuffled() bool { return p.Shuffle }
