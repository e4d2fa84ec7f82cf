package fakeserver

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// tokenKey is the metadata that carries the fleet's token.
const tokenKey = "grpcbench-token"

// NewToken makes a token for NewFleet: 128 random bits, in hex.
func NewToken() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// token is what a control call must carry. The empty token lets nobody in.
type token string

func (t token) check(ctx context.Context) error {
	given := metadata.ValueFromIncomingContext(ctx, tokenKey)
	if t == "" || len(given) != 1 || subtle.ConstantTimeCompare([]byte(given[0]), []byte(t)) != 1 {
		return status.Errorf(codes.Unauthenticated, "metadata %s must be the fleet's token", tokenKey)
	}
	return nil
}

func (t token) unary(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := t.check(ctx); err != nil {
		return nil, err
	}
	return next(ctx, in)
}

func (t token) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := t.check(ss.Context()); err != nil {
		return err
	}
	return next(srv, ss)
}

// attach sends the token with every call of a client.
func (t token) attach(ctx context.Context, method string, in, out any, cc *grpc.ClientConn, next grpc.UnaryInvoker,
	options ...grpc.CallOption) error {
	return next(metadata.AppendToOutgoingContext(ctx, tokenKey, string(t)), method, in, out, cc, options...)
}

// attachStream is attach for streams.
func (t token) attachStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer,
	options ...grpc.CallOption) (grpc.ClientStream, error) {
	return next(metadata.AppendToOutgoingContext(ctx, tokenKey, string(t)), desc, cc, method, options...)
}
