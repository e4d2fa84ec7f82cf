package interceptor

import (
	"context"

	"google.golang.org/grpc"
)

// UnaryCall makes a unary call, as the Invoke of a grpc.ClientConnInterface.
type UnaryCall func(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error

// StreamCall opens a stream, as the NewStream of a grpc.ClientConnInterface.
type StreamCall func(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error)

// Unary is next behind a chain of interceptors, the first outermost. It is put
// together here, once: a call through it allocates what its interceptors do and
// no more. Without a chain it is next itself. An interceptor in it must not be
// nil.
func Unary(next UnaryCall, chain ...grpc.UnaryClientInterceptor) UnaryCall {
	if len(chain) == 0 {
		return next
	}
	invoke := func(ctx context.Context, method string, args, reply any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
		return next(ctx, method, args, reply, opts...)
	}
	for i := len(chain) - 1; i > 0; i-- {
		around, inner := chain[i], invoke
		invoke = func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, opts ...grpc.CallOption) error {
			return around(ctx, method, args, reply, cc, inner, opts...)
		}
	}
	first := chain[0]
	return func(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
		return first(ctx, method, args, reply, nil, invoke, opts...)
	}
}

// Stream is Unary for streams.
func Stream(next StreamCall, chain ...grpc.StreamClientInterceptor) StreamCall {
	if len(chain) == 0 {
		return next
	}
	open := func(ctx context.Context, desc *grpc.StreamDesc, _ *grpc.ClientConn, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return next(ctx, desc, method, opts...)
	}
	for i := len(chain) - 1; i > 0; i-- {
		around, inner := chain[i], open
		open = func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return around(ctx, desc, cc, method, inner, opts...)
		}
	}
	first := chain[0]
	return func(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return first(ctx, desc, nil, method, open, opts...)
	}
}
