package fakeserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/controlpb"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// controlServer lets a fleet be driven over gRPC.
type controlServer struct {
	controlpb.UnimplementedControlServer
	fleet *Fleet
}

// controlEnd is one listener with the control service behind it.
type controlEnd struct {
	server *grpc.Server
	gate   *gate
}

func newControlEnd(f *Fleet, l net.Listener) *controlEnd {
	s := grpc.NewServer(
		grpc.ChainUnaryInterceptor(token(f.token).unary),
		grpc.ChainStreamInterceptor(token(f.token).stream),
		grpc.WaitForHandlers(true),
	)
	controlpb.RegisterControlServer(s, &controlServer{fleet: f})
	return &controlEnd{server: s, gate: newGate(l, newConnections(newBooks(nil, nil)))}
}

// serve returns when stop was called or the listener fails.
func (e *controlEnd) serve() error { return e.server.Serve(e.gate) }

// stop ends the service, and waits for calls in flight.
func (e *controlEnd) stop() {
	// grpc-go would wait two minutes for a connection that never says a word.
	e.gate.reset()
	e.server.Stop()
}

// Configure implements controlpb.ControlServer.
func (s *controlServer) Configure(_ context.Context, in *controlpb.ConfigureRequest) (*controlpb.ConfigureResponse, error) {
	var c Config
	d := json.NewDecoder(bytes.NewReader(in.GetConfig()))
	d.DisallowUnknownFields() // of a newer client: better refused than ignored
	if err := d.Decode(&c); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "config: %v", err)
	}
	if err := c.Validate(); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "config: %v", err)
	}
	addresses, err := s.fleet.Configure(c)
	if err != nil {
		return nil, controlError(err)
	}
	out := &controlpb.ConfigureResponse{Lookaside: s.fleet.Lookaside(), ControlPlane: s.fleet.ControlPlane()}
	for _, a := range addresses {
		out.Backends = append(out.Backends, &controlpb.BackendAddress{Name: a.Name, Address: a.Address, Authority: a.Authority})
	}
	return out, nil
}

// Reset implements controlpb.ControlServer.
func (s *controlServer) Reset(_ context.Context, in *controlpb.ResetRequest) (*controlpb.ResetResponse, error) {
	if err := s.fleet.Reset(in.GetSeed(), in.GetBlock()); err != nil {
		return nil, controlError(err)
	}
	return &controlpb.ResetResponse{}, nil
}

// Start implements controlpb.ControlServer.
func (s *controlServer) Start(_ context.Context, in *controlpb.StartRequest) (*controlpb.StartResponse, error) {
	s.fleet.Start(monotonic(time.Unix(0, in.GetT0UnixNanos())), in.GetFinal())
	return &controlpb.StartResponse{}, nil
}

// Snapshot implements controlpb.ControlServer.
func (s *controlServer) Snapshot(context.Context, *controlpb.SnapshotRequest) (*controlpb.SnapshotResponse, error) {
	return s.fleet.Snapshot().proto(), nil
}

// minWatch is the shortest time between two answers of Watch.
const minWatch = 10 * time.Millisecond

// Watch implements controlpb.ControlServer.
func (s *controlServer) Watch(in *controlpb.WatchRequest, stream controlpb.Control_WatchServer) error {
	tick := time.NewTicker(max(time.Duration(in.GetIntervalNanos()), minWatch))
	defer tick.Stop()
	for {
		if err := stream.Send(s.fleet.Snapshot().proto()); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}

// AddFault implements controlpb.ControlServer.
func (s *controlServer) AddFault(_ context.Context, in *controlpb.AddFaultRequest) (*controlpb.AddFaultResponse, error) {
	var r fault.Rule
	d := json.NewDecoder(bytes.NewReader(in.GetRule()))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "fault: %v", err)
	}
	name, err := s.fleet.AddFault(r)
	if err != nil {
		return nil, controlError(err)
	}
	return &controlpb.AddFaultResponse{Name: name}, nil
}

// RemoveFault implements controlpb.ControlServer.
func (s *controlServer) RemoveFault(_ context.Context, in *controlpb.RemoveFaultRequest) (*controlpb.RemoveFaultResponse, error) {
	if err := s.fleet.RemoveFault(in.GetName()); err != nil {
		return nil, controlError(err)
	}
	return &controlpb.RemoveFaultResponse{}, nil
}

// ListFaults implements controlpb.ControlServer.
func (s *controlServer) ListFaults(context.Context, *controlpb.ListFaultsRequest) (*controlpb.ListFaultsResponse, error) {
	out := &controlpb.ListFaultsResponse{}
	for _, f := range s.fleet.Faults() {
		out.Faults = append(out.Faults, &controlpb.Fault{Name: f.Name, Kind: f.Kind, Added: f.Added, Open: f.Open, Met: f.Met})
	}
	return out, nil
}

// Clock implements controlpb.ControlServer.
func (s *controlServer) Clock(context.Context, *controlpb.ClockRequest) (*controlpb.ClockResponse, error) {
	now := time.Now().UnixNano()
	return &controlpb.ClockResponse{ReceivedUnixNanos: now, SentUnixNanos: time.Now().UnixNano()}, nil
}

func controlError(err error) error {
	switch {
	case errors.Is(err, ErrClosed):
		return status.Error(codes.FailedPrecondition, err.Error())
	case errors.Is(err, ErrFault):
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}
