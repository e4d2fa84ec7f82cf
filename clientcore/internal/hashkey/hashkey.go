// Package hashkey gives calls the key by which consistent hashing places them:
// it takes it from a field of the request and puts it into the metadata, where
// the balancer looks. It lies above retries, so that every attempt of a call has
// the same key.
package hashkey

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Key is where calls have their key. It is immutable.
type Key struct{ field, header string }

// New takes the key of a unary or server-streaming call from the request's field,
// by its proto name, and puts it into header. A call whose outgoing metadata has
// header already keeps it; other kinds of streams must. A call without a key
// fails, see Error, and never goes to a backend at random. An empty field takes
// no key from requests.
func New(field, header string) *Key { return &Key{field: field, header: header} }

// Unary is ctx with the key of a unary call.
func (k *Key) Unary(ctx context.Context, method string, request any) (context.Context, error) {
	if k.has(ctx) {
		return ctx, nil
	}
	return k.with(ctx, method, request)
}

// Stream opens a stream by open, which is given a context that has the key. That
// of a server-streaming call without one in its metadata is opened by its
// SendMsg, which has the request. fail is told of a call that ends without having
// been opened, once.
func (k *Key) Stream(ctx context.Context, desc *grpc.StreamDesc, method string,
	open func(context.Context) (grpc.ClientStream, error), fail func(error)) (grpc.ClientStream, error) {
	if k.has(ctx) {
		return open(ctx)
	}
	if desc.ServerStreams && !desc.ClientStreams {
		return k.lazy(ctx, method, open, fail), nil
	}
	err := k.noKey(method, "the call has no such metadata")
	fail(err)
	return nil, err
}

// has reports whether ctx's outgoing metadata has a key.
func (k *Key) has(ctx context.Context) bool {
	md, _ := metadata.FromOutgoingContext(ctx)
	for _, value := range md.Get(k.header) {
		if value != "" {
			return true
		}
	}
	return false
}

// with is ctx with the key of a request.
func (k *Key) with(ctx context.Context, method string, request any) (context.Context, error) {
	key, why := keyOf(request, k.field)
	if key == "" {
		return ctx, k.noKey(method, why)
	}
	return metadata.AppendToOutgoingContext(ctx, k.header, key), nil
}
