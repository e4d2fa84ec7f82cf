// Package clientcore is a gRPC client library: a pool of channels with
// balancing, deadlines, retry and backoff behind grpc.ClientConnInterface, so
// that generated stubs use it unchanged. It depends on grpc and the standard
// library only, and is what grpcbench measures: benchmark it, then ship it.
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
//	deadline  the call's timeout, attempts and waits included
//	retry     attempts, backoff, jitter, pushback, replay of streams;
//	          or hedge: attempts side by side, of which the first answer wins
//	pool      one of N channels, in turn among those that are READY
//	balancer  one of the channel's backends, by the chosen policy
//	wire      grpc-go
//
// # Settings
//
// Config holds every setting, Default the defaults, Validate the ranges. Where
// several places speak of the same thing, the nearer one wins: an option of the
// call (CallTimeout and its like, and grpc-go's own), then Config.Methods, then
// Config. A method's retry policy takes what it leaves out from the Config's.
//
// Channels are dialled without TLS unless WithTransportCredentials says
// otherwise, never go idle for lack of calls, and ignore a service config that a
// resolver brings: the Config is the one that counts. grpc-go's own retries are
// off, so that there is one layer of them; its transparent retries of attempts
// that no server has seen remain, and are counted.
//
// # Retries
//
// Codes that are retried come from the policy; mistakes of this process (a
// message too large or not encodable) and the caller's own cancel are not tried
// again whatever the code. A server's grpc-retry-pushback-ms decides over the
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
// # Errors
//
// What a caller gets is the last attempt's error, unwrapped: status.FromError,
// errors.Is and errors.As see what grpc-go made. SendMsg may return io.EOF, as
// in grpc-go; RecvMsg then has the status.
//
// # Counting
//
// Attempts are counted where the balancer picks, without allocating: see Stats.
// For one call's attempts, put a Trace into its context.
package clientcore
