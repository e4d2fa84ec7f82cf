package discovery

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc/experimental/balancer/weight"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/resolver"
)

// ErrNoEndpoints is why calls fail while a registry has no endpoints. It is what
// grpc is told: calls fail with UNAVAILABLE and its text, or with the balancer's
// own words once there were endpoints.
var ErrNoEndpoints = errors.New("discovery: the registry has no endpoints")

// ResolverOption is a choice of Resolver.
type ResolverOption func(*builder)

// WithKeepLast says whether an empty answer after a good one is passed over,
// which is so without this option: a registry that loses its contents for a
// moment does not take the service down. With false, calls then fail with
// UNAVAILABLE until there are endpoints again.
//
// An error never takes endpoints away: grpc keeps those that it has.
func WithKeepLast(keep bool) ResolverOption { return func(b *builder) { b.keepLast = keep } }

// Resolver resolves every target of scheme to r's endpoints. All channels that
// use it share one watch, which runs while there are channels. Calls made before
// the first endpoints are known wait; after an error before them they fail with
// UNAVAILABLE, unless they wait for ready.
//
// The authority that a channel sends is the target's path, as in
// scheme:///authority.
func Resolver(scheme string, r Registry, opts ...ResolverOption) resolver.Builder {
	hub, ok := r.(*Hub)
	if !ok {
		hub = NewHub(r)
	}
	b := &builder{scheme: scheme, hub: hub, keepLast: true}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

type builder struct {
	scheme   string
	hub      *Hub
	keepLast bool
}

func (b *builder) Scheme() string { return b.scheme }

func (b *builder) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{hub: b.hub, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		b.hub.Watch(ctx, &channel{cc: cc, keepLast: b.keepLast})
	}()
	return w, nil
}

// watch is the resolver of one channel.
type watch struct {
	hub  *Hub
	stop context.CancelFunc
	done chan struct{}
}

func (w *watch) ResolveNow(resolver.ResolveNowOptions) { w.hub.Refresh() }

// Close waits for the watch. grpc holds no lock that the watch may need.
func (w *watch) Close() {
	w.stop()
	<-w.done
}

// channel passes on to grpc what a watch sees.
type channel struct {
	cc       resolver.ClientConn
	keepLast bool
	last     []Endpoint // what grpc was last told; nil is nothing yet
}

func (c *channel) Update(endpoints []Endpoint) {
	endpoints = distinct(endpoints)
	switch {
	case len(endpoints) > 0:
	case len(c.last) > 0 && c.keepLast:
		grpclog.Component("discovery").Warning("the registry has no endpoints any more: the last ones are kept")
		return
	case len(c.last) == 0:
		c.cc.ReportError(ErrNoEndpoints)
		return
	}
	if c.last != nil && slices.Equal(endpoints, c.last) {
		return
	}
	c.last = endpoints
	state := resolver.State{Endpoints: make([]resolver.Endpoint, 0, len(endpoints))}
	for _, e := range endpoints {
		one := resolver.Endpoint{Addresses: []resolver.Address{{Addr: e.Address}}}
		if e.Weight > 0 {
			one = weight.Set(one, weight.EndpointInfo{Weight: e.Weight})
		}
		state.Endpoints = append(state.Endpoints, one)
	}
	if err := c.cc.UpdateState(state); err != nil && len(endpoints) > 0 {
		// The balancer's verdict on its own settings: it fails the calls, and
		// the same state again would change nothing.
		grpclog.Component("discovery").Warningf("the balancer refuses %d endpoints: %v", len(endpoints), err)
	}
	if len(endpoints) == 0 {
		c.cc.ReportError(ErrNoEndpoints) // says why in the calls' errors, with most balancers
	}
}

func (c *channel) Error(err error) {
	if len(c.last) > 0 {
		grpclog.Component("discovery").Warningf("the last %d endpoints are kept: %v", len(c.last), err)
		return
	}
	c.cc.ReportError(err)
}
