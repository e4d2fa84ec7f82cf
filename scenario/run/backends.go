package run

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario"
)

// backends is the servers that a run calls: a fleet that it drives, or the
// engineer's own target, of which it knows nothing.
type backends struct {
	deps       Deps
	wanted     *scenario.Fleet // nil is a target
	lent       trialOrder      // where a fleet is that another process has started
	gone       <-chan struct{} // closed when that says that it died
	process    *fakeserver.Process
	fleet      *fakeserver.Fleet
	members    []*member // a fleet on this machine is one
	lost       *loss     // of remote members; nil where there are none
	configured string    // the fleet's Config in force, as JSON
	addresses  []fakeserver.Address
	plane      string // where its xDS control plane listens, likewise
	lookaside  string // where the fleet's look-aside balancer listens, "" without one
}

func newBackends(ctx context.Context, plan *scenario.Plan, deps Deps) (*backends, error) {
	b := &backends{deps: deps, wanted: plan.Variants[0].Scenario.Fleet}
	if plan.ComparesBuilds() && b.wanted != nil && b.wanted.Isolation == scenario.Remote {
		return b, nil // each build joins it for itself
	}
	if b.wanted != nil {
		return b, b.start(ctx)
	}
	return b, nil
}

// lentBackends is those of one trial that another process has ordered, whose
// fleet it says when it died.
func lentBackends(ctx context.Context, v *scenario.Variant, deps Deps, o trialOrder, died <-chan struct{}) (*backends, error) {
	b := &backends{deps: deps, wanted: v.Scenario.Fleet, lent: o}
	if b.wanted == nil {
		return b, nil
	}
	if o.Fleet != "" {
		b.gone = died
	}
	return b, b.start(ctx)
}

// lend is where the fleet is, for another process to call it in one trial, and
// what is closed when it dies. It is started again if it has died; remote ones
// everybody joins for himself.
func (b *backends) lend(ctx context.Context) (address, token string, died <-chan struct{}, err error) {
	if b.wanted == nil || b.wanted.Isolation == scenario.Remote {
		return "", "", nil, nil
	}
	select {
	case <-b.died():
		if err := b.restart(ctx); err != nil {
			return "", "", nil, err
		}
	default:
	}
	return b.process.Address(), b.process.Token(), b.process.Done(), nil
}

