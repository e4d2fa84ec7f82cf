// Package e2e tests the providers against the real servers, as `make e2e` does:
// a Consul agent in dev mode, which the module below this one builds, and an
// etcd that is embedded. All of them listen on loopback only.
package e2e
