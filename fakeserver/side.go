package fakeserver

import (
	"context"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// side is a server of the fleet beside the backends, which tells clients of
// these: an address that it keeps, and a life that every reset replaces. Like a
// backend it is not safe for concurrent use.
type side struct {
	what   string
	roster *roster
	port   *port
	certs  *certificates // nil is plain text
	// register gives a server its services; what it starts ends with ctx and is
	// counted in running.
	register func(ctx context.Context, s *grpc.Server, running *sync.WaitGroup)
	life     *sideLife // nil when a reset failed to listen
}

// begin makes the side listen. The other fields are set.
func (s *side) begin(listen ListenFunc) error {
	p, l, err := newPort(listen)
	if err != nil {
		return fmt.Errorf("%s: %w", s.what, err)
	}
	s.port = p
	s.life = newSideLife(s, l)
	return nil
}

// reset closes the connections of clients, which connect anew.
func (s *side) reset() error {
	s.stop()
	l, err := s.port.open()
	if err != nil {
		return fmt.Errorf("%s: %w", s.what, err)
	}
	s.life = newSideLife(s, l)
	return nil
}

func (s *side) stop() {
	if s.life != nil {
		s.life.stop()
		s.life = nil
	}
}

func (s *side) close() {
	s.stop()
	s.port.release()
}

// sideLife is a side between two resets.
type sideLife struct {
	server  *grpc.Server
	gate    *gate
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func newSideLife(s *side, l net.Listener) *sideLife {
	options := []grpc.ServerOption{
		// grpclb pings its balancer every 20 s.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingTime, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
	if s.certs != nil {
		good := func() (fault.BadCertificate, bool) { return 0, false }
		options = append(options, grpc.Creds(s.certs.credentials(good)))
	}
	life := &sideLife{server: grpc.NewServer(options...), gate: newGate(l, newConnections(newBooks(nil, nil)))}
	ctx, cancel := context.WithCancel(context.Background())
	life.cancel = cancel
	s.register(ctx, life.server, &life.running)
	life.running.Go(func() {
		// Serve ends when the gate closes, with an error that says so.
		_ = life.server.Serve(life.gate)
	})
	return life
}

func (f *sideLife) stop() {
	f.cancel()
	f.gate.reset()
	f.server.Stop()
	f.running.Wait()
}
