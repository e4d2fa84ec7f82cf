package interceptor

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// Deadline bounds calls to d from start to end, unless their context ends
// earlier. 0 or less is no bound.
func Deadline(d time.Duration) Interceptor {
	late := func(ctx context.Context) bool {
		if d <= 0 {
			return false
		}
		at, bounded := ctx.Deadline()
		return !bounded || time.Until(at) > d
	}
	return Interceptor{
		Unary: func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if late(ctx) {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, d)
				defer cancel()
			}
			return invoke(ctx, method, args, reply, cc, opts...)
		},
		Stream: func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			if !late(ctx) {
				return open(ctx, desc, cc, method, opts...)
			}
			ctx, cancel := context.WithTimeout(ctx, d)
			// Behind the call's own: they see its context as it was.
			own := make([]grpc.CallOption, 0, len(opts)+1)
			own = append(append(own, opts...), grpc.OnFinish(func(error) { cancel() }))
			s, err := open(ctx, desc, cc, method, own...)
			if err != nil {
				cancel()
			}
			return s, err
		},
	}
}
