// Package interceptor has interceptors for clients, as grpc-go defines them, and
// the chain by which a clientcore.Client calls its own. Those here may be given
// to a Client or to grpc.WithChainUnaryInterceptor and its stream twin.
//
// Around a Client, an interceptor sees a whole call: its retries are below, and
// the call's deadline with them. It is given a nil *grpc.ClientConn, since the
// channel is chosen later, for each attempt; an interceptor that uses its own
// must not be given to a Client. Options of clientcore, such as CallTimeout, pass
// through it like any others. Around a grpc.ClientConn, as by
// clientcore.WithDialOptions, it sees each attempt.
package interceptor

import "google.golang.org/grpc"

// Interceptor is one for unary calls and its twin for streams. Neither is nil.
type Interceptor struct {
	Unary  grpc.UnaryClientInterceptor
	Stream grpc.StreamClientInterceptor
}
