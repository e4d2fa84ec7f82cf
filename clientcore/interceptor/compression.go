package interceptor

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // the compressor that every server knows
)

// Compression compresses the messages of calls by a compressor that the program
// has: gzip, or one that was registered with grpc. A call's own UseCompressor
// wins.
func Compression(name string) (Interceptor, error) {
	if name == "" || encoding.GetCompressor(name) == nil {
		return Interceptor{}, fmt.Errorf("must be gzip, or a compression that is registered with grpc (got %q)", name)
	}
	use := grpc.UseCompressor(name)
	return Interceptor{
		Unary: func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoke(ctx, method, args, reply, cc, first(use, opts)...)
		},
		Stream: func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return open(ctx, desc, cc, method, first(use, opts)...)
		},
	}, nil
}
