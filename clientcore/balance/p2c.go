package balance

import (
	"errors"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// P2CEWMA draws two backends at random for each call and sends it to the one
// with the lower score: latency · (calls in flight + 1). Latency is a peak
// sensitive moving average, as in Finagle's PeakEwma
// (com.twitter.finagle.loadbalancer.p2c): a call that took longer raises it at
// once, and it falls with time, by 1/e every Decay, toward the calls that take
// less. For a stream, latency is the whole stream's.
//
// Unlike Finagle's, a failure that speaks of the backend counts as a call that
// took at least Penalty: a backend that fails fast does not look fast. Those are
// UNAVAILABLE, INTERNAL, UNKNOWN, DATA_LOSS, RESOURCE_EXHAUSTED, ABORTED,
// UNIMPLEMENTED and DEADLINE_EXCEEDED. A call that its caller cancels says only
// that it took as long as it did: it can raise the average but not lower it.
//
// A backend that has answered nothing yet is tried by one call at a time.
type P2CEWMA struct {
	Decay   time.Duration `yaml:"decay" doc:"how long an old latency counts: it falls to 37 % in this time"`
	Penalty time.Duration `yaml:"penalty" doc:"the latency that a failed call counts as, at least"`
}

// SetDefaults is Finagle's decay of 10 s, and 1 s for a failure.
func (p *P2CEWMA) SetDefaults() { *p = P2CEWMA{Decay: 10 * time.Second, Penalty: time.Second} }

func (p *P2CEWMA) child(seed uint64) (string, any) {
	return ewmaName, ewmaConfig{Decay: p.Decay, Penalty: p.Penalty, Seed: seed}
}

func (p *P2CEWMA) validate() error {
	var errs []error
	if p.Decay <= 0 {
		errs = append(errs, field.Errorf("decay", "must be > 0 (got %v)", p.Decay))
	}
	if p.Penalty < 0 {
		errs = append(errs, field.Errorf("penalty", "must be >= 0 (got %v)", p.Penalty))
	}
	return errors.Join(errs...)
}
