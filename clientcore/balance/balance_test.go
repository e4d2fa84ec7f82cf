package balance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	_ "google.golang.org/grpc/xds" // outlier_detection

	"github.com/grpcbench/grpcbench/clientcore/internal/pick"
)

// wireNames is grpc-go's names that are not ours.
var wireNames = map[string]string{
	"least_request":     "least_request_experimental",
	"consistent_hash":   "ring_hash_experimental",
	"random_subsetting": "random_subsetting_experimental",
	"outlier_detection": "outlier_detection_experimental",
	"p2c_ewma":          "clientcore_p2c_ewma",
}

// Every kind is in the list, has its doc and example, and a config that grpc
// knows.
func TestKinds(t *testing.T) {
	typ := reflect.TypeFor[Policy]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Tag.Get("doc") == "" || f.Tag.Get("example") == "" || f.Tag.Get("yaml") == "" {
			t.Errorf("%s lacks a tag", f.Name)
		}
		var p Policy
		kind := reflect.New(f.Type.Elem())
		if d, ok := kind.Interface().(interface{ SetDefaults() }); ok {
			d.SetDefaults()
		}
		reflect.ValueOf(&p).Elem().Field(i).Set(kind)
		if err := p.Validate(); err != nil {
			t.Errorf("%s alone: %v", f.Name, err)
			continue
		}
		list, err := p.LoadBalancing(3)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(list.([]map[string]any)[0][Name])
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := builder{}.ParseConfig(text)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		want := f.Tag.Get("yaml")
		if name, differs := wireNames[want]; differs {
			want = name
		}
		if got := parsed.(*config).build.Name(); got != want {
			t.Errorf("%s balances by %s, want %s", f.Name, got, want)
		}
	}
	for _, p := range []Policy{{}, {RoundRobin: &RoundRobin{}, PickFirst: &PickFirst{}}} {
		err := p.Validate()
		if err == nil || !strings.Contains(err.Error(), "must be one of round_robin, pick_first") {
			t.Errorf("%+v: %v", p, err)
		}
		if _, err := p.LoadBalancing(0); err == nil {
			t.Errorf("%+v has a config", p)
		}
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, text := range []string{`{}`, `{"childPolicy":[]}`, `{"childPolicy":[{"no_such_policy":{}}]}`, `[]`,
		`{"childPolicy":[{"pick_first":"x"}]}`} {
		if _, err := (builder{}).ParseConfig(json.RawMessage(text)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

// The order depends on the seed and the set of addresses, not on their order.
func TestShuffled(t *testing.T) {
	var endpoints []resolver.Endpoint
	for i := range 6 {
		endpoints = append(endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: fmt.Sprintf("127.0.0.1:%d", 4000+i)}}})
	}
	order := func(es []resolver.Endpoint) (s []string) {
		for _, e := range es {
			s = append(s, e.Addresses[0].Addr)
		}
		return s
	}
	given := order(endpoints)
	first := map[string]int{}
	for seed := range uint64(600) {
		got := order(shuffled(endpoints, seed))
		backwards := slices.Clone(endpoints)
		slices.Reverse(backwards)
		if again := order(shuffled(backwards, seed)); !slices.Equal(got, again) {
			t.Fatalf("seed %d: %v, and %v of the same addresses in another order", seed, got, again)
		}
		first[got[0]]++
	}
	if !slices.Equal(order(endpoints), given) {
		t.Error("the resolver's own list was changed")
	}
	for _, a := range given {
		// Binomial(600, 1/6): mean 100, deviation 9.
		if first[a] < 60 || first[a] > 140 {
			t.Errorf("%s is first %d times of 600", a, first[a])
		}
	}
}

// child is a picker that picks one connection.
type child struct{ result balancer.PickResult }

func (c child) Pick(balancer.PickInfo) (balancer.PickResult, error) { return c.result, nil }

type observer struct {
	backends []string
	ended    []balancer.DoneInfo
}

func (o *observer) Picked(backend string, end func(balancer.DoneInfo)) func(balancer.DoneInfo) {
	o.backends = append(o.backends, backend)
	return func(info balancer.DoneInfo) {
		end(info)
		o.ended = append(o.ended, info)
	}
}

func (o *observer) Sent(bool) {}

