package breaker

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
)

// Set is one breaker for each backend, shared by a client's channels. The
// channels' balancers ask it, so that calls go to other backends while one's
// breaker is open; a call's outcome comes from around the pool, where its real
// error is known: what grpc-go tells a balancer of the end of a call leaves out
// that a server answered before it was sent the request.
type Set struct {
	policy  Policy
	judge   judge
	observe func(Change)

	rejected atomic.Int64

	mu        sync.Mutex
	gates     map[string]*Gate
	forgotten int64 // how often those opened that are not in gates any more
}

// NewSet is breakers by a policy that is valid and not Off. observe is told of
// each change, see New; from several goroutines, but in order for each backend.
func NewSet(p Policy, observe func(Change)) *Set {
	return &Set{policy: p, judge: judgeOf(p), observe: observe, gates: map[string]*Gate{}}
}

// maxGates bounds the breakers where addresses come and go, as in a fleet whose
// every restart has a new one.
const maxGates = 1 << 12

// Gate is the breaker of a backend, by its address. Beyond some thousands it is
// nil: no breaker.
func (s *Set) Gate(address string) *Gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gates[address]
	if g == nil {
		if len(s.gates) >= maxGates {
			s.forgetLocked()
		}
		if len(s.gates) >= maxGates {
			return nil
		}
		g = &Gate{breaker: New(s.policy, address, s.observe), judge: s.judge}
		s.gates[address] = g
	}
	return g
}

// forgetLocked drops the breakers that nobody watches and that are closed.
func (s *Set) forgetLocked() {
	for address, g := range s.gates {
		if g.breaker.idle() {
			s.forgotten += g.breaker.Opened()
			delete(s.gates, address)
		}
	}
}

// Refused is the error of a call for which there is no backend whose breaker
// would let it through. It counts the call.
func (s *Set) Refused() error {
	s.rejected.Add(1)
	return &OpenError{Scope: Backend, State: Open}
}

// Rejected is how many calls were refused because no breaker would let them
// through. One that another backend took is not among them.
func (s *Set) Rejected() int64 { return s.rejected.Load() }

// Opened is how often the breakers opened, together.
func (s *Set) Opened() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.forgotten
	for _, g := range s.gates {
		n += g.breaker.Opened()
	}
	return n
}

// Len is how many breakers there are.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.gates)
}

// Each calls yield with every breaker.
func (s *Set) Each(yield func(*Breaker)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gates {
		yield(g.breaker)
	}
}

// Close ends the timers of the breakers.
func (s *Set) Close() { s.Each((*Breaker).stop) }

// Gate is the breaker of one backend.
type Gate struct {
	breaker *Breaker
	judge   judge
}

// Open is whether the backend is to be left out of the pick.
func (g *Gate) Open() bool { return g.breaker.State() == Open }

// Watch tells f of each change of Open from now on, under the breaker's lock: f
// must not block, nor call the gate.
func (g *Gate) Watch(f func()) (stop func()) {
	_, stop = g.breaker.watch(func(State) { f() })
	return stop
}

// Admit asks the backend's breaker for the attempt of ctx, which a pick would
// send there. An attempt that does not come through the Set's layer is admitted.
func (g *Gate) Admit(ctx context.Context) bool {
	a, ok := ctx.Value(admissionKey{}).(*admission)
	if !ok {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// grpc-go picks again when the connection was lost before anything went out. The
	// attempt gives its place back first, which may be the only one of a probe.
	a.endLocked(Neither)
	ticket, err := g.breaker.Allow()
	if err != nil {
		return false
	}
	if a.over {
		g.breaker.Done(ticket, Neither)
		return true
	}
	a.gate, a.ticket = g, ticket
	return true
}

type admissionKey struct{}

// admission is the ticket of one attempt.
type admission struct {
	mu     sync.Mutex
	gate   *Gate // nil before the pick
	ticket Ticket
	over   bool
}

func (a *admission) endLocked(o Outcome) {
	if a.gate != nil {
		a.gate.breaker.Done(a.ticket, o)
		a.gate = nil
	}
}

// probes is whether the attempt is a probe of its backend's breaker.
func (a *admission) probes() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate != nil && a.ticket.probes()
}

func (a *admission) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gate != nil {
		a.endLocked(a.gate.judge.outcome(err))
	}
	a.over = true
}

// Around is next, whose attempts then report their outcome to the breaker of the
// backend that was picked.
func (s *Set) Around(next grpc.ClientConnInterface) grpc.ClientConnInterface { return around{next} }

type around struct{ next grpc.ClientConnInterface }

func (l around) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	a := &admission{}
	err := l.next.Invoke(context.WithValue(ctx, admissionKey{}, a), method, args, reply, opts...)
	a.end(err)
	return err
}

func (l around) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	a := &admission{}
	all := append(make([]grpc.CallOption, 0, len(opts)+1), opts...)
	s, err := l.next.NewStream(context.WithValue(ctx, admissionKey{}, a), desc, method, append(all, grpc.OnFinish(a.end))...)
	if err != nil {
		a.end(err)
		return nil, err
	}
	if a.probes() {
		return &probe{s, a.end}, nil
	}
	return s, nil
}
