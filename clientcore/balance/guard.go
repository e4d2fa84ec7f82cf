package balance

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// Guard puts the breakers of set around the backends of m's channel: one whose
// breaker is open leaves the pick set, in the way of outlier_detection. It is
// to be called before the channel is made. pick_first keeps to the backend it
// has; its calls fail while that one's breaker is open.
func (m *Meter) Guard(set *breaker.Set) { m.guard = set }

// gated is a connection to a backend that has a breaker. To the child it has the
// health of its breaker as well: TRANSIENT_FAILURE while that is open.
type gated struct {
	gate *breaker.Gate
	stop func() // ends the watch of the gate

	mu       sync.Mutex // held for a moment, never over a call of listener
	listener func(balancer.SubConnState)
	health   balancer.SubConnState // as the connection has it
	known    bool                  // health was told
	told     connectivity.State    // what listener was last told
	telling  bool                  // a goroutine is in listener
	over     bool
}

func newGated(gate *breaker.Gate) *gated {
	g := &gated{gate: gate, told: -1}
	// On a goroutine of its own: whoever changes a breaker is in the middle of
	// a call, and under the breaker's lock.
	g.stop = gate.Watch(func() { go g.tell() })
	return g
}

// errOpen is what a child hears of a backend whose breaker is open.
var errOpen = status.Error(codes.Unavailable, "the circuit breaker of the backend is open")

// tell tells the listener of the health that holds now. Of several goroutines
// one does, as often as there is news.
func (g *gated) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.telling {
		return
	}
	g.telling = true
	for g.listener != nil && g.known && !g.over {
		now := g.health
		if g.gate.Open() {
			now = balancer.SubConnState{ConnectivityState: connectivity.TransientFailure, ConnectionError: errOpen}
		}
		if now.ConnectivityState == g.told {
			break
		}
		g.told = now.ConnectivityState
		listener := g.listener
		g.mu.Unlock()
		listener(now)
		g.mu.Lock()
	}
	g.telling = false
}

// changing is whether the child will hear at once that the connection is READY.
func (g *gated) changing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.listener != nil && g.known && !g.over && g.health.ConnectivityState == connectivity.Ready &&
		(g.telling || g.told != connectivity.Ready)
}

func (g *gated) end() {
	g.stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over, g.listener = true, nil
}

// RegisterHealthListener is what a child calls when the connection is READY.
func (sc *subConn) RegisterHealthListener(listener func(balancer.SubConnState)) {
	g := sc.gated
	if g == nil {
		sc.SubConn.RegisterHealthListener(listener)
		return
	}
	g.mu.Lock()
	g.listener, g.known, g.told = listener, false, -1
	g.mu.Unlock()
	if listener == nil {
		sc.SubConn.RegisterHealthListener(nil)
		return
	}
	sc.SubConn.RegisterHealthListener(func(s balancer.SubConnState) {
		g.mu.Lock()
		g.health, g.known, g.told = s, true, -1
		g.mu.Unlock()
		g.tell()
	})
}

// admitted picks by child until a backend's breaker lets the call through: what
// a child picks right after a breaker opened, or while the probes of one are
// under way, may be refused. A hash ring is asked for other keys then, always the
// same for a key, so that the key's calls stay together. A child that insists, as
// one that goes by latency does, is passed over.
func (p *picker) admitted(info balancer.PickInfo) (balancer.PickResult, error) {
	ctx := info.Ctx
	for again := range maxRepicks {
		if again > 0 && p.hashHeader != "" {
			info.Ctx = otherKey(ctx, p.hashHeader, again)
		}
		result, err := p.child.Pick(info)
		if err != nil {
			return result, p.why(err)
		}
		sc, ok := result.SubConn.(*subConn)
		if !ok || sc.gated == nil || sc.gated.gate.Admit(ctx) {
			return result, nil
		}
		if result.Done != nil {
			// Nothing was sent. To outlier detection that is a success, since the only
			// other thing that it knows is a failure, for which it would take a
			// backend out that has just come back.
			result.Done(balancer.DoneInfo{})
		}
	}
	if sc := p.balancer.admitting(ctx); sc != nil {
		return balancer.PickResult{SubConn: sc}, nil
	}
	return balancer.PickResult{}, p.guard.Refused()
}

// maxRepicks is how often a child is asked for one call. Children that draw at
// random may name the same backend again.
const maxRepicks = 16

// otherKey is ctx with another key for the hash ring, which follows from the one
// it has. It is for the pick alone: the call is sent with its own.
func otherKey(ctx context.Context, header string, again int) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx) // a copy
	md.Set(header, strings.Join(md.Get(header), ",")+"#"+strconv.Itoa(again))
	return metadata.NewOutgoingContext(ctx, md)
}

// admitting is a connection that is READY and whose breaker admits the attempt of
// ctx, or nil.
func (b *metered) admitting(ctx context.Context) *subConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	for sc := range b.conns {
		if sc.ready && sc.gated != nil && !sc.gated.gate.Open() && sc.gated.gate.Admit(ctx) {
			return sc
		}
	}
	return nil
}

// why is the error of a child that has no backend to pick. That of backends whose
// breakers are open is the breakers' own: such a call does not wait. Where a
// breaker is open no more, and the child is about to hear of it, the call waits
// for that.
func (p *picker) why(err error) error {
	if err == balancer.ErrNoSubConnAvailable {
		return err
	}
	switch p.balancer.gates() {
	case gatesOpen:
		return p.guard.Refused()
	case gatesChanging:
		return balancer.ErrNoSubConnAvailable
	}
	return err
}

// gates is what the breakers of a channel's connections are at together.
type gates int

const (
	gatesOther    gates = iota
	gatesOpen           // there are connections, and every one's breaker is open
	gatesChanging       // the child takes a breaker for open that is not
)

func (b *metered) gates() gates {
	b.mu.Lock()
	defer b.mu.Unlock()
	ready := 0
	for sc := range b.conns {
		if !sc.ready {
			continue
		}
		if sc.gated == nil {
			return gatesOther
		}
		if !sc.gated.gate.Open() {
			if sc.gated.changing() {
				return gatesChanging
			}
			return gatesOther
		}
		ready++
	}
	if ready > 0 {
		return gatesOpen
	}
	return gatesOther
}
