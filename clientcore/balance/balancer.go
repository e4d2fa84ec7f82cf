package balance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
)

// Name is the balancer's name in a loadBalancingConfig.
const Name = "clientcore_metered"

// A balancer can only be found by name in grpc's registry, which may only be
// written during initialisation: this is the one init of clientcore.
func init() {
	balancer.Register(builder{})
	balancer.Register(ewmaBuilder{})
}

// config is the balancer's settings in a loadBalancingConfig.
type config struct {
	serviceconfig.LoadBalancingConfig `json:"-"`

	// Child is the policy that picks: a loadBalancingConfig of its own.
	Child []map[string]json.RawMessage `json:"childPolicy"`
	// Shuffle orders the backends by Seed, and leaves the first Subset of them,
	// or all when that is zero.
	Shuffle bool   `json:"shuffle,omitempty"`
	Subset  int    `json:"subset,omitempty"`
	Seed    uint64 `json:"seed,string,omitempty"`

	build  balancer.Builder
	parsed serviceconfig.LoadBalancingConfig
	// hashHeader is the metadata by which a ring_hash at or below Child finds a
	// key, "" when there is none.
	hashHeader string
}

type builder struct{}

func (builder) Name() string { return Name }

func (builder) ParseConfig(text json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	cfg := &config{}
	if err := json.Unmarshal(text, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	if err := cfg.parse(); err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return cfg, nil
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

	backends int
	state    atomic.Pointer[balancer.State] // the child's last

	mu         sync.Mutex            // guards what follows, and the ready of conns
	hashHeader string                // as in config
	conns      map[*subConn]struct{} // nil when closed
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
		if n := cfg.Subset; n > 0 && n < len(s.ResolverState.Endpoints) {
			s.ResolverState.Endpoints = s.ResolverState.Endpoints[:n]
		}
	}
	s.BalancerConfig = cfg.parsed
	b.backends = len(s.ResolverState.Endpoints)
	b.mu.Lock()
	b.hashHeader = cfg.hashHeader
	b.mu.Unlock()
	err := b.child.UpdateClientConnState(s)
	b.connect()
	return err
}

// connect is for ring_hash, which would wait for calls.
func (b *metered) connect() {
	if state, header := b.state.Load(), b.header(); state != nil && header != "" {
		connect(state.Picker, header, b.backends)
	}
}

func (b *metered) header() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hashHeader
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
		b.connect()
	}
}

func (b *metered) Close() { b.closeChild() }

func (b *metered) closeChild() {
	if b.child != nil {
		b.quiet()
		b.child.Close()
		b.child = nil
		b.state.Store(nil)
	}
	// Nobody tells a closed balancer of its connections' end.
	b.mu.Lock()
	defer b.mu.Unlock()
	for sc := range b.conns {
		b.setReadyLocked(sc, false)
		sc.release()
	}
	b.conns = nil
}

// quiet has nothing more of breakers told to the child, which is about to be closed:
// one that hears of a connection after that, as weighted_round_robin, begins anew and
// is never ended.
func (b *metered) quiet() {
	b.mu.Lock()
	conns := slices.Collect(maps.Keys(b.conns))
	b.mu.Unlock()
	for _, sc := range conns {
		if sc.gated != nil {
			sc.gated.quiet()
		}
	}
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
	sc.address = addrs[0].Addr
	sc.backend = b.meter.backend(sc.address)
	if set := b.meter.guard; set != nil {
		if gate := set.Gate(sc.address); gate != nil {
			sc.gated = newGated(gate)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conns == nil {
		sc.release() // a child that is closed: nobody will
	} else {
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
		sc.release()
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
	b.state.Store(&balancer.State{Picker: s.Picker})
	s.Picker = &picker{child: s.Picker, guard: b.meter.guard, balancer: b, hashHeader: b.header()}
	b.meter.report(s.ConnectivityState)
	b.ClientConn.UpdateState(s)
}

// subConn is a connection with the counts of its backend.
type subConn struct {
	balancer.SubConn
	address string
	backend *backend
	gated   *gated // nil without a breaker
	ready   bool
}

// release ends what watches for the connection.
func (sc *subConn) release() {
	if sc.gated != nil {
		sc.gated.end()
	}
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
	return mix(h.Sum64() ^ (seed+1)*golden)
}

// golden is splitmix64's step.
const golden = 0x9e3779b97f4a7c15

// mix is splitmix64's finaliser.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
