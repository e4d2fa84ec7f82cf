// Package hedge sends a call a second time before the first attempt has failed:
// when it has not been answered in time. The first answer wins, the others are
// cancelled. That cuts the tail of latencies, at the price of some more load, for
// calls that may be made twice. It is a layer over any grpc.ClientConnInterface
// and knows nothing of what is below it.
//
// # When an attempt is sent
//
// Policy.After after the one before, as long as the call has no answer, and up
// to Policy.Attempts of them. An attempt that fails with one of Policy.Codes has
// the next one sent at once; any other failure ends the call, as in gRFC A6. A
// server that asks for patience by grpc-retry-pushback-ms has the next attempt
// sent after the time it names, or no other at all where that is negative; what
// runs goes on. A budget bounds hedges of either sort as it does retries, and a
// call that it has refused an attempt gets no other.
//
// After a fixed time d, with latencies that are independent and distributed as F,
// a share 1 − F(d) of the calls has a second attempt, and a share
// (1 − F(t))·(1 − F(t − d)) of them takes longer than t ≥ d. After a percentile
// pNN, about 1 − NN % of the calls have a second attempt, whatever F is: see
// Latencies.
//
// # What wins
//
// Of a unary call the first reply; of a server stream the first response message,
// or the end of a stream without any. A server may send its headers long before it
// has an answer, so they decide nothing. All other messages come from the winner.
// Streams on which the client sends more than one message are not hedged: a
// server may act on each as it comes.
//
// The losers are cancelled, and a call ends when they have ended: nothing of it
// goes on behind its caller's back. Each attempt has its own reply and its own
// targets of grpc.Header, grpc.Trailer and grpc.Peer, and the winner's are what
// the caller gets; where none wins, those of the attempt whose error it gets.
// grpc.OnFinish is told of the call, once.
//
// To which backend an attempt goes is for the layers below to choose, each time
// anew: that may be the backend of the attempt before, and with consistent hashing
// it is. A loser is no failure to a circuit breaker, but it is one to grpc-go's
// outlier_detection, which counts whatever did not end well: its thresholds have to
// leave room for losers.
package hedge
