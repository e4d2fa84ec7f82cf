// Package dns is a registry in DNS that is asked regularly. grpc-go's own
// resolver asks when a connection fails, and at most every 30 s: a backend that
// joins gets no calls until one leaves.
//
// A name host:port is looked up for A and AAAA records; each address is an
// endpoint. A name of a service, such as _grpc._tcp.users.internal, is looked up
// for SRV records, which bring their own hosts, ports and weights; those of the
// lowest priority number are the endpoints, the others are for clients that try
// one server after the other. A single SRV record with the target "." says that
// there are no endpoints.
//
// Every failure is an error and takes no endpoint away: a name that does not
// exist, a server that does not answer, one answer of several that is missing.
// Lifetimes of records (TTL) are not looked at: Config.Every bounds how long a
// change can go unseen, together with caches between here and the server.
package dns
