package clientcore

import (
	"encoding/json"
	"net/url"

	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"

	"github.com/grpcbench/grpcbench/clientcore/balance"
)

// resolve is the target to dial, and the resolvers it may be resolved by.
func (o *options) resolve(cfg Config) (string, []resolver.Builder) {
	target := o.target
	if o.endpoints != nil {
		if target == "" {
			target = o.endpoints[0]
		}
		fixed := endpoints{addresses: o.endpoints}
		if cfg.Balance.NeedsLookaside() {
			fixed.lookaside = o.lookaside
		}
		return endpointsScheme + ":///" + url.PathEscape(authority(target)), []resolver.Builder{fixed}
	}
	if target == "" {
		target = DefaultTarget
	}
	if address, ok := o.proxied(target); ok {
		return endpointsScheme + ":///" + url.PathEscape(authority(target)), []resolver.Builder{endpoints{addresses: []string{address}}}
	}
	builders := resolversOf(target, o.resolvers)
	if len(o.lookaside) > 0 && cfg.Balance.NeedsLookaside() {
		for i, b := range builders {
			builders[i] = withLookaside(b, o.lookaside)
		}
	}
	return target, builders
}

// isXDS is whether an xDS server says how calls of target are balanced, as it
// does by the service config that the resolver brings.
func isXDS(target string) bool {
	u, err := url.Parse(target)
	return err == nil && u.Scheme == "xds"
}

// endpointsScheme is the scheme of targets that stand for WithEndpoints.
const endpointsScheme = "endpoints"

// endpoints resolves any target to fixed addresses.
type endpoints struct{ addresses, lookaside []string }

func (e endpoints) Scheme() string { return endpointsScheme }

func (e endpoints) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	var state resolver.State
	for _, address := range e.addresses {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: address}}})
	}
	if e.lookaside != nil {
		state = balance.WithLookaside(state, e.lookaside)
	}
	if err := cc.UpdateState(state); err != nil {
		return nil, err
	}
	return fixed{}, nil
}

// fixed is a resolver whose answer does not change.
type fixed struct{}

func (fixed) ResolveNow(resolver.ResolveNowOptions) {}
func (fixed) Close()                                {}

// metered is a resolver whose states carry a channel's meter to its balancer.
type metered struct {
	resolver.Builder
	meter *balance.Meter
}

func (m metered) Build(t resolver.Target, cc resolver.ClientConn, o resolver.BuildOptions) (resolver.Resolver, error) {
	return m.Builder.Build(t, metering{cc, m.meter}, o)
}

// meteredAuthority is metered for a resolver that names its own authority.
type meteredAuthority struct {
	metered
	resolver.AuthorityOverrider
}

// metering is the channel, as the resolver sees it.
type metering struct {
	resolver.ClientConn
	meter *balance.Meter
}

func (m metering) UpdateState(state resolver.State) error {
	return m.ClientConn.UpdateState(m.meter.Attach(state))
}

// ParseServiceConfig puts the balancing that a resolver asks for, as that of xds
// targets does, below the balancer that counts. Where it asks for none, or for
// what cannot be put there, grpc-go has its say.
func (m metering) ParseServiceConfig(text string) *serviceconfig.ParseResult {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &all) == nil && all["loadBalancingConfig"] != nil {
		if counted, err := balance.Wrap(all["loadBalancingConfig"], 0); err == nil {
			if all["loadBalancingConfig"], err = json.Marshal(counted); err == nil {
				if whole, err := json.Marshal(all); err == nil {
					text = string(whole)
				}
			}
		}
	}
	return m.ClientConn.ParseServiceConfig(text)
}

// lookaside is a resolver whose states name look-aside balancers as well.
type lookaside struct {
	resolver.Builder
	addresses []string
}

func (l lookaside) Build(t resolver.Target, cc resolver.ClientConn, o resolver.BuildOptions) (resolver.Resolver, error) {
	return l.Builder.Build(t, naming{cc, l.addresses}, o)
}

// lookasideAuthority is lookaside for a resolver that names its own authority.
type lookasideAuthority struct {
	lookaside
	resolver.AuthorityOverrider
}

// naming is the channel, as the resolver below a lookaside sees it.
type naming struct {
	resolver.ClientConn
	addresses []string
}

func (n naming) UpdateState(state resolver.State) error {
	return n.ClientConn.UpdateState(balance.WithLookaside(state, n.addresses))
}

func withLookaside(b resolver.Builder, addresses []string) resolver.Builder {
	l := lookaside{b, addresses}
	if a, ok := b.(resolver.AuthorityOverrider); ok {
		return lookasideAuthority{l, a}
	}
	return l
}

func withMeter(b resolver.Builder, meter *balance.Meter) resolver.Builder {
	m := metered{b, meter}
	if a, ok := b.(resolver.AuthorityOverrider); ok {
		return meteredAuthority{m, a}
	}
	return m
}

// resolversOf is the resolvers that grpc.NewClient may choose for target,
// wherever they are registered: by the target's own scheme, or one of the two
// default schemes.
func resolversOf(target string, given []resolver.Builder) []resolver.Builder {
	builders := given
	schemes := []string{"dns", resolver.GetDefaultScheme()}
	if u, err := url.Parse(target); err == nil {
		schemes = append(schemes, u.Scheme)
	}
	for _, scheme := range schemes {
		if b := resolver.Get(scheme); b != nil {
			// grpc takes the first of a scheme: those given win.
			builders = append(builders, b)
		}
	}
	return builders
}

// authority is the host that a target names, without scheme and resolver.
func authority(target string) string {
	if u, err := url.Parse(target); err == nil && resolver.Get(u.Scheme) != nil {
		return resolver.Target{URL: *u}.Endpoint()
	}
	return target
}
