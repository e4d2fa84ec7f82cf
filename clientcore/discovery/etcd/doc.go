// Package etcd is a registry in etcd: endpoints as etcd's own naming package
// (go.etcd.io/etcd/client/v3/naming/endpoints) writes them. For the target
// users, each key below users/ is an endpoint, and its value is JSON with the
// address in Addr:
//
//	users/b0  {"Op":0,"Addr":"10.0.0.1:443","Metadata":null}
//
// A key with a lease goes when the lease does: a server that dies leaves by
// itself. Metadata has no common meaning and is not looked at. A value that has
// no address is told as an error, and the other keys are the endpoints.
//
// A watch reads all keys and then follows the changes from that revision on, so
// that none is missed between. It begins anew when etcd has compacted away what
// it would need, and when no etcd server can be reached: that is an error, which
// takes no endpoint away.
package etcd
