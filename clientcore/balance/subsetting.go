package balance

import (
	"errors"
	"math"

	"google.golang.org/grpc/balancer/randomsubsetting"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// RandomSubsetting gives each channel Size of the backends, drawn at random, and
// leaves the pick among them to Child (gRFC A68). A backend that comes or goes
// changes few subsets.
type RandomSubsetting struct {
	Size int `yaml:"size" doc:"how many backends a channel uses"`
	// Shuffle draws the subset by the channel's seed. grpc-go's own draws from a
	// source that cannot be seeded: another subset every time.
	Shuffle bool   `yaml:"shuffle" doc:"draw by the trial's seed, so that the same trial has the same subsets"`
	Child   Policy `yaml:"child" doc:"how the channel spreads calls over its subset"`
}

// SetDefaults is round robin over 2 backends.
func (r *RandomSubsetting) SetDefaults() {
	*r = RandomSubsetting{Size: 2, Child: Policy{RoundRobin: &RoundRobin{}}}
}

func (r *RandomSubsetting) below() Policy  { return r.Child }
func (r *RandomSubsetting) shuffled() bool { return r.Shuffle }

func (r *RandomSubsetting) child(seed uint64) (string, any) {
	return randomsubsetting.Name, map[string]any{"subsetSize": r.Size, "childPolicy": r.Child.entry(seed)}
}

func (r *RandomSubsetting) validate() error {
	var errs []error
	if r.Size < 1 || r.Size > math.MaxInt32 {
		errs = append(errs, field.Errorf("size", "must be > 0 (got %d)", r.Size))
	}
	if r.Child.RandomSubsetting != nil {
		errs = append(errs, field.Errorf("child", "must not be random_subsetting again"))
	} else {
		errs = append(errs, field.Prefix("child", validateChild(r.Child))...)
	}
	return errors.Join(errs...)
}
