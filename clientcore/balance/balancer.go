package balance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
)

// Name is the balancer's name in a loadBalancingConfig.
const Name = "clientcore_metered"

// A balancer can only be found by name in grpc's registry, which may only be
// written during initialisation: this is the one init of clientcore.
func init() { balancer.Register(builder{}) }

// config is the balancer's settings in a loadBalancingConfig.
type config struct {
	serviceconfig.LoadBalancingConfig `json:"-"`

	// Child is the policy that picks: a loadBalancingConfig of its own.
	Child []map[string]any `json:"childPolicy"`
	// Shuffle orders the backends by Seed.
	Shuffle bool   `json:"shuffle,omitempty"`
	Seed    uint64 `json:"seed,string,omitempty"`

	build  balancer.Builder
	parsed serviceconfig.LoadBalancingConfig
}

type builder struct{}

func (builder) Name() string { return Name }

func (builder) ParseConfig(text json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	cfg := &config{}
	if err := json.Unmarshal(text, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	for _, entry := range cfg.Child {
		for name, settings := range entry {
			cfg.build = balancer.Get(name)
			if cfg.build == nil {
				continue
			}
			parser, ok := cfg.build.(balancer.ConfigParser)
			if !ok {
				return cfg, nil
			}
			raw, err := json.Marshal(settings)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", Name, name, err)
			}
			if cfg.parsed, err = parser.ParseConfig(raw); err != nil {
				return nil, fmt.Errorf("%s: %w", Name, err)
			}
			return cfg, nil
		}
	}
	return nil, fmt.Errorf("%s: childPolicy names no known policy: %s", Name, text)
}

func (builder) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	return &metered{ClientConn: cc, opts: opts}
}

// metered is the balancer of one channel: it stands between the channel and the
// chosen policy, its child, in both directions. grpc-go calls the methods of a
// Balancer one at a time; those of a ClientConn are called by the child, from
// any goroutine.
type metered struct {
	balancer.ClientConn // the channel, for the child

	opts  balancer.BuildOptions
	name  string // the child's
	child balancer.Balancer
	meter *Meter // set before there is a child

	mu    sync.Mutex            // guards conns and their ready
	conns map[*subConn]struct{} // nil when closed
}

// errConfig cannot happen as long as grpc-go parses what it passes.
var errConfig = errors.New(Name + ": no configuration")

func (b *metered) UpdateClientConnState(s balancer.ClientConnState) error {
	cfg, ok := s.BalancerConfig.(*config)
	if !ok {
		return errConfig
	}
	if b.meter == nil {
		if b.meter, ok = attached(s.ResolverState); !ok {
			// A resolver that was not wrapped: balance all the same.
			b.meter = NewMeter(nil)
		}
	}
	if b.child == nil || b.name != cfg.build.Name() {
		b.closeChild()
		b.mu.Lock()
		b.conns = map[*subConn]struct{}{}
		b.mu.Unlock()
		b.name = cfg.build.Name()
		b.child = cfg.build.Build(b, b.opts)
	}
	if cfg.Shuffle {
		s.ResolverState.Endpoints = shuffled(s.ResolverState.Endpoints, cfg.Seed)
	}
	s.BalancerConfig = cfg.parsed
	return b.child.UpdateClientConnState(s)
}

func (b *metered) ResolverError(err error) {
	if b.child == nil {
		b.ClientConn.UpdateState(balancer.State{
			ConnectivityState: connectivity.TransientFailure,
			Picker:            failing{err},
		})
		return
	}
	b.child.ResolverError(err)
}

func (b *metered) UpdateSubConnState(sc balancer.SubConn, s balancer.SubConnState) {
	// Not called: every connection has a listener.
}

func (b *metered) ExitIdle() {
	if b.child != nil {
		b.child.ExitIdle()
	}
}

func (b *metered) Close() { b.closeChild() }

func (b *metered) closeChild() {
	if b.child != nil {
		b.child.Close()
		b.child = nil
	}
	// Nobody tells a closed balancer of its connections' end.
	b.mu.Lock()
	defer b.mu.Unlock()
	for sc := range b.conns {
		b.setReadyLocked(sc, false)
	}
	b.conns = nil
}

// NewSubConn gives the child a connection that knows its backend's counts.
func (b *metered) NewSubConn(addrs []resolver.Address, opts balancer.NewSubConnOptions) (balancer.SubConn, error) {
	sc := &subConn{}
	listener := opts.StateListener
	opts.StateListener = func(s balancer.SubConnState) {
		b.listen(sc, s.ConnectivityState)
		if listener != nil {
			listener(s)
		}
	}
	//lint:ignore SA1019 only several addresses per connection are deprecated, and the child says how many
	inner, err := b.ClientConn.NewSubConn(addrs, opts)
	if err != nil {
		return nil, err
	}
	sc.SubConn = inner
	sc.backend = b.meter.backend(addrs[0].Addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conns != nil {
		b.conns[sc] = struct{}{}
	}
	return sc, nil
}

func (b *metered) listen(sc *subConn, state connectivity.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ours := b.conns[sc]; !ours {
		return
	}
	b.setReadyLocked(sc, state == connectivity.Ready)
	if state == connectivity.Shutdown {
		delete(b.conns, sc)
	}
}

func (b *metered) setReadyLocked(sc *subConn, ready bool) {
	if sc.ready == ready {
		return
	}
	sc.ready = ready
	if ready {
		b.meter.connections.Add(1)
	} else {
		b.meter.connections.Add(-1)
	}
}

// RemoveSubConn and UpdateAddresses are deprecated; a child that calls them
// still passes our wrapped connection.
func (b *metered) RemoveSubConn(sc balancer.SubConn) {
	//lint:ignore SA1019 passed on for children that still call it
	b.ClientConn.RemoveSubConn(unwrap(sc))
}

func (b *metered) UpdateAddresses(sc balancer.SubConn, addrs []resolver.Address) {
	//lint:ignore SA1019 passed on for children that still call it
	b.ClientConn.UpdateAddresses(unwrap(sc), addrs)
}

// UpdateState reports the child's state and passes its picker on, wrapped. In
// this order: who has seen the channel READY finds that it was reported.
func (b *metered) UpdateState(s balancer.State) {
	s.Picker = &picker{child: s.Picker}
	b.meter.report(s.ConnectivityState)
	b.ClientConn.UpdateState(s)
}

// subConn is a connection with the counts of its backend.
type subConn struct {
	balancer.SubConn
	backend *backend
	ready   bool
}

func unwrap(sc balancer.SubConn) balancer.SubConn {
	if own, ok := sc.(*subConn); ok {
		return own.SubConn
	}
	return sc
}

// shuffled is endpoints in an order that follows from seed and the addresses
// alone: the same after every update, whatever order the resolver gave.
func shuffled(endpoints []resolver.Endpoint, seed uint64) []resolver.Endpoint {
	out := slices.Clone(endpoints)
	slices.SortStableFunc(out, func(a, b resolver.Endpoint) int {
		return cmp.Compare(rank(a, seed), rank(b, seed))
	})
	return out
}

// rank is splitmix64's finaliser over the seed and a hash of the first address:
// FNV alone keeps neighbouring addresses in order.
func rank(e resolver.Endpoint, seed uint64) uint64 {
	h := fnv.New64a()
	if len(e.Addresses) > 0 {
		h.Write([]byte(e.Addresses[0].Addr))
	}
	x := h.Sum64() ^ (seed+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
