// Package e2e runs the command against servers that this project did not write,
// as `make e2e` does: an etcd, grpc-go's interop test server and its health
// service. All of them are embedded and listen on loopback only; the command is
// built, and runs in a process of its own.
package e2e
