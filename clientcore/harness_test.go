package clientcore_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Methods of the test service. Any handler serves all of them.
const (
	unaryMethod  = "/test.v1.Echo/Unary"
	serverMethod = "/test.v1.Echo/ServerStream"
	clientMethod = "/test.v1.Echo/ClientStream"
	bidiMethod   = "/test.v1.Echo/Bidi"
)

var (
	serverStream = &grpc.StreamDesc{ServerStreams: true}
	clientStream = &grpc.StreamDesc{ClientStreams: true}
	bidiStream   = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
)

// network is listeners in memory, by address.
type network struct {
	mu    sync.Mutex
	lis   map[string]*bufconn.Listener
	conns map[string][]net.Conn
}

func newNetwork() *network {
	return &network{lis: map[string]*bufconn.Listener{}, conns: map[string][]net.Conn{}}
}

func (n *network) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	lis := n.lis[address]
	n.mu.Unlock()
	if lis == nil {
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	conn, err := lis.DialContext(ctx)
	if err == nil {
		n.mu.Lock()
		n.conns[address] = append(n.conns[address], conn)
		n.mu.Unlock()
	}
	return conn, err
}

// cut closes the connections to address.
func (n *network) cut(address string) {
	n.mu.Lock()
	conns := n.conns[address]
	n.conns[address] = nil
	n.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// handler serves one attempt, numbered from 1 over the backend's life.
type handler func(attempt int, stream grpc.ServerStream) error

// backend is a server on a network.
type backend struct {
	net     *network
	address string
	serve   handler

	mu       sync.Mutex
	server   *grpc.Server
	arrivals []time.Time
	headers  []metadata.MD
	encoding []string
}

// compressions notes each attempt's compression, which is not in its metadata.
type compressions struct{ *backend }

func (c compressions) HandleRPC(_ context.Context, s stats.RPCStats) {
	if h, ok := s.(*stats.InHeader); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.encoding = append(c.encoding, h.Compression)
	}
}

func (compressions) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (compressions) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (compressions) HandleConn(context.Context, stats.ConnStats)                       {}

func (b *backend) compressions() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.encoding...)
}

func (n *network) start(t testing.TB, address string, serve handler) *backend {
	b := &backend{net: n, address: address, serve: serve}
	b.up()
	t.Cleanup(b.down)
	return b
}

func (b *backend) up() {
	lis := bufconn.Listen(1 << 16)
	handle := func(_ any, stream grpc.ServerStream) error {
		md, _ := metadata.FromIncomingContext(stream.Context())
		b.mu.Lock()
		b.arrivals = append(b.arrivals, time.Now())
		b.headers = append(b.headers, md)
		attempt := len(b.arrivals)
		b.mu.Unlock()
		return b.serve(attempt, stream)
	}
	server := grpc.NewServer(grpc.WaitForHandlers(true), grpc.StatsHandler(compressions{b}), grpc.UnknownServiceHandler(handle))
	b.mu.Lock()
	b.server = server
	b.mu.Unlock()
	b.net.mu.Lock()
	b.net.lis[b.address] = lis
	b.net.mu.Unlock()
	go func() { _ = server.Serve(lis) }()
}

func (b *backend) down() {
	b.net.mu.Lock()
	delete(b.net.lis, b.address)
	b.net.mu.Unlock()
	b.mu.Lock()
	server := b.server
	b.mu.Unlock()
	server.Stop()
}

// times is when attempts arrived, after start.
func (b *backend) times(start time.Time) []time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []time.Duration{}
	for _, at := range b.arrivals {
		out = append(out, at.Sub(start))
	}
	return out
}

func (b *backend) metadata() []metadata.MD {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]metadata.MD(nil), b.headers...)
}

func (b *backend) attempts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.arrivals)
}

// echo sends every message back.
func echo(_ int, stream grpc.ServerStream) error {
	for {
		m := &wrapperspb.BytesValue{}
		switch err := stream.RecvMsg(m); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err // a server that is stopped has not served the call
		}
		if err := stream.SendMsg(m); err != nil {
			return err
		}
	}
}

// silence does not answer, not even at the instant at which the client gives up.
func silence(stream grpc.ServerStream) error {
	<-stream.Context().Done()
	time.Sleep(time.Millisecond)
	return status.FromContextError(stream.Context().Err()).Err()
}

// failing fails the first n attempts with code, and serves later ones.
func failing(n int, code codes.Code, serve handler) handler {
	return func(attempt int, stream grpc.ServerStream) error {
		if attempt <= n {
			return status.Errorf(code, "attempt %d", attempt)
		}
		return serve(attempt, stream)
	}
}

// config is Default without what is random, on one channel.
func config() clientcore.Config {
	cfg := clientcore.Default()
	cfg.Pool.Size = 1
	cfg.Retry.Jitter = retry.Jitter{None: &retry.NoJitter{}}
	return cfg
}

// client is a ready client of backends b0 and so on.
func (n *network) client(t testing.TB, cfg clientcore.Config, addresses ...string) *clientcore.Client {
	t.Helper()
	c := n.dialClient(t, cfg, addresses...)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func (n *network) dialClient(t testing.TB, cfg clientcore.Config, addresses ...string) *clientcore.Client {
	t.Helper()
	c, err := clientcore.New(cfg, clientcore.WithEndpoints(addresses...), clientcore.WithDialer(n.dial), clientcore.WithSeed(7))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func text(s string) *wrapperspb.BytesValue { return &wrapperspb.BytesValue{Value: []byte(s)} }

// call makes a unary call and returns what came back.
func call(ctx context.Context, c grpc.ClientConnInterface, request string, opts ...grpc.CallOption) (string, error) {
	reply := &wrapperspb.BytesValue{}
	err := c.Invoke(ctx, unaryMethod, text(request), reply, opts...)
	return string(reply.Value), err
}

func wantCode(t testing.TB, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Fatalf("code %v, want %v (%v)", got, want, err)
	}
}
