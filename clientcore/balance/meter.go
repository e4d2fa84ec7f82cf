package balance

import (
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// Meter holds what one channel's balancer counted. It reaches the balancer in
// the attributes of the resolver's state: see Attach. All its methods may be
// called at any time.
type Meter struct {
	report func(connectivity.State)
	guard  *breaker.Set // nil without
	*counts
}

// counts is the attempts by address, and the connections: those of a channel and of
// the ones that it replaced, or was to replace.
type counts struct {
	connections atomic.Int64

	mu       sync.Mutex
	backends map[string]*backend
}

// NewMeter is a meter that passes each new state of its channel to report, which
// may be nil. report is called from grpc-go's own goroutine: it must not block,
// nor call the channel.
func NewMeter(report func(connectivity.State)) *Meter {
	if report == nil {
		report = func(connectivity.State) {}
	}
	return &Meter{report: report, counts: &counts{backends: map[string]*backend{}}}
}

// Renew is a meter for a channel that is to replace m's: its report is its own, its
// counts are m's and go on, whether it comes to that or m's channel stays. Either
// has the attempts and connections of both, so ask only one.
func (m *Meter) Renew(report func(connectivity.State)) *Meter {
	next := NewMeter(report)
	next.counts = m.counts
	next.guard = m.guard
	return next
}

// Attempts is how often the balancer picked Backend for Method, and what came of
// it. A pick whose connection was lost before the attempt could begin is not
// counted.
type Attempts struct {
	// Method is without its leading slash, Backend the address.
	Method, Backend string
	// Picked is Answered + Unknown + the attempts that still run. Answered
	// attempts had a header or trailer from the backend; of Unknown ones it
	// cannot be said whether the backend received them.
	Picked, Answered, Unknown int64
}

// Each calls yield with the counts of each method and backend, in no particular
// order.
func (m *Meter) Each(yield func(Attempts)) {
	m.mu.Lock()
	backends := make([]*backend, 0, len(m.backends))
	for _, b := range m.backends {
		backends = append(backends, b)
	}
	m.mu.Unlock()
	for _, b := range backends {
		b.each(yield)
	}
}

// Connections is the channel's connections that are READY, and of those that it
// replaced what is left.
func (m *Meter) Connections() int { return int(m.connections.Load()) }

// meterKey is where a Meter lies in a resolver.State's attributes.
type meterKey struct{}

// Attach puts m into a state that is on its way from the resolver to the
// balancer.
func (m *Meter) Attach(state resolver.State) resolver.State {
	state.Attributes = state.Attributes.WithValue(meterKey{}, m)
	return state
}

func attached(state resolver.State) (*Meter, bool) {
	m, ok := state.Attributes.Value(meterKey{}).(*Meter)
	return m, ok
}

// maxBackends bounds the counts where addresses come and go, as in a fleet whose
// every restart has a new one; those beyond are counted together.
const maxBackends = 1 << 12

// OtherBackends is the Backend of Attempts beyond the first four thousand or so.
const OtherBackends = "(others)"

func (m *counts) backend(address string) *backend {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.backends[address]
	if b == nil && len(m.backends) >= maxBackends {
		address = OtherBackends
		b = m.backends[address]
	}
	if b == nil {
		b = &backend{address: address}
		m.backends[address] = b
	}
	return b
}

// backend is the counts of one address, by full method name with its slash. The
// map is replaced, never changed, so that reading it takes no lock.
type backend struct {
	address string
	mu      sync.Mutex // serialises replacements
	cells   atomic.Pointer[map[string]*cell]
}

func (b *backend) cell(method string) *cell {
	if cells := b.cells.Load(); cells != nil {
		if c := (*cells)[method]; c != nil {
			return c
		}
	}
	return b.addCell(method)
}

// maxMethods bounds the counts where method names come from outside, as in a
// proxy; the methods beyond are counted together, as OtherMethods.
const maxMethods = 1 << 10

// OtherMethods is the Method of Attempts beyond the first thousand or so.
const OtherMethods = "(others)"

func (b *backend) addCell(method string) *cell {
	b.mu.Lock()
	defer b.mu.Unlock()
	grown := map[string]*cell{}
	if cells := b.cells.Load(); cells != nil {
		if len(*cells) >= maxMethods {
			method = OtherMethods
		}
		if c := (*cells)[method]; c != nil {
			return c
		}
		for name, c := range *cells {
			grown[name] = c
		}
	}
	c := &cell{}
	c.done = c.end // once, so that a pick does not allocate
	grown[method] = c
	b.cells.Store(&grown)
	return c
}

func (b *backend) each(yield func(Attempts)) {
	cells := b.cells.Load()
	if cells == nil {
		return
	}
	for method, c := range *cells {
		// The ends first: then no end is counted whose pick is not.
		a := Attempts{Backend: b.address, Answered: c.answered.Load(), Unknown: c.unknown.Load()}
		a.Picked = c.picked.Load()
		if a.Picked == 0 {
			continue
		}
		a.Method = method
		if len(method) > 0 && method[0] == '/' {
			a.Method = method[1:]
		}
		yield(a)
	}
}

// cell counts the attempts of one method on one backend.
type cell struct {
	picked, answered, unknown atomic.Int64
	done                      func(balancer.DoneInfo)
}

func (c *cell) end(info balancer.DoneInfo) {
	switch {
	case info.BytesReceived:
		c.answered.Add(1)
	case info.BytesSent:
		c.unknown.Add(1)
	default:
		// The connection was lost between the pick and the stream: nothing
		// went out, and grpc-go picks again.
		c.picked.Add(-1)
	}
}
