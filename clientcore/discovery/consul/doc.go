// Package consul is a registry in Consul: the passing instances of a service.
//
// It asks by blocking queries, which Consul answers when something changed, so
// that a change is seen within milliseconds and nothing is asked meanwhile. An
// instance counts when all its checks pass, those of its node included: one in
// maintenance, or with a check in warning, does not. Consul's weight for passing
// instances becomes the endpoint's.
//
// How Consul is reached is the business of the api.Client, which takes address,
// token and TLS from a Config or from the environment (CONSUL_HTTP_ADDR,
// CONSUL_HTTP_TOKEN, CONSUL_CACERT, …). The token stays in there: no error of
// this package has it.
//
// A query that fails is tried again after a Backoff, and takes no endpoint away.
package consul
