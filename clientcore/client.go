package clientcore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Client makes calls by a Config. It implements grpc.ClientConnInterface; all
// its methods may be called at any time, from any goroutine.
type Client struct {
	pool    *pool.Pool
	methods *methods
	source  *retry.Source
	// fallback completes the policy of a call that asks for retries where its
	// method has none.
	fallback retry.Policy
	meters   []*balance.Meter
}

var _ grpc.ClientConnInterface = (*Client)(nil)

// New makes a client and starts to connect, without waiting for it: see
// WaitReady. It fails when a setting is out of range, naming each by its path,
// or the target cannot be understood.
func New(cfg Config, opts ...Option) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("clientcore: %w", field.Full(err))
	}
	o := options{credentials: insecure.NewCredentials()}
	for _, opt := range opts {
		opt(&o)
	}
	if o.endpoints != nil && len(o.endpoints) == 0 {
		return nil, errors.New("clientcore: WithEndpoints without an address")
	}
	if overrides(o.calls) {
		return nil, errors.New("clientcore: WithCallOptions takes grpc's options; the Config has settings for the client's own")
	}
	seed := rand.Uint64()
	if o.seed != nil {
		seed = *o.seed
	}
	source := retry.NewSource(seed)
	c := &Client{
		methods:  newMethods(cfg, o.calls, source),
		source:   source,
		fallback: cfg.Retry.Inherit(retry.Default()),
		meters:   make([]*balance.Meter, cfg.Pool.Size),
	}
	target, resolvers := o.resolve()
	common := dialOptions(cfg, o)
	var err error
	c.pool, err = pool.New(cfg.Pool, func(i int, report func(connectivity.State)) (*grpc.ClientConn, error) {
		// Channels' seeds are neighbours; the balancer mixes them.
		service, err := serviceConfig(cfg, seed+uint64(i))
		if err != nil {
			return nil, err
		}
		c.meters[i] = balance.NewMeter(report)
		own := []grpc.DialOption{grpc.WithDefaultServiceConfig(service)}
		for _, b := range resolvers {
			own = append(own, grpc.WithResolvers(withMeter(b, c.meters[i])))
		}
		return grpc.NewClient(target, append(own, common...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("clientcore: %w", err)
	}
	return c, nil
}

// resolve is the target to dial, and the resolvers it may be resolved by.
func (o *options) resolve() (string, []resolver.Builder) {
	target := o.target
	if o.endpoints != nil {
		if target == "" {
			target = o.endpoints[0]
		}
		return endpointsScheme + ":///" + url.PathEscape(authority(target)), []resolver.Builder{endpoints(o.endpoints)}
	}
	if target == "" {
		target = DefaultTarget
	}
	return target, resolversOf(target, o.resolvers)
}

// serviceConfig is what holds for all calls of one channel, as JSON. The message
// limits are here because as call options they would cost each call an
// allocation.
func serviceConfig(cfg Config, seed uint64) (string, error) {
	balancing, err := cfg.Balance.LoadBalancing(seed)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{
		"loadBalancingConfig": balancing,
		"methodConfig": []map[string]any{{
			"name":                    []struct{}{{}}, // every method
			"maxRequestMessageBytes":  cfg.Messages.MaxSend,
			"maxResponseMessageBytes": cfg.Messages.MaxReceive,
		}},
	})
	return string(text), err
}

func dialOptions(cfg Config, o options) []grpc.DialOption {
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(o.credentials),
		grpc.WithDisableServiceConfig(), // a resolver's; the default one stays
		grpc.WithDisableRetry(),         // one layer of retries is enough
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  cfg.Connect.Base,
				Multiplier: cfg.Connect.Multiplier,
				Jitter:     cfg.Connect.Jitter,
				MaxDelay:   cfg.Connect.Max,
			},
			MinConnectTimeout: cfg.Connect.Timeout,
		}),
	}
	if k := cfg.Keepalive; k != nil {
		opts = append(opts, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: k.Time, Timeout: k.Timeout, PermitWithoutStream: k.WithoutStreams,
		}))
	}
	if w := cfg.Windows; w != (Windows{}) {
		opts = append(opts, grpc.WithInitialWindowSize(int32(w.Stream)), grpc.WithInitialConnWindowSize(int32(w.Connection)))
	}
	if o.dialer != nil {
		opts = append(opts, grpc.WithContextDialer(o.dialer))
	}
	return append(opts, o.dial...)
}

// Invoke makes a unary call. Generated stubs call it.
func (c *Client) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	ctx, s, opts, err := c.prepare(ctx, method, opts)
	if err != nil {
		return err
	}
	trace := traceOf(ctx)
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	if trace == nil {
		return s.retrier.Invoke(ctx, c.pool, nil, method, args, reply, opts)
	}
	trace.begin()
	err = s.retrier.Invoke(ctx, c.pool, (*attempts)(trace), method, args, reply, opts)
	trace.end(ctx, err)
	return err
}

// NewStream opens a stream. Generated stubs call it. As with a grpc.ClientConn,
// the caller must receive until an error, or end ctx.
func (c *Client) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, s, opts, err := c.prepare(ctx, method, opts)
	if err != nil {
		return nil, err
	}
	trace := traceOf(ctx)
	if s.timeout == 0 && trace == nil {
		return s.retrier.NewStream(ctx, c.pool, nil, desc, method, opts)
	}
	var cancel context.CancelFunc
	if s.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
	}
	call := ctx
	// In front of the caller's options: when the caller's own OnFinish runs,
	// the trace is complete.
	opts = append([]grpc.CallOption{grpc.OnFinish(func(err error) {
		if trace != nil {
			trace.end(call, err)
		}
		if cancel != nil {
			cancel()
		}
	})}, opts...)
	if trace == nil {
		return s.retrier.NewStream(ctx, c.pool, nil, desc, method, opts)
	}
	trace.begin()
	return s.retrier.NewStream(ctx, c.pool, (*attempts)(trace), desc, method, opts)
}

// prepare is the settings of one call, and its options as grpc-go takes them.
func (c *Client) prepare(ctx context.Context, method string, opts []grpc.CallOption) (
	context.Context, settings, []grpc.CallOption, error) {
	s := c.methods.of(method)
	if len(opts) == 0 {
		return ctx, *s, s.options, nil
	}
	if !overrides(opts) {
		all := make([]grpc.CallOption, 0, len(s.options)+len(opts))
		return ctx, *s, append(append(all, s.options...), opts...), nil
	}
	ctx, own, err := s.apply(ctx, c.fallback, c.source, opts)
	if err != nil {
		if trace := traceOf(ctx); trace != nil {
			trace.begin()
			trace.end(ctx, err)
		}
		for _, opt := range opts {
			if finish, ok := opt.(grpc.OnFinishCallOption); ok {
				finish.OnFinish(err)
			}
		}
		return ctx, settings{}, nil, err
	}
	return ctx, own, own.options, nil
}

// WaitReady returns when every channel has been READY, or with an error that
// wraps ctx's when ctx ends first.
func (c *Client) WaitReady(ctx context.Context) error {
	if err := c.pool.WaitReady(ctx); err != nil {
		return fmt.Errorf("clientcore: %w", err)
	}
	return nil
}

// Close closes all connections and waits for the client's goroutines. Calls in
// flight end with CANCELED. It may be called more than once.
func (c *Client) Close() error { return c.pool.Close() }
