package clientcore

import (
	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// breakers is the circuit breakers of a Client, wherever in it they lie: around
// the pool, or in each channel's balancer. Nil is none.
type breakers struct {
	policy  breaker.Policy
	observe func(breaker.Change)
	layer   *breaker.Layer
	set     *breaker.Set // of scope backend
}

func newBreakers(p *breaker.Policy, observe func(breaker.Change)) *breakers {
	if p == nil || p.Off {
		return nil
	}
	b := &breakers{policy: *p, observe: observe}
	if p.Scope == breaker.Backend {
		b.set = breaker.NewSet(*p, observe)
	}
	return b
}

// guard puts the breakers of backends into a channel's balancer.
func (b *breakers) guard(m *balance.Meter) {
	if b != nil && b.set != nil {
		m.Guard(b.set)
	}
}

// around is next behind the breakers that lie around the pool, if any.
func (b *breakers) around(next grpc.ClientConnInterface) grpc.ClientConnInterface {
	switch {
	case b == nil:
		return next
	case b.set != nil:
		return b.set.Around(next)
	}
	b.layer = breaker.NewLayer(next, b.policy, b.observe)
	return b.layer
}

// close ends what the breakers have under way.
func (b *breakers) close() {
	if b != nil && b.set != nil {
		b.set.Close()
	}
}

func (b *breakers) stats(s *BreakerStats) {
	if b == nil {
		return
	}
	if b.set != nil {
		s.Breakers = b.set.Len()
		s.Rejected += b.set.Rejected()
		s.Opened += b.set.Opened()
		return
	}
	s.Breakers = b.layer.Len()
	b.layer.Each(func(one *breaker.Breaker) {
		s.Opened += one.Opened()
		s.Rejected += one.Rejected()
	})
}
