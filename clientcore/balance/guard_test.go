package balance

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// guarded is a channel with connections that are READY, each with a breaker that
// opens at the first failure, for a second.
type guarded struct {
	*metered
	set   *breaker.Set
	conns []*subConn
}

func newGuarded(t *testing.T, addresses ...string) *guarded {
	p := breaker.Default()
	p.Failures, p.Reset = 1, time.Second
	g := &guarded{set: breaker.NewSet(p, nil), metered: &metered{conns: nil}}
	t.Cleanup(g.set.Close)
	m := NewMeter(nil)
	m.Guard(g.set)
	g.metered.meter = m
	g.metered.conns = map[*subConn]struct{}{}
	for _, address := range addresses {
		sc := &subConn{SubConn: &healthy{}, address: address, backend: m.backend(address), ready: true}
		sc.gated = newGated(g.set.Gate(address))
		sc.RegisterHealthListener(func(balancer.SubConnState) {})
		sc.SubConn.(*healthy).tell(balancer.SubConnState{ConnectivityState: connectivity.Ready})
		t.Cleanup(sc.release)
		g.metered.conns[sc] = struct{}{}
		g.conns = append(g.conns, sc)
	}
	return g
}

// healthy is a connection that has told nothing of its health yet.
type healthy struct {
	balancer.SubConn
	tell func(balancer.SubConnState)
}

func (h *healthy) RegisterHealthListener(f func(balancer.SubConnState)) { h.tell = f }

// attempt makes one attempt on a connection of the guarded channel that ends with
// err.
func (g *guarded) attempt(sc *subConn, err error) error {
	return g.set.Around(invoker(func(ctx context.Context) error {
		if !sc.gated.gate.Admit(ctx) {
			return breaker.ErrOpen
		}
		return err
	})).Invoke(context.Background(), "/s/M", nil, nil)
}

type invoker func(context.Context) error

func (f invoker) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	return f(ctx)
}

func (f invoker) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("not here")
}

// pickers that a test writes as a function.
type pickerFunc func(balancer.PickInfo) (balancer.PickResult, error)

func (f pickerFunc) Pick(info balancer.PickInfo) (balancer.PickResult, error) { return f(info) }

// pickFor picks as an attempt that comes through the set's layer.
func (g *guarded) pickFor(p *picker, ctx context.Context) (result balancer.PickResult, err error) {
	_ = g.set.Around(invoker(func(ctx context.Context) error {
		result, err = p.Pick(balancer.PickInfo{FullMethodName: "/s/M", Ctx: ctx})
		return status.Error(codes.Canceled, "only the pick is of interest")
	})).Invoke(ctx, "/s/M", nil, nil)
	return result, err
}

var errDown = status.Error(codes.Unavailable, "down")

// A child that insists on a backend whose breaker refuses is passed over: the
// other backend is good.
func TestGuardPassesOverAChildThatInsists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, "b0", "b1")
		_ = g.attempt(g.conns[1], errDown)
		ends := 0
		p := &picker{guard: g.set, balancer: g.metered, child: pickerFunc(func(balancer.PickInfo) (balancer.PickResult, error) {
			return balancer.PickResult{SubConn: g.conns[1], Done: func(info balancer.DoneInfo) { ends++ }}, nil
		})}
		result, err := g.pickFor(p, context.Background())
		if err != nil || result.SubConn != g.conns[0].SubConn {
			t.Errorf("picked %v, %v; want b0", result.SubConn, err)
		}
		if ends != maxRepicks {
			t.Errorf("the child heard of %d ends of its %d picks", ends, maxRepicks)
		}
		_ = g.attempt(g.conns[0], errDown)
		if _, err := g.pickFor(p, context.Background()); !errors.Is(err, breaker.ErrOpen) || g.set.Rejected() != 1 {
			t.Errorf("both open: %v, %d rejected", err, g.set.Rejected())
		}
	})
}

// A hash ring is asked for another key, which follows from the call's own, and
// the call's own metadata is not touched.
func TestGuardAsksARingForAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, "b0", "b1")
		_ = g.attempt(g.conns[1], errDown)
		var asked []string
		p := &picker{guard: g.set, balancer: g.metered, hashHeader: "k", child: pickerFunc(func(info balancer.PickInfo) (balancer.PickResult, error) {
			md, _ := metadata.FromOutgoingContext(info.Ctx)
			asked = append(asked, md.Get("k")...)
			if md.Get("k")[0] == "user#2" {
				return balancer.PickResult{SubConn: g.conns[0]}, nil
			}
			return balancer.PickResult{SubConn: g.conns[1]}, nil
		})}
		ctx := metadata.AppendToOutgoingContext(context.Background(), "k", "user")
		result, err := g.pickFor(p, ctx)
		if err != nil || result.SubConn != g.conns[0].SubConn || len(asked) != 3 || asked[0] != "user" {
			t.Errorf("picked %v, %v by keys %q", result.SubConn, err, asked)
		}
		if md, _ := metadata.FromOutgoingContext(ctx); len(md.Get("k")) != 1 || md.Get("k")[0] != "user" {
			t.Errorf("the call's metadata became %v", md)
		}
	})
}

// A call that comes when a breaker has half opened and the child has not heard of
// it waits for the child; one that comes while all are open does not.
func TestGuardWaitsForAChildThatIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t, "b0")
		sc := g.conns[0]
		childErr := errors.New("no backend")
		p := &picker{guard: g.set, balancer: g.metered, child: pickerFunc(func(balancer.PickInfo) (balancer.PickResult, error) {
			return balancer.PickResult{}, childErr
		})}
		if _, err := g.pickFor(p, context.Background()); err == nil || err.Error() != noBackend+childErr.Error() {
			t.Errorf("closed: %v, want the child's own error", err)
		}
		_ = g.attempt(sc, errDown)
		synctest.Wait()
		if _, err := g.pickFor(p, context.Background()); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("open: %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		sc.gated.mu.Lock()
		if sc.gated.told != connectivity.Ready {
			t.Error("the child was not told that the breaker half opened")
		}
		sc.gated.told = connectivity.TransientFailure // as a moment before
		sc.gated.mu.Unlock()
		if _, err := g.pickFor(p, context.Background()); err != balancer.ErrNoSubConnAvailable {
			t.Errorf("half open, and the child not told: %v", err)
		}
	})
}
