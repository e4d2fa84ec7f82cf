package hedge

import (
	"context"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/clientcore/internal/frame"
)

// Invoke makes a unary call on next, with as many attempts as the policy allows.
// observer may be nil. A call that none of them answers ends with the error of
// the last, or with that of the first one after which nothing may follow, as it
// is.
func (h *Hedger) Invoke(ctx context.Context, next grpc.ClientConnInterface, observer Observer,
	method string, args, reply any, opts []grpc.CallOption) error {
	codec := frame.CodecOf(opts)
	if _, prepared := args.(*grpc.PreparedMsg); h.policy.Attempts == 1 || codec == nil || prepared {
		return single(ctx, next, observer, method, args, reply, opts)
	}
	r := h.race(ctx, observer, method, codec, opts)
	request := codec.Encode(args)
	r.try = func(a *attempt) error {
		err := next.Invoke(a.ctx, method, request, &a.reply, r.options.with(&a.options)...)
		a.cancel()
		a.end(err)
		return err
	}
	r.loop(r.start())
	select {
	case <-r.settled:
	case <-ctx.Done():
		r.expire()
		<-r.settled
	}
	err := r.err
	if r.final != nil {
		r.options.copy(&r.final.options)
	}
	if err == nil {
		err = codec.Decode(&r.final.reply, reply)
	}
	if err == nil {
		h.throttle.Succeeded()
	}
	r.options.finish(err)
	return err
}

// single is a call that is not hedged: by its policy, or because its request
// cannot be sent by several attempts.
func single(ctx context.Context, next grpc.ClientConnInterface, observer Observer,
	method string, args, reply any, opts []grpc.CallOption) error {
	if observer == nil {
		return next.Invoke(ctx, method, args, reply, opts...)
	}
	ctx, attempt := observer.Begin(ctx, 0)
	err := next.Invoke(ctx, method, args, reply, opts...)
	attempt.End(err)
	return err
}
