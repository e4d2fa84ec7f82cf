// Package discovery finds the backends of a service and keeps a client's
// channels up to date with them.
//
// A Registry knows the endpoints; Resolver makes of it what grpc dials by:
//
//	users := discovery.NewStatic(discovery.Addresses("10.0.0.1:443", "10.0.0.2:443")...)
//	client, err := clientcore.New(clientcore.Default(),
//		clientcore.WithTarget("users:///users.internal"),
//		clientcore.WithResolvers(discovery.Resolver("users", users)))
//
// This package needs grpc only. What brings dependencies of its own is apart:
//
//	discovery.Static   endpoints set by the program
//	discovery/file     a file that is looked at regularly
//	discovery/dns      DNS, asked regularly: grpc-go's asks only after failures
//	discovery/consul   the passing instances of a Consul service
//	discovery/etcd     endpoints as etcd's own naming package writes them
//	discovery/targets  any of these from one text, as consul://host:8500/users
//
// What an xDS server says is resolved by grpc-go itself: see clientcore/xds.
//
// # What is promised
//
// A watch brings full snapshots, never differences. A slow listener misses
// snapshots that are outdated and never the newest: nothing is queued, so that
// nothing can be full. A failure to learn the endpoints is told, tried again
// after a Backoff, and takes no endpoint away. A watch ends when its context
// does, and leaves no goroutine. A change of endpoints fails no call, as long as
// a backend that leaves serves the calls that it has begun.
package discovery
