package run

import (
	"errors"
	"fmt"
	"time"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/xds"
	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario"
)

// destination is what the clients of a trial connect to.
type destination struct {
	options []clientcore.Option
	// members is the registry by which clients learn of a fleet whose backends
	// join and leave; nil where they stay.
	members   *discovery.Static
	addresses []fakeserver.Address
	changes   []scenario.Membership
	timers    []*time.Timer
}

// fleetScheme is the scheme of the registry.
const fleetScheme = "fleet"

func newDestination(v *scenario.Variant, b *backends) (*destination, error) {
	d := &destination{addresses: b.addresses, changes: v.Scenario.Memberships()}
	switch {
	case v.Scenario.Fleet == nil:
		// The resolvers are for all clients of the trial: they share a watch.
		target, resolvers, err := v.Scenario.DialTarget()
		if err != nil {
			return nil, err
		}
		d.options = append(d.options, clientcore.WithTarget(target), clientcore.WithResolvers(resolvers...))
	case v.Scenario.Fleet.XDS != nil:
		if b.deps.Dial != nil {
			return nil, errors.New("fleet.xds needs a network of the operating system's: grpc-go's xDS client takes no other")
		}
		asking, err := xds.Resolver(b.plane, fakeserver.XDSNode)
		if err != nil {
			return nil, fmt.Errorf("the fleet's xDS control plane: %w", err)
		}
		d.options = append(d.options, clientcore.WithTarget("xds:///"+fakeserver.XDSService), clientcore.WithResolvers(asking))
	case len(d.changes) > 0:
		d.members = discovery.NewStatic(d.endpoints(v.Scenario.Members())...)
		d.options = append(d.options,
			clientcore.WithTarget(fleetScheme+":///"+b.addresses[0].Address),
			clientcore.WithResolvers(discovery.Resolver(fleetScheme, d.members)))
	default:
		addresses := make([]string, len(b.addresses))
		for i, a := range b.addresses {
			addresses[i] = a.Address
		}
		d.options = append(d.options, clientcore.WithEndpoints(addresses...))
	}
	if b.lookaside != "" {
		d.options = append(d.options, clientcore.WithLookaside(b.lookaside))
	}
	if b.deps.Dial != nil {
		d.options = append(d.options, clientcore.WithDialer(b.deps.Dial))
	}
	if c := b.credentials(); c != nil {
		d.options = append(d.options, clientcore.WithTransportCredentials(c))
	}
	return d, nil
}

// endpoints is the backends with the given numbers.
func (d *destination) endpoints(members []int) []discovery.Endpoint {
	all := make([]discovery.Endpoint, len(members))
	for i, m := range members {
		all[i] = discovery.Endpoint{Address: d.addresses[m].Address}
	}
	return all
}

// start begins the changes of the membership, counted from t0.
func (d *destination) start(t0 time.Time) {
	for _, change := range d.changes {
		d.timers = append(d.timers, time.AfterFunc(time.Until(t0.Add(change.At)), func() {
			d.members.Set(d.endpoints(change.Members))
		}))
	}
}

// stop ends changes that are still to come.
func (d *destination) stop() {
	for _, t := range d.timers {
		t.Stop()
	}
}
