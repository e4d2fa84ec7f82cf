package run

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario"
)

// backends is the servers that a run calls: a fleet that it drives, or the
// engineer's own target, of which it knows nothing.
type backends struct {
	deps       Deps
	isolation  string
	process    *fakeserver.Process
	fleet      *fakeserver.Fleet
	control    *fakeserver.Control
	configured string // the fleet's Config in force, as JSON
	addresses  []fakeserver.Address
	lookaside  string // where the fleet's look-aside balancer listens, "" without one
}

func newBackends(ctx context.Context, plan *scenario.Plan, deps Deps) (*backends, error) {
	b := &backends{deps: deps}
	if fleet := plan.Variants[0].Scenario.Fleet; fleet != nil {
		b.isolation = fleet.Isolation
		return b, b.start(ctx)
	}
	return b, nil
}

// start brings the fleet up, or up again after it died.
func (b *backends) start(ctx context.Context) error {
	var address, token string
	switch b.isolation {
	case scenario.InProcess:
		var err error
		if token, err = fakeserver.NewToken(); err != nil {
			return err
		}
		b.fleet = fakeserver.NewFleet(token, b.deps.Listen)
		listen := b.deps.Listen
		if listen == nil {
			listen = net.Listen
		}
		listener, err := listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.close()
			return err
		}
		go func(f *fakeserver.Fleet) { _ = f.ServeControl(listener) }(b.fleet)
		address = listener.Addr().String()
	default:
		process, err := b.deps.Spawn(ctx)
		if err != nil {
			return err
		}
		b.process = process
		address, token = process.Address(), process.Token()
	}
	control, err := fakeserver.DialControl(address, token, b.deps.Dial)
	if err != nil {
		b.close()
		return err
	}
	b.control, b.configured = control, ""
	return nil
}

// died is closed when the fleet's process ended; nil (never) without one.
func (b *backends) died() <-chan struct{} {
	if b.process == nil {
		return nil
	}
	return b.process.Done()
}

// prepare makes the fleet ready for a trial of the variant: started, configured
// as it says, everything earlier forgotten. Without a fleet it does nothing.
func (b *backends) prepare(ctx context.Context, v *scenario.Variant, seed uint64, block int) error {
	if v.Scenario.Fleet == nil {
		return nil
	}
	select {
	case <-b.died():
		b.close()
		if err := b.start(ctx); err != nil {
			return fmt.Errorf("starting the fleet again after it died: %w", err)
		}
	default:
	}
	config := v.Scenario.Fleet.Config
	encoded, err := json.Marshal(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	if string(encoded) != b.configured {
		if b.addresses, err = b.control.Configure(ctx, config); err != nil {
			return fmt.Errorf("configuring the fleet: %w", err)
		}
		b.configured, b.lookaside = string(encoded), b.control.Lookaside()
	}
	if err := b.control.Reset(ctx, seed, uint32(block)); err != nil {
		return fmt.Errorf("resetting the fleet: %w", err)
	}
	return nil
}

// controlPatience is how long the fleet may take to answer a control call.
// Thousand backends listen and close well within it.
const controlPatience = 10 * time.Second

// startAt sets the fleet's clock.
func (b *backends) startAt(ctx context.Context, t0 time.Time, final bool) error {
	ctx, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	if err := b.control.Start(ctx, t0, final); err != nil {
		return fmt.Errorf("setting the fleet's clock: %w", err)
	}
	return nil
}

// settlePoll is how often the fleet is asked whether it is at rest.
const settlePoll = 5 * time.Millisecond

// errBusy says that the fleet was not at rest in time.
var errBusy = errors.New("calls are still in flight on the fleet")

// settle waits until nothing is in flight on the fleet and nothing arrives any
// more (the headers of a cancelled attempt may still be on their way), and
// returns the counters then. After `patience` it returns them with errBusy.
func (b *backends) settle(ctx context.Context, patience time.Duration) (fakeserver.Snapshot, error) {
	deadline := time.Now().Add(patience)
	before := int64(-1)
	for {
		asking, cancel := context.WithTimeout(ctx, controlPatience)
		snapshot, err := b.control.Snapshot(asking)
		cancel()
		if err != nil {
			return snapshot, fmt.Errorf("reading the fleet's counters: %w", err)
		}
		inFlight, received := traffic(snapshot)
		if inFlight == 0 && received == before {
			return snapshot, nil
		}
		if time.Now().After(deadline) {
			if inFlight == 0 {
				return snapshot, nil
			}
			return snapshot, fmt.Errorf("%w: %d after %v", errBusy, inFlight, patience)
		}
		before = received
		select {
		case <-ctx.Done():
			return snapshot, ctx.Err()
		case <-time.After(settlePoll):
		}
	}
}

func traffic(s fakeserver.Snapshot) (inFlight, received int64) {
	for _, b := range s.Backends {
		inFlight += b.InFlight
		for _, n := range b.Attempts {
			received += n
		}
	}
	return inFlight, received
}

// credentials trust the fleet's own authority; nil where it speaks plain text.
func (b *backends) credentials() credentials.TransportCredentials {
	if len(b.addresses) == 0 || b.addresses[0].Authority == "" {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(b.addresses[0].Authority)) // the fleet made it
	return credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: fakeserver.TLSName, MinVersion: tls.VersionTLS12})
}

// names maps addresses to the backends' names.
func (b *backends) names() map[string]string {
	names := make(map[string]string, len(b.addresses))
	for _, a := range b.addresses {
		names[a.Address] = a.Name
	}
	return names
}

func (b *backends) close() {
	if b.control != nil {
		_ = b.control.Close()
		b.control = nil
	}
	if b.process != nil {
		_ = b.process.Close()
		b.process = nil
	}
	if b.fleet != nil {
		b.fleet.Close()
		b.fleet = nil
	}
}

// list is the names of the fleet's backends, in order.
func (b *backends) list() []string {
	names := make([]string, len(b.addresses))
	for i, a := range b.addresses {
		names[i] = a.Name
	}
	return names
}
