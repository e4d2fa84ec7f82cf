package balance

import "github.com/grpcbench/grpcbench/clientcore/internal/field"

// kind is one balancing policy.
type kind interface {
	// child is the policy's name and settings in a loadBalancingConfig.
	child() (name string, settings any)
	// shuffled is whether each channel has an order of backends of its own.
	shuffled() bool
}

// choice is one kind of a Policy. The flag is there because an interface that
// holds a nil pointer is not nil.
type choice struct {
	chosen bool
	kind   kind
}

func (p Policy) chosen() (k kind, count int) {
	for _, c := range p.list() {
		if c.chosen {
			k = c.kind
			count++
		}
	}
	return k, count
}

// Validate reports whether exactly one policy is chosen.
func (p Policy) Validate() error {
	if _, n := p.chosen(); n != 1 {
		return field.Errorf("", "must be one of round_robin, pick_first (got %d of them)", n)
	}
	return nil
}

// LoadBalancing is the loadBalancingConfig, ready for JSON, of a channel that
// balances by p and is counted. seed orders the backends where p shuffles them:
// give each channel its own.
func (p Policy) LoadBalancing(seed uint64) (any, error) {
	k, n := p.chosen()
	if n != 1 {
		return nil, p.Validate()
	}
	name, settings := k.child()
	return []map[string]any{{Name: config{
		Child:   []map[string]any{{name: settings}},
		Shuffle: k.shuffled(),
		Seed:    seed,
	}}}, nil
}
