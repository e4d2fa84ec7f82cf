package clientcore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/interceptor"
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
	"github.com/grpcbench/grpcbench/clientcore/internal/hashkey"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Client makes calls by a Config. It implements grpc.ClientConnInterface; all
// its methods may be called at any time, from any goroutine.
type Client struct {
	pool *pool.Pool
	// wire is what an attempt is made on: the pool, behind a breaker if any.
	wire    grpc.ClientConnInterface
	methods *methods
	source  *retry.Source
	hedged  hedge.Shared
	// fallback completes the policy of a call that asks for retries where its
	// method has none.
	fallback retry.Policy
	// hedge does so for hedges.
	hedge hedge.Policy
	// key puts the key of a consistent hash into the calls' metadata; nil where
	// there is none.
	key      *hashkey.Key
	meters   *meters
	breakers *breakers
	// unary and stream are the interceptors; nil without any.
	unary  interceptor.UnaryCall
	stream interceptor.StreamCall
}

var _ grpc.ClientConnInterface = (*Client)(nil)

// New makes a client and starts to connect, without waiting for it: see
// WaitReady. It fails when a setting is out of range, naming each by its path,
// when a file that a setting names cannot be used, or when the target cannot be
// understood.
func New(cfg Config, opts ...Option) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("clientcore: %w", field.Full(err))
	}
	o := options{}
	for _, opt := range opts {
		opt(&o)
	}
	if o.endpoints != nil && len(o.endpoints) == 0 {
		return nil, errors.New("clientcore: WithEndpoints without an address")
	}
	if overrides(o.calls) {
		return nil, errors.New("clientcore: WithCallOptions takes grpc's options; the Config has settings for the client's own")
	}
	files, err := cfg.readFiles()
	if err != nil {
		return nil, fmt.Errorf("clientcore: %w", field.Full(err))
	}
	seed := rand.Uint64()
	if o.seed != nil {
		seed = *o.seed
	}
	source := retry.NewSource(seed)
	c := &Client{
		source:   source,
		fallback: cfg.Retry.Inherit(retry.Default()),
		hedge:    cfg.hedge(),
		breakers: newBreakers(cfg.Breaker, o.breakers),
	}
	c.methods = newMethods(cfg, o.calls, source, &c.hedged)
	c.meters = &meters{first: c.breakers.guard}
	if requestField, header, ok := cfg.Balance.Key(); ok {
		c.key = hashkey.New(requestField, header)
	}
	if err := c.intercept(cfg, o); err != nil {
		return nil, fmt.Errorf("clientcore: %w", field.Full(err))
	}
	target, resolvers := o.resolve(cfg)
	common := dialOptions(cfg, o, files)
	dial := func(slot int, report func(connectivity.State)) (pool.Conn, error) {
		// Channels' seeds are neighbours; the balancer mixes them.
		service, err := cfg.serviceConfig(files.service, seed+uint64(slot))
		if err != nil {
			return nil, err
		}
		meter := c.meters.next(slot, report)
		own := []grpc.DialOption{grpc.WithDefaultServiceConfig(service)}
		for _, b := range resolvers {
			own = append(own, grpc.WithResolvers(withMeter(b, meter)))
		}
		return grpc.NewClient(target, append(own, common...)...)
	}
	if o.channels != nil {
		dial = o.channels
	}
	c.pool, err = pool.New(cfg.Pool, seed, dial)
	if err != nil {
		return nil, fmt.Errorf("clientcore: %w", err)
	}
	c.wire = balance.Typed(c.breakers.around(c.pool))
	return c, nil
}

func dialOptions(cfg Config, o options, files files) []grpc.DialOption {
	secure := o.credentials
	if secure == nil {
		secure = files.credentials
	}
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(secure),
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
	if !isXDS(o.target) {
		opts = append(opts, grpc.WithDisableServiceConfig()) // a resolver's; the default one stays
	}
	switch attempts := cfg.native(); {
	case attempts > 0:
		opts = append(opts, grpc.WithMaxCallAttempts(attempts))
	case files.service == nil:
		opts = append(opts, grpc.WithDisableRetry()) // one layer of retries is enough
	default:
		// The file says how calls are retried, but not how large messages may be.
		opts = append(opts, grpc.WithDefaultCallOptions(
			grpc.MaxCallSendMsgSize(int(cfg.Messages.MaxSend)), grpc.MaxCallRecvMsgSize(int(cfg.Messages.MaxReceive))))
	}
	if k := cfg.Keepalive; k != nil {
		opts = append(opts, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: k.Time, Timeout: k.Timeout, PermitWithoutStream: k.WithoutStreams,
		}))
	}
	if w := cfg.Windows; w != (Windows{}) {
		opts = append(opts, grpc.WithInitialWindowSize(int32(w.Stream)), grpc.WithInitialConnWindowSize(int32(w.Connection)))
	}
	if cfg.Authority != "" {
		opts = append(opts, grpc.WithAuthority(cfg.Authority))
	}
	if o.dialer != nil {
		opts = append(opts, grpc.WithContextDialer(o.dialer))
	}
	return append(opts, o.dial...)
}

