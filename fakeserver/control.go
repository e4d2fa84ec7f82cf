package fakeserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpcbench/grpcbench/fakeserver/controlpb"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// Control drives a fleet through its control service. Safe for concurrent use.
// Errors of its methods are gRPC statuses: UNAVAILABLE means that the fleet is
// gone.
type Control struct {
	cc     *grpc.ClientConn
	client controlpb.ControlClient

	lookaside, plane atomic.Pointer[string]
}

// DialControl makes a Control for the fleet whose control service listens at
// address. It connects with the first call; dial nil is TCP.
func DialControl(address, fleetToken string, dial func(context.Context, string) (net.Conn, error)) (*Control, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(token(fleetToken).attach),
		grpc.WithStreamInterceptor(token(fleetToken).attachStream),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)), // the seconds of many backends are long
	}
	if dial != nil {
		options = append(options, grpc.WithContextDialer(dial))
	}
	cc, err := grpc.NewClient("passthrough:///"+address, options...)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return &Control{cc: cc, client: controlpb.NewControlClient(cc)}, nil
}

// Configure is Fleet.Configure. An invalid Config is found here, so that its
// error names the fields as Config.Validate does.
func (c *Control) Configure(ctx context.Context, config Config) ([]Address, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	out, err := c.client.Configure(ctx, &controlpb.ConfigureRequest{Config: text})
	if err != nil {
		return nil, err
	}
	addresses := make([]Address, len(out.GetBackends()))
	for i, b := range out.GetBackends() {
		addresses[i] = Address{Name: b.GetName(), Address: b.GetAddress(), Authority: b.GetAuthority()}
	}
	lookaside, plane := out.GetLookaside(), out.GetControlPlane()
	c.lookaside.Store(&lookaside)
	c.plane.Store(&plane)
	return addresses, nil
}

// Lookaside is where the look-aside balancer listens, as the last Configure had
// it; "" is that there is none.
func (c *Control) Lookaside() string { return orNone(c.lookaside.Load()) }

// ControlPlane is where the xDS control plane listens, likewise.
func (c *Control) ControlPlane() string { return orNone(c.plane.Load()) }

func orNone(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Reset is Fleet.Reset.
func (c *Control) Reset(ctx context.Context, seed uint64, block uint32) error {
	_, err := c.client.Reset(ctx, &controlpb.ResetRequest{Seed: seed, Block: block})
	return err
}

// Start is Fleet.Start. t0 crosses as wall-clock time: the clocks of two
// machines must agree.
func (c *Control) Start(ctx context.Context, t0 time.Time, final bool) error {
	_, err := c.client.Start(ctx, &controlpb.StartRequest{T0UnixNanos: t0.UnixNano(), Final: final})
	return err
}

// Snapshot is Fleet.Snapshot.
func (c *Control) Snapshot(ctx context.Context) (Snapshot, error) {
	out, err := c.client.Snapshot(ctx, &controlpb.SnapshotRequest{})
	if err != nil {
		return Snapshot{}, err
	}
	return snapshotOf(out), nil
}

// Watch calls see with the fleet's counters now, and then at every interval (at
// least 10 ms). It returns when ctx ends, or with the error that ended the
// stream: UNAVAILABLE is that the fleet is gone.
func (c *Control) Watch(ctx context.Context, interval time.Duration, see func(Snapshot)) error {
	stream, err := c.client.Watch(ctx, &controlpb.WatchRequest{IntervalNanos: int64(interval)})
	for err == nil {
		var out *controlpb.SnapshotResponse
		if out, err = stream.Recv(); err == nil {
			see(snapshotOf(out))
		}
	}
	return err
}

// AddFault is Fleet.AddFault.
func (c *Control) AddFault(ctx context.Context, r fault.Rule) (name string, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("control: %w", err)
	}
	out, err := c.client.AddFault(ctx, &controlpb.AddFaultRequest{Rule: text})
	return out.GetName(), err
}

// RemoveFault is Fleet.RemoveFault.
func (c *Control) RemoveFault(ctx context.Context, name string) error {
	_, err := c.client.RemoveFault(ctx, &controlpb.RemoveFaultRequest{Name: name})
	return err
}

// Faults is Fleet.Faults.
func (c *Control) Faults(ctx context.Context) ([]FaultState, error) {
	out, err := c.client.ListFaults(ctx, &controlpb.ListFaultsRequest{})
	var all []FaultState
	for _, f := range out.GetFaults() {
		all = append(all, FaultState{Name: f.GetName(), Kind: f.GetKind(), Added: f.GetAdded(), Open: f.GetOpen(), Met: f.GetMet()})
	}
	return all, err
}

// clockSamples is how often Offset asks. The quickest answer counts: its way has
// the least room for being longer one way than the other.
const clockSamples = 9

// Offset measures how far the fleet's wall clock is ahead of this process's, as
// NTP does. The error is within half of roundTrip, the quickest answer's time
// on the way.
func (c *Control) Offset(ctx context.Context) (ahead, roundTrip time.Duration, err error) {
	for i := range clockSamples {
		sent := time.Now()
		out, err := c.client.Clock(ctx, &controlpb.ClockRequest{})
		if err != nil {
			return 0, 0, err
		}
		back := time.Now()
		there, answered := time.Unix(0, out.GetReceivedUnixNanos()), time.Unix(0, out.GetSentUnixNanos())
		way := back.Sub(sent) - answered.Sub(there)
		// The first answer pays for the connection.
		if i == 1 || i > 1 && way < roundTrip {
			roundTrip = way
			ahead = (there.Sub(sent.Round(0)) + answered.Sub(back.Round(0))) / 2
		}
	}
	return ahead, roundTrip, nil
}

// Close closes the connection. The fleet goes on.
func (c *Control) Close() error { return c.cc.Close() }
