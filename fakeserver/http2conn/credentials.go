package http2conn

import (
	"context"
	"net"
	"strconv"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Credentials makes servers follow the frames of their connections: inside of
// what the given credentials make of them, so that TLS is no obstacle.
func Credentials(inner credentials.TransportCredentials) credentials.TransportCredentials {
	return following{inner}
}

type following struct {
	credentials.TransportCredentials
}

func (f following) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, info, err := f.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	followed := New(c)
	return followed, authInfo{AuthInfo: info, conn: followed}, nil
}

func (f following) Clone() credentials.TransportCredentials {
	return following{f.TransportCredentials.Clone()}
}

// authInfo hands the connection to the handlers of its calls.
type authInfo struct {
	credentials.AuthInfo
	conn *Conn
}

// FromContext returns the connection of a call, from its handler's context;
// nil when it is not one that is followed.
func FromContext(ctx context.Context) *Conn {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(authInfo); ok {
			return info.conn
		}
	}
	return nil
}

// Reset ends the call whose handler has ctx with RST_STREAM and an HTTP/2
// error code, once `after` response messages of it have been written. When the
// client has it, ctx ends; until then the handler must not return, or gRPC
// would write a status on the stream. It reports false, and does nothing, for
// a call whose connection is not followed.
func Reset(ctx context.Context, code uint32, after int) bool {
	c := FromContext(ctx)
	values := metadata.ValueFromIncomingContext(ctx, StreamKey)
	if c == nil || len(values) == 0 {
		return false
	}
	id, err := strconv.ParseUint(values[len(values)-1], 10, 32)
	if err != nil {
		return false
	}
	// A connection that cannot be written to is broken, and ends ctx.
	_ = c.reset(uint32(id), code, after)
	return true
}