// Invoke makes a unary call. Generated stubs call it.
func (c *Client) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if c.unary != nil {
		return c.unary(ctx, method, args, reply, opts...)
	}
	return c.invoke(ctx, method, args, reply, opts...)
}

func (c *Client) invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	ctx, s, opts, err := c.prepare(ctx, method, opts)
	if err != nil {
		return err
	}
	trace := traceOf(ctx)
	var now time.Time
	if trace != nil || s.timeout > 0 {
		now = time.Now()
	}
	if s.timeout > 0 && !within(ctx, now.Add(s.timeout)) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, now.Add(s.timeout))
		defer cancel()
	}
	if c.key != nil {
		if ctx, err = c.key.Unary(ctx, method, args); err != nil {
			refuse(trace, ctx, err, opts)
			return err
		}
	}
	if trace == nil {
		if s.hedger != nil {
			return s.hedger.Invoke(ctx, c.wire, nil, method, args, reply, opts)
		}
		return s.retrier.Invoke(ctx, c.wire, nil, method, args, reply, opts)
	}
	trace.begin(now)
	if s.hedger != nil {
		err = s.hedger.Invoke(ctx, c.wire, (*hedges)(trace), method, args, reply, opts)
	} else {
		err = s.retrier.Invoke(ctx, c.wire, (*retries)(trace), method, args, reply, opts)
	}
	trace.end(ctx, err)
	return err
}

// within is whether ctx ends by a deadline as it is.
func within(ctx context.Context, deadline time.Time) bool {
	at, bounded := ctx.Deadline()
	return bounded && !at.After(deadline)
}

// NewStream opens a stream. Generated stubs call it. As with a grpc.ClientConn,
// the caller must receive until an error, or end ctx.
func (c *Client) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if c.stream != nil {
		return c.stream(ctx, desc, method, opts...)
	}
	return c.newStream(ctx, desc, method, opts...)
}

func (c *Client) newStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, s, opts, err := c.prepare(ctx, method, opts)
	if err != nil {
		return nil, err
	}
	trace := traceOf(ctx)
	if s.asked && !hedge.Hedges(desc) {
		err := status.Errorf(codes.InvalidArgument, "clientcore: CallHedge is for unary calls and server streams: on %s the client sends a stream of messages", method)
		refuse(trace, ctx, err, opts)
		return nil, err
	}
	if s.timeout > 0 || trace != nil {
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
	}
	if trace != nil {
		trace.begin(time.Time{})
	}
	open := func(ctx context.Context) (grpc.ClientStream, error) {
		return c.openStream(ctx, &s, trace, desc, method, opts)
	}
	if c.key == nil {
		return open(ctx)
	}
	return c.key.Stream(ctx, desc, method, open, func(err error) { finish(opts, err) })
}

// openStream opens a stream whose trace, if any, has begun.
func (c *Client) openStream(ctx context.Context, s *settings, trace *Trace, desc *grpc.StreamDesc, method string,
	opts []grpc.CallOption) (grpc.ClientStream, error) {
	if s.hedger != nil && hedge.Hedges(desc) {
		var observer hedge.Observer
		if trace != nil {
			observer = (*hedges)(trace)
		}
		return s.hedger.NewStream(ctx, c.wire, observer, desc, method, opts)
	}
	var observer retry.Observer
	if trace != nil {
		observer = (*retries)(trace)
	}
	return s.retrier.NewStream(ctx, c.wire, observer, desc, method, opts)
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
	ctx, own, err := c.apply(ctx, s, opts)
	if err != nil {
		refuse(traceOf(ctx), ctx, err, opts)
		return ctx, settings{}, nil, err
	}
	return ctx, own, own.options, nil
}

// refuse ends a call that was never sent.
func refuse(trace *Trace, ctx context.Context, err error, opts []grpc.CallOption) {
	if trace != nil {
		trace.begin(time.Time{})
		trace.end(ctx, err)
	}
	finish(opts, err)
}

// finish tells the caller's OnFinish of a call that ended before grpc-go had it.
func finish(opts []grpc.CallOption, err error) {
	for _, opt := range opts {
		if f, ok := opt.(grpc.OnFinishCallOption); ok {
			f.OnFinish(err)
		}
	}
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
func (c *Client) Close() error {
	c.breakers.close()
	return c.pool.Close()
}