// start brings the fleet up, or up again after it died.
func (b *backends) start(ctx context.Context) error {
	b.configured = ""
	var address, token string
	switch {
	case b.wanted.Isolation == scenario.Remote:
		return b.join(ctx)
	case b.lent.Fleet != "":
		address, token = b.lent.Fleet, b.lent.Token
	case b.wanted.Isolation == scenario.InProcess:
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
	b.members = []*member{{address: address, control: control}}
	return nil
}

// died is closed when the fleet's process ended, or a part of it on another
// machine is lost; nil (never) where that can't be.
func (b *backends) died() <-chan struct{} {
	switch {
	case b.gone != nil:
		return b.gone
	case b.process != nil:
		return b.process.Done()
	case b.lost != nil:
		return b.lost.happened
	}
	return nil
}

// restart brings the fleet up in place of one that died.
func (b *backends) restart(ctx context.Context) error {
	b.close()
	if err := b.start(ctx); err != nil {
		return fmt.Errorf("starting the fleet again after it died: %w", err)
	}
	return nil
}

// deathNotice is how much later than a lost connection to its control the end of a
// fleet may be noticed: the process has to be waited for.
const deathNotice = time.Second

// dead is whether a call of the fleet's control failed with err because the fleet has
// died.
func (b *backends) dead(ctx context.Context, err error) bool {
	return status.Code(err) == codes.Unavailable && closes(ctx, b.died())
}

// closes is whether died is closed, or is about to be; nil never is.
func closes(ctx context.Context, died <-chan struct{}) bool {
	if died == nil {
		return false
	}
	late := time.NewTimer(deathNotice)
	defer late.Stop()
	select {
	case <-died:
	case <-ctx.Done():
	case <-late.C:
	}
	select {
	case <-died:
		return true
	default:
		return false
	}
}

// prepare makes the fleet ready for a trial of the variant: started, configured
// as it says, everything earlier forgotten. Without a fleet it does nothing. A fleet
// that dies of it is started again, as one that dies in a trial is; when that one
// dies as well, the next would.
func (b *backends) prepare(ctx context.Context, v *scenario.Variant, seed uint64, block int) error {
	if v.Scenario.Fleet == nil {
		return nil
	}
	select {
	case <-b.died():
		if err := b.restart(ctx); err != nil {
			return err
		}
	default:
	}
	err := b.ready(ctx, v, seed, block)
	if err == nil || b.gone != nil || !b.dead(ctx, err) { // who lends it starts it
		return err
	}
	if err := b.restart(ctx); err != nil {
		return err
	}
	if err = b.ready(ctx, v, seed, block); err != nil && b.dead(ctx, err) {
		return diedAgain(err)
	}
	return err
}

// diedAgain is the end of a run whose fleet died before a trial had begun, and so did
// the one in its place.
func diedAgain(err error) error {
	return fmt.Errorf("the fleet died before the trial, and so did the one in its place: %w", err)
}

// ready has the fleet forget everything earlier, as the variant configures it.
func (b *backends) ready(ctx context.Context, v *scenario.Variant, seed uint64, block int) error {
	ctx, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	if err := b.configure(ctx, v.Scenario.Fleet.Config); err != nil {
		return fmt.Errorf("configuring the fleet: %w", err)
	}
	for _, m := range b.members {
		if err := m.control.Reset(ctx, seed, uint32(block)); err != nil {
			return fmt.Errorf("resetting the fleet: %w", err)
		}
		if b.lost != nil {
			if err := m.measureClock(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// configure makes the fleet what config says, unless it is that already.
func (b *backends) configure(ctx context.Context, config fakeserver.Config) error {
	encoded, err := json.Marshal(config)
	if err != nil || string(encoded) == b.configured {
		return err
	}
	b.configured, b.addresses, b.lookaside, b.plane = "", nil, "", ""
	parts := make([][]fakeserver.Address, len(b.members))
	for i, m := range b.members {
		if len(b.members) > 1 {
			config.Part = fakeserver.Part{Number: i, Of: len(b.members)}
		}
		if parts[i], err = m.control.Configure(ctx, config); err != nil {
			return err
		}
		if address := m.control.Lookaside(); address != "" {
			b.lookaside = m.reachable(address)
		}
		if address := m.control.ControlPlane(); address != "" {
			b.plane = m.reachable(address)
		}
		for j := range parts[i] {
			parts[i][j].Address = m.reachable(parts[i][j].Address)
		}
	}
	// In the order of their numbers, which go round the members.
	for place := 0; place < len(parts[0]); place++ {
		for _, part := range parts {
			if place < len(part) {
				b.addresses = append(b.addresses, part[place])
			}
		}
	}
	b.configured = string(encoded)
	return nil
}

// controlPatience is how long the fleet may take to answer a control call.
// Thousand backends listen and close well within it.
const controlPatience = 10 * time.Second

// startAt sets the fleet's clock.
func (b *backends) startAt(ctx context.Context, t0 time.Time, final bool) error {
	ctx, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	for _, m := range b.members {
		if err := m.control.Start(ctx, t0.Add(m.ahead), final); err != nil {
			return fmt.Errorf("setting the fleet's clock: %w", err)
		}
	}
	return nil
}

// startLead is how far ahead of now t0 has to be, so that every member's clock is set
// before it: they are told one after the other, over a network that may be slower now
// and then.
func (b *backends) startLead() time.Duration {
	lead := leastLead
	for _, m := range b.members {
		lead += 2 * m.roundTrip
	}
	return lead
}

// settlePoll is how often the fleet is asked whether it is at rest.
const settlePoll = 5 * time.Millisecond

// errBusy says that the fleet was not at rest in time.
var errBusy = errors.New("calls are still in flight on the fleet")

// settle waits until nothing is in flight on the fleet and nothing arrives any
// more (the headers of a cancelled attempt may still be on their way), and
// returns the counters then. Where orphans is set it waits for work that goes on
// without its caller, too. After `patience` it returns them with errBusy.
func (b *backends) settle(ctx context.Context, patience time.Duration, orphans bool) (fakeserver.Snapshot, error) {
	deadline := time.Now().Add(patience)
	before := int64(-1)
	for {
		asking, cancel := context.WithTimeout(ctx, controlPatience)
		snapshot, err := b.snapshot(asking)
		cancel()
		if err != nil {
			return snapshot, fmt.Errorf("reading the fleet's counters: %w", err)
		}
		inFlight, received := traffic(snapshot)
		if orphans {
			inFlight += orphaned(snapshot)
		}
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

// snapshot is the counters of all members, the backends in their order.
func (b *backends) snapshot(ctx context.Context) (fakeserver.Snapshot, error) {
	all := make(map[string]fakeserver.BackendSnapshot, len(b.addresses))
	var names []string
	for _, m := range b.members {
		s, err := m.control.Snapshot(ctx)
		if err != nil {
			return fakeserver.Snapshot{}, err
		}
		for _, backend := range s.Backends {
			backend.Address = m.reachable(backend.Address)
			all[backend.Name] = backend
			names = append(names, backend.Name)
		}
	}
	// b9 is before b10.
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	var whole fakeserver.Snapshot
	for _, name := range names {
		whole.Backends = append(whole.Backends, all[name])
	}
	return whole, nil
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

// orphaned is the calls that are served, or wait to be, although their callers left.
func orphaned(s fakeserver.Snapshot) (n int64) {
	for _, b := range s.Backends {
		n += b.Orphans
	}
	return n
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
	if b.lost != nil {
		b.lost.end()
		b.lost = nil
	}
	for _, m := range b.members {
		_ = m.control.Close()
	}
	b.members = nil
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
