package balance

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/endpointsharding"
	"google.golang.org/grpc/balancer/pickfirst"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
)

// ewmaName is the name of P2CEWMA in a loadBalancingConfig.
const ewmaName = "clientcore_p2c_ewma"

// ewmaConfig is P2CEWMA in a loadBalancingConfig. Parents such as
// random_subsetting write it anew, so all of it is in its JSON.
type ewmaConfig struct {
	serviceconfig.LoadBalancingConfig `json:"-"`

	Decay   time.Duration `json:"decayNanos"`
	Penalty time.Duration `json:"penaltyNanos"`
	Seed    uint64        `json:"seed,string"`
}

type ewmaBuilder struct{}

func (ewmaBuilder) Name() string { return ewmaName }

func (ewmaBuilder) ParseConfig(text json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	var p P2CEWMA
	p.SetDefaults()
	cfg := &ewmaConfig{Decay: p.Decay, Penalty: p.Penalty}
	if err := json.Unmarshal(text, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", ewmaName, err)
	}
	p.Decay, p.Penalty = cfg.Decay, cfg.Penalty
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("%s: decay or penalty: %w", ewmaName, err)
	}
	return cfg, nil
}

func (ewmaBuilder) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	b := &ewma{ClientConn: cc, backends: resolver.NewEndpointMap[*latency]()}
	b.Balancer = endpointsharding.NewBalancer(b, opts, balancer.Get(pickfirst.Name).Build, endpointsharding.Options{})
	return b
}

// ewma is P2CEWMA's balancer: one pick_first for each backend, as grpc-go's own
// policies have it, and a picker of its own over those that are READY.
type ewma struct {
	balancer.Balancer   // one child for each backend
	balancer.ClientConn // the channel, for the children

	mu       sync.Mutex
	cfg      *ewmaConfig
	draws    *draws
	backends *resolver.EndpointMap[*latency]
}

func (b *ewma) UpdateClientConnState(s balancer.ClientConnState) error {
	cfg, ok := s.BalancerConfig.(*ewmaConfig)
	if !ok {
		return balancer.ErrBadResolverState
	}
	given := resolver.NewEndpointMap[bool]()
	for _, endpoint := range s.ResolverState.Endpoints {
		given.Set(endpoint, true)
	}
	b.mu.Lock()
	if b.draws == nil || b.cfg.Seed != cfg.Seed {
		b.draws = newDraws(cfg.Seed)
	}
	b.cfg = cfg
	for endpoint := range b.backends.All() {
		if _, stays := given.Get(endpoint); !stays {
			b.backends.Delete(endpoint)
		}
	}
	b.mu.Unlock()
	return b.Balancer.UpdateClientConnState(balancer.ClientConnState{
		// Health checks and outlier detection reach the children this way.
		ResolverState: pickfirst.EnableHealthListener(s.ResolverState),
	})
}

// UpdateState is the children's.
func (b *ewma) UpdateState(s balancer.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &ewmaPicker{}
	for _, child := range endpointsharding.ChildStatesFromPicker(s.Picker) {
		if child.State.ConnectivityState != connectivity.Ready {
			continue
		}
		l, known := b.backends.Get(child.Endpoint)
		if !known {
			l = &latency{}
			b.backends.Set(child.Endpoint, l)
		}
		p.backends = append(p.backends, ewmaBackend{child.State.Picker, l})
	}
	if len(p.backends) > 0 {
		p.cfg, p.draws = b.cfg, b.draws
		s.Picker = p
	}
	// Otherwise the children's own picker waits, or says why none is READY.
	b.ClientConn.UpdateState(s)
}

type ewmaBackend struct {
	picker  balancer.Picker
	latency *latency
}

// ewmaPicker picks among the backends that are READY.
type ewmaPicker struct {
	cfg      *ewmaConfig
	draws    *draws
	backends []ewmaBackend
}

func (p *ewmaPicker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	now := time.Now()
	one := &p.backends[0]
	if n := len(p.backends); n > 1 {
		i, j := p.draws.two(n)
		one = &p.backends[i]
		if other := &p.backends[j]; other.latency.score(now, p.cfg.Decay) < one.latency.score(now, p.cfg.Decay) {
			one = other
		}
	}
	result, err := one.picker.Pick(info)
	if err != nil {
		return result, err
	}
	l, inner := one.latency, result.Done
	l.inFlight.Add(1)
	result.Done = func(info balancer.DoneInfo) {
		l.inFlight.Add(-1)
		l.end(now, time.Now(), p.cfg.Decay, p.cfg.Penalty, info)
		if inner != nil {
			inner(info)
		}
	}
	return result, nil
}

// draws is random numbers for any number of goroutines, without a lock:
// splitmix64 over a counter.
type draws struct{ state atomic.Uint64 }

func newDraws(seed uint64) *draws {
	d := &draws{}
	d.state.Store(mix(seed + golden))
	return d
}

// two is two different numbers below n, which is at least 2 and below 2^32.
func (d *draws) two(n int) (int, int) {
	x := mix(d.state.Add(golden))
	// The halves scaled down: the bias is n/2^32.
	i := int((x >> 32) * uint64(n) >> 32)
	j := int((x & 0xffffffff) * uint64(n-1) >> 32)
	if j >= i {
		j++
	}
	return i, j
}
