package clientcore

import (
	"context"
	"log/slog"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/resolver"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/pool"
)

// Option says what a Client connects to, and how.
type Option func(*options)

type options struct {
	target      string
	endpoints   []string
	dialer      func(context.Context, string) (net.Conn, error)
	credentials credentials.TransportCredentials
	seed        *uint64
	resolvers   []resolver.Builder
	calls       []grpc.CallOption
	dial        []grpc.DialOption
	lookaside   []string
	unary       []grpc.UnaryClientInterceptor
	stream      []grpc.StreamClientInterceptor
	breakers    func(breaker.Change)
	logger      *slog.Logger
	channels    pool.Dial // a test's, in place of grpc's
}

// WithTarget dials a target as grpc.NewClient takes it, as
// dns:///users.internal:443. Together with WithEndpoints it only says whom the
// endpoints must be able to speak for: its authority is sent, and checked by
// TLS.
func WithTarget(target string) Option { return func(o *options) { o.target = target } }

// WithEndpoints dials backends at fixed addresses, each an endpoint of its own.
// No addresses are a mistake that New reports.
func WithEndpoints(addresses ...string) Option {
	return func(o *options) { o.endpoints = append([]string{}, addresses...) }
}

// WithDialer makes connections by dial, which is given an address as it came
// from the resolver.
func WithDialer(dial func(context.Context, string) (net.Conn, error)) Option {
	return func(o *options) { o.dialer = dial }
}

// WithTransportCredentials secures connections, in place of Config.TLS.
func WithTransportCredentials(c credentials.TransportCredentials) Option {
	return func(o *options) { o.credentials = c }
}

// WithSeed makes everything random follow from seed: jitter, and each channel's
// order of backends. Without it they differ from client to client.
func WithSeed(seed uint64) Option { return func(o *options) { o.seed = &seed } }

// WithResolvers adds resolvers by their schemes, for WithTarget. One that is
// passed through WithDialOptions works as well, but then Stats cannot count
// attempts and connections.
func WithResolvers(builders ...resolver.Builder) Option {
	return func(o *options) { o.resolvers = append(o.resolvers, builders...) }
}

// WithCallOptions gives every call these options; those of the call itself win.
// A codec belongs here and not into grpc.WithDefaultCallOptions, where retry
// cannot see it.
func WithCallOptions(opts ...grpc.CallOption) Option {
	return func(o *options) { o.calls = append(o.calls, opts...) }
}

// WithDialOptions passes options to grpc.NewClient after the Client's own, over
// which they win. An interceptor among them must not let an attempt outlive its
// call.
func WithDialOptions(opts ...grpc.DialOption) Option {
	return func(o *options) { o.dial = append(o.dial, opts...) }
}

// WithLookaside names the look-aside balancers that balance grpclb asks, where
// the resolver does not: those of WithEndpoints.
func WithLookaside(addresses ...string) Option {
	return func(o *options) { o.lookaside = append(o.lookaside, addresses...) }
}

// WithUnaryInterceptors puts interceptors around each unary call, the first
// outermost. They see the whole call, not its attempts, and are given no
// *grpc.ClientConn: a call has no channel yet. See package interceptor.
func WithUnaryInterceptors(chain ...grpc.UnaryClientInterceptor) Option {
	return func(o *options) { o.unary = append(o.unary, chain...) }
}

// WithStreamInterceptors is WithUnaryInterceptors for streams.
func WithStreamInterceptors(chain ...grpc.StreamClientInterceptor) Option {
	return func(o *options) { o.stream = append(o.stream, chain...) }
}

// WithBreakerObserver tells observe of each change of a circuit breaker, in
// order. It must not block, nor make calls.
func WithBreakerObserver(observe func(breaker.Change)) Option {
	return func(o *options) { o.breakers = observe }
}

// WithLogger is where Config.Log writes to; slog.Default() without it.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }
