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
)

// Control drives a fleet through its control service. Safe for concurrent use.
// Errors of its methods are gRPC statuses: UNAVAILABLE means that the fleet is
// gone.
type Control struct {
	cc     *grpc.ClientConn
	client controlpb.ControlClient

	lookaside atomic.Pointer[string]
}

// DialControl makes a Control for the fleet whose control service listens at
// address. It connects with the first call; dial nil is TCP.
func DialControl(address, fleetToken string, dial func(context.Context, string) (net.Conn, error)) (*Control, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(token(fleetToken).attach),
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
	lookaside := out.GetLookaside()
	c.lookaside.Store(&lookaside)
	return addresses, nil
}

// Lookaside is where the look-aside balancer listens, as the last Configure had
// it; "" is that there is none.
func (c *Control) Lookaside() string {
	if address := c.lookaside.Load(); address != nil {
		return *address
	}
	return ""
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

// Close closes the connection. The fleet goes on.
func (c *Control) Close() error { return c.cc.Close() }
