package targets

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Loopback is whether the text can lead nowhere but to this machine: a Unix
// domain socket, loopback addresses, or the name localhost. Nobody is asked: a
// name that resolves to a loopback address counts as another machine, and so do
// endpoints that come from elsewhere (file, consul, etcd, xds), wherever that is.
func (t Target) Loopback() bool {
	rest := strings.TrimPrefix(t.text, t.scheme+":")
	switch t.scheme {
	case "unix", "unix-abstract":
		return true
	case "passthrough":
		return loopback(strings.TrimLeft(rest, "/"))
	case "static", "dns":
		return len(t.source.hosts) > 0 && !slices.ContainsFunc(t.source.hosts, func(address string) bool { return !loopback(address) })
	}
	return false
}

// loopback is whether host:port is this machine's own.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
