// Package targets makes of one text what a client dials, so that where the
// backends come from can be a setting:
//
//	10.0.0.1:443, users.internal:443         looked up in DNS, regularly
//	dns:///users.internal:443?every=5s       the same
//	dns://10.0.0.53:53/_grpc._tcp.users.internal   SRV records, from one DNS server
//	static:///10.0.0.1:443,10.0.0.2:443      these
//	file:///etc/backends/users               a file, see package file
//	consul://127.0.0.1:8500/users?tag=v2     a Consul service
//	etcd://10.0.0.1:2379,10.0.0.2:2379/users    endpoints in etcd
//	unix:///run/users.sock, passthrough:///a:1, xds:///users    grpc-go's own
//
// Keys after a ? are settings; Kinds lists them. One that is not known is an
// error, and so is a scheme that is not, which grpc-go would take for a host.
//
// The scheme dns is package dns's and not grpc-go's, which asks again only after
// a connection has failed. Only grpc-go's finds the look-aside balancers of
// grpclb in DNS: dial a target that needs them without this package. Where the
// environment names an HTTPS proxy, grpc-go has it resolve names of the scheme
// dns, whoever else could.
//
// Secrets are never in the text: Consul's token comes from CONSUL_HTTP_TOKEN,
// etcd's user from ETCDCTL_USER, and certificates from CONSUL_CACERT,
// ETCDCTL_CACERT and their like, which the tools of the two have as well.
//
// This package links all providers. A program that knows where its backends come
// from imports the one that it needs.
package targets
