package clientcore

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// CallTimeout bounds this call from start to end; 0 is no bound but ctx's own.
func CallTimeout(d time.Duration) grpc.CallOption {
	return callOption{apply: func(o *override) error {
		if d < 0 {
			return status.Errorf(codes.InvalidArgument, "clientcore: CallTimeout must be >= 0 (got %v)", d)
		}
		o.timeout = d
		return nil
	}}
}

// CallMetadata sends metadata, as keys and values in turn, with this call,
// besides what ctx carries.
func CallMetadata(kv ...string) grpc.CallOption {
	return callOption{apply: func(o *override) error {
		if len(kv)%2 != 0 {
			return status.Errorf(codes.InvalidArgument, "clientcore: CallMetadata must have a value for each key (got %d strings)", len(kv))
		}
		o.ctx = metadata.AppendToOutgoingContext(o.ctx, kv...)
		return nil
	}}
}

// CallBackoff waits by b between this call's attempts. It does not make a call
// that has one attempt have more; one that would be hedged is not, and has one
// attempt, or as many as CallAttempts says.
func CallBackoff(b retry.Backoff) grpc.CallOption {
	return callOption{apply: func(o *override) error {
		if err := b.Validate(); err != nil {
			return status.Errorf(codes.InvalidArgument, "clientcore: CallBackoff %v", err)
		}
		o.policy.Backoff = b
		o.hedge, o.retry = nil, true
		return nil
	}}
}

// CallAttempts allows this call n attempts, the first included, also where the
// policy is none. They are retries, also where the call would be hedged.
func CallAttempts(n int) grpc.CallOption {
	return callOption{apply: func(o *override) error {
		if n < 1 || n > retry.MaxAttempts {
			return status.Errorf(codes.InvalidArgument, "clientcore: CallAttempts must be between 1 and %d (got %d)", retry.MaxAttempts, n)
		}
		o.policy.Attempts = n
		o.policy.Off = n == 1
		o.hedge, o.retry = nil, true
		return nil
	}}
}

// CallHedge hedges this call by p, in place of its method's hedges or retries; what
// p leaves out is the client's. It is for unary calls and server streams: another
// stream with it fails with INVALID_ARGUMENT. It shares the method's budget,
// whatever p says of one. Of CallHedge and the options for retries, the later one
// counts.
func CallHedge(p hedge.Policy) grpc.CallOption {
	return callOption{apply: func(o *override) error {
		o.hedge, o.retry = &p, false
		return nil
	}}
}

// CallCompression compresses this call's messages: gzip, or none.
func CallCompression(name string) grpc.CallOption {
	return callOption{apply: func(o *override) error {
		as, known := compressor(name)
		if !known {
			return status.Errorf(codes.InvalidArgument, "clientcore: CallCompression must be gzip or none (got %q)", name)
		}
		o.opts = append(o.opts, grpc.UseCompressor(as))
		return nil
	}}
}

// CallWaitForReady makes this call wait for a connection, or fail while there is
// none.
func CallWaitForReady(wait bool) grpc.CallOption {
	return callOption{apply: func(o *override) error {
		o.opts = append(o.opts, grpc.WaitForReady(wait))
		return nil
	}}
}

// callOption is a call option of this package. grpc-go never sees it.
type callOption struct {
	grpc.EmptyCallOption
	apply func(*override) error
}

// override is a call's settings while its options are applied.
type override struct {
	ctx     context.Context
	timeout time.Duration
	policy  retry.Policy
	retry   bool          // policy was changed
	hedge   *hedge.Policy // nil where it was not
	opts    []grpc.CallOption
}

// overrides is whether opts holds an option of this package.
func overrides(opts []grpc.CallOption) bool {
	for _, opt := range opts {
		if _, ours := opt.(callOption); ours {
			return true
		}
	}
	return false
}

// apply is ctx, settings and grpc-go's options of a call that overrides s.
func (c *Client) apply(ctx context.Context, s *settings, opts []grpc.CallOption) (context.Context, settings, error) {
	o := override{
		ctx:     ctx,
		timeout: s.timeout,
		policy:  s.retrier.Policy(),
		opts:    append(make([]grpc.CallOption, 0, len(s.options)+len(opts)), s.options...),
	}
	for _, opt := range opts {
		ours, ok := opt.(callOption)
		if !ok {
			o.opts = append(o.opts, opt)
			continue
		}
		if err := ours.apply(&o); err != nil {
			return ctx, settings{}, err
		}
	}
	out := *s
	out.timeout, out.options = o.timeout, o.opts
	if o.hedge != nil {
		if s.hedger == nil && s.retrier.Policy().IsNative() {
			return ctx, settings{}, errNative()
		}
		policy := o.hedge.Inherit(c.hedge)
		if err := policy.Validate(); err != nil {
			return ctx, settings{}, status.Errorf(codes.InvalidArgument, "clientcore: CallHedge: %v", field.Full(err))
		}
		out.hedger, out.retrier = nil, retry.New(retry.Policy{Off: true}, c.source, nil)
		if !policy.Off && policy.Attempts > 1 {
			out.hedger, out.asked = hedge.New(policy, &c.hedged, s.hedges), true
		}
	}
	if o.retry {
		policy := o.policy.Inherit(c.fallback)
		if err := policy.Validate(); err != nil {
			return ctx, settings{}, status.Errorf(codes.InvalidArgument, "clientcore: the retry policy of the call: %v", err)
		}
		if policy.IsNative() {
			return ctx, settings{}, errNative()
		}
		out.hedger, out.retrier = nil, retry.New(policy, c.source, s.throttle)
	}
	return o.ctx, out, nil
}

func errNative() error {
	return status.Errorf(codes.InvalidArgument, "clientcore: the method's retries are grpc-go's own (native): they cannot be changed for one call")
}
