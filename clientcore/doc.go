// Package clientcore is a gRPC client library: a pool of channels with
// balancing, discovery, deadlines, retry and circuit breakers behind
// grpc.ClientConnInterface, so that generated stubs use it unchanged. It depends
// on grpc and the standard library only, and is what grpcbench measures:
// benchmark it, then ship it.
//
//	client, err := clientcore.New(clientcore.Default(), clientcore.WithTarget("dns:///users.internal:443"))
//	if err != nil { … }
//	defer client.Close()
//	users := userpb.NewUserServiceClient(client)
//
// # Layers
//
// A call passes these, the outermost first. Each is a small type that knows only
// the next one's interface:
//
//	intercept those given to New, then the log, then Config.Metadata
//	deadline  the call's timeout, attempts and waits included
//	retry     attempts, backoff, jitter, pushback, replay of streams;
//	          or hedge: attempts side by side, of which the first answer wins
//	breaker   refuses attempts on what keeps failing, by client or by method
//	pool      one of N channels, by the chosen pick among those that are READY
//	balancer  one of the channel's backends, by the chosen policy, of those
//	          whose own breaker is not open
//	wire      grpc-go
//
// # Settings
//
// Config holds every setting, Default the defaults, Validate the ranges. Where
// several places speak of the same thing, the nearer one wins: an option of the
// call (CallTimeout and its like, and grpc-go's own), then Config.Methods, then
// Config. A method's retry policy takes what it leaves out from the Config's.
//
// Channels are dialled without TLS unless Config.TLS or WithTransportCredentials
// says otherwise, stay connected for lack of calls unless Pool.MaxIdle bounds
// that, and ignore a service config that a resolver brings, except an xDS
// server's: the Config is the one that counts, or the file that
// Config.ServiceConfig names. grpc-go's own retries are off unless the policy is
// native, so that there is one layer of them; its transparent retries of attempts
// that no server has seen remain, and are counted.
//
// # Retries
//
// Codes that are retried come from the policy; mistakes of this process (a
// message too large or not encodable), the caller's own cancel and what the
// balancer dropped (grpclb, xDS) are not tried again whatever the code, nor hedged.
// A server's grpc-retry-pushback-ms decides over the
// wait, or against another attempt. A wait that cannot end before the call's
// deadline is not begun: the call fails at once with the last attempt's error.
// Further attempts carry grpc-previous-rpc-attempts.
//
// A stream is retried until it is committed: by its first response message, by
// headers that were handed to the caller, or by more than retry.ReplayLimit
// bytes of sent messages. While it is not, sent messages are kept in their
// encoded form.
//
// # Hedges
//
// With Config.Hedge in place of Retry, a call that is not answered in time is sent
// again, while its first attempt goes on; the first answer wins and the others are
// cancelled. Package hedge has the rules. Unary calls and server streams are
// hedged; a stream on which the client sends more than one message has one
// attempt, or its method's retries. A call is hedged or retried, never both: a
// method's, or a call's own, setting of either stands in for the other of the
// Config.
//
// # Pool
//
// Package pool has the settings. New connects every channel, or with Lazy none
// until a pick falls to it; WaitReady returns when each has been READY. A call
// goes to a READY channel, else to one that connects, else to any: there is
// always one, and grpc-go says what is wrong with it. A channel that fails to
// connect for StuckFor is made anew, one at a time; one that is older than MaxAge
// is replaced when its replacement is READY, one without a call for MaxIdle by one
// that sleeps. The calls and streams of a channel that was replaced end in peace.
// With MaxInFlight calls that find no room wait in their order.
//
// # Circuit breakers
//
// With Config.Breaker, failures in a row or a rate of them open a breaker: of the
// client, of a method, or of a backend. Each attempt asks it, so retries of one
// call count one by one, but for native ones, of which the breaker sees the last.
// An open breaker refuses without sending, and after a time lets a few probes
// through. A backend whose breaker is open is left out of the pick; while its
// probes are under way its other calls go to other backends. WithBreakerObserver
// hears of each change.
//
// # Balancing and discovery
//
// Config.Balance is one of the policies of package balance, by
// loadBalancingConfig. Each channel balances on its own. A consistent hash takes
// its key from a field of the request or from metadata; a call without one fails.
//
// Backends come from the target's resolver, from WithEndpoints, or from one of
// package discovery's registries by WithResolvers. Endpoints that come and go lose
// no call: those in flight on a backend that goes end in peace.
//
// # Interceptors
//
// WithUnaryInterceptors and WithStreamInterceptors put grpc-go's kind of
// interceptors around whole calls; package interceptor has some. Around each
// attempt they go by WithDialOptions.
//
// # Errors
//
// What a caller gets is the last attempt's error as it is, or that of the layer
// which refused the call. Either has its gRPC status, for status.FromError, and
// its cause, for errors.Is and errors.As:
//
//	pool.ErrFull          *pool.FullError            DEADLINE_EXCEEDED, CANCELED
//	pool.ErrClosed                                   CANCELED
//	breaker.ErrOpen       *breaker.OpenError         UNAVAILABLE
//	balance.ErrNoBackend  *balance.NoBackendError    UNAVAILABLE
//	balance.ErrDropped    *balance.DroppedError      the balancer's choice
//	retry.ErrBudget       *retry.BudgetError         the last attempt's
//	ErrNoKey              *NoKeyError                INVALID_ARGUMENT
//
// OriginOf says where an error came from, Retryable whether the call may end
// otherwise when it is made again, Explain what its code says, as a sentence.
// SendMsg may return io.EOF, as in grpc-go; RecvMsg then has the status.
//
// # Counting
//
// Attempts are counted where the balancer picks, without allocating: see Stats.
// For one call's attempts, put a Trace into its context.
package clientcore