func TestPickerCounts(t *testing.T) {
	m := NewMeter(nil)
	inner := 0
	sc := &subConn{address: "b0", backend: m.backend("b0")}
	plain := &picker{child: child{balancer.PickResult{SubConn: sc}}}
	chained := &picker{child: child{balancer.PickResult{SubConn: sc, Done: func(balancer.DoneInfo) { inner++ }}}}
	info := balancer.PickInfo{FullMethodName: "/s/M", Ctx: context.Background()}
	end := func(p *picker, info balancer.PickInfo, how balancer.DoneInfo) {
		t.Helper()
		result, err := p.Pick(info)
		if err != nil {
			t.Fatal(err)
		}
		if _, wrapped := result.SubConn.(*subConn); wrapped {
			t.Fatal("grpc is given a connection that it does not know")
		}
		result.Done(how)
	}
	end(plain, info, balancer.DoneInfo{BytesSent: true, BytesReceived: true})
	end(plain, info, balancer.DoneInfo{BytesSent: true, Err: errors.New("x")})
	end(plain, info, balancer.DoneInfo{}) // never began
	end(chained, info, balancer.DoneInfo{BytesSent: true, BytesReceived: true})
	o := &observer{}
	info.Ctx = pick.Observe(info.Ctx, o)
	end(chained, info, balancer.DoneInfo{BytesSent: true})
	if _, err := plain.Pick(info); err != nil { // still running
		t.Fatal(err)
	}
	var got []Attempts
	m.Each(func(a Attempts) { got = append(got, a) })
	want := Attempts{Method: "s/M", Backend: "b0", Picked: 5, Answered: 2, Unknown: 2}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if inner != 2 {
		t.Errorf("the child heard of %d ends, want 2", inner)
	}
	if !slices.Equal(o.backends, []string{"b0", "b0"}) || len(o.ended) != 1 {
		t.Errorf("the observer heard of %v and %d ends", o.backends, len(o.ended))
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	m := NewMeter(nil)
	p := &picker{child: child{balancer.PickResult{SubConn: &subConn{backend: m.backend("b0")}}}}
	info := balancer.PickInfo{FullMethodName: "/s/M", Ctx: context.Background()}
	if got := testing.AllocsPerRun(100, func() {
		result, _ := p.Pick(info)
		result.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
	}); got != 0 {
		t.Errorf("%v allocations a pick", got)
	}
}

// channel is a balancer.ClientConn that keeps what it was told.
type channel struct {
	balancer.ClientConn
	states    []connectivity.State
	listeners []func(balancer.SubConnState)
}

type conn struct{ balancer.SubConn }

func (conn) Connect()  {}
func (conn) Shutdown() {}

func (c *channel) UpdateState(s balancer.State)          { c.states = append(c.states, s.ConnectivityState) }
func (c *channel) ResolveNow(resolver.ResolveNowOptions) {}
func (c *channel) NewSubConn(_ []resolver.Address, o balancer.NewSubConnOptions) (balancer.SubConn, error) {
	c.listeners = append(c.listeners, o.StateListener)
	return &conn{}, nil
}

// A resolver error before any addresses fails calls with that error, and a
// closed balancer has no connections.
func TestBalancerEnds(t *testing.T) {
	cc := &channel{}
	var reported []connectivity.State
	m := NewMeter(func(s connectivity.State) { reported = append(reported, s) })
	b := builder{}.Build(cc, balancer.BuildOptions{})
	b.ResolverError(errors.New("no such host"))
	if !slices.Equal(cc.states, []connectivity.State{connectivity.TransientFailure}) {
		t.Errorf("states %v", cc.states)
	}
	if err := b.UpdateClientConnState(balancer.ClientConnState{}); !errors.Is(err, errConfig) {
		t.Errorf("without a config: %v", err)
	}
	parsed, err := builder{}.ParseConfig(json.RawMessage(`{"childPolicy":[{"pick_first":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	state := m.Attach(resolver.State{Endpoints: []resolver.Endpoint{{Addresses: []resolver.Address{{Addr: "b0"}}}}})
	if err := b.UpdateClientConnState(balancer.ClientConnState{ResolverState: state, BalancerConfig: parsed}); err != nil {
		t.Fatal(err)
	}
	b.ExitIdle()
	if len(cc.listeners) != 1 {
		t.Fatalf("%d connections, want 1", len(cc.listeners))
	}
	cc.listeners[0](balancer.SubConnState{ConnectivityState: connectivity.Connecting})
	if got := m.Connections(); got != 0 {
		t.Errorf("%d connections READY while one connects", got)
	}
	b.(*metered).setReady(t, connectivity.Ready)
	if got := m.Connections(); got != 1 {
		t.Errorf("%d connections READY, want 1", got)
	}
	b.Close()
	if got := m.Connections(); got != 0 {
		t.Errorf("%d connections READY after Close", got)
	}
	if len(reported) == 0 || reported[len(reported)-1] != connectivity.Connecting {
		t.Errorf("reported %v", reported)
	}
}

// setReady is what a listener does before it passes the state to the child,
// which would want a real connection for its health.
func (b *metered) setReady(t *testing.T, s connectivity.State) {
	t.Helper()
	for sc := range b.conns {
		b.listen(sc, s)
	}
}
