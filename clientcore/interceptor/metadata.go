package interceptor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Metadata sends metadata, as keys and values in turn, with every call: besides
// what the call brings, which stays, also under the same key. Keys are made
// lower case, as they are in gRPC. It fails for what gRPC would refuse with every
// call, or drop without a word: a key with a character other than a-z, 0-9, - _
// and ., a key that belongs to gRPC or HTTP/2, a value that is not printable
// ASCII unless the key ends in -bin, and a key without a value.
func Metadata(kv ...string) (Interceptor, error) {
	if len(kv)%2 != 0 {
		return Interceptor{}, fmt.Errorf("must have a value for each key (got %d strings)", len(kv))
	}
	kv = slices.Clone(kv)
	for i := 0; i < len(kv); i += 2 {
		kv[i] = strings.ToLower(kv[i])
		if err := checkPair(kv[i], kv[i+1]); err != nil {
			return Interceptor{}, err
		}
	}
	add := func(ctx context.Context) context.Context {
		if len(kv) == 0 {
			return ctx
		}
		return metadata.AppendToOutgoingContext(ctx, kv...)
	}
	return Interceptor{
		Unary: func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoke(add(ctx), method, args, reply, cc, opts...)
		},
		Stream: func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return open(add(ctx), desc, cc, method, opts...)
		},
	}, nil
}

// checkPair does not quote the value: it may be a secret.
func checkPair(key, value string) error {
	if key == "" {
		return fmt.Errorf("must have a key (got an empty one)")
	}
	for _, r := range key {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			return fmt.Errorf("must have a key of a-z, 0-9, -, _ and . (got %q)", key)
		}
	}
	if strings.HasPrefix(key, "grpc-") {
		return fmt.Errorf("must have a key that does not begin with grpc-, which belongs to gRPC (got %q)", key)
	}
	switch key {
	case "content-type", "user-agent", "te", "host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return fmt.Errorf("must have a key that does not belong to HTTP/2 or gRPC (got %q)", key)
	}
	if strings.HasSuffix(key, "-bin") {
		return nil
	}
	for i := range len(value) {
		if value[i] < 0x20 || value[i] > 0x7e {
			return fmt.Errorf("must have a value of printable ASCII, or a key that ends in -bin (%q has byte 0x%02x at %d)", key, value[i], i)
		}
	}
	return nil
}
