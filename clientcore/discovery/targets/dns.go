package targets

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/dns"
)

// parseDNS: dns://server/users.internal:443, where both ports may be left out.
func parseDNS(q *query) (source, error) {
	config := dns.Config{Name: q.path, Server: q.place, Network: q.settings.Get("network")}
	if !dns.IsService(q.path) {
		config.Name = withPort(q.path, "443")
	}
	if err := dns.CheckName(config.Name); err != nil {
		return source{}, fmt.Errorf("the name %w", err)
	}
	authority := config.Name
	if dns.IsService(authority) {
		// _grpc._tcp.users.internal is a service of users.internal.
		authority = strings.SplitN(authority, ".", 3)[2]
	}
	if q.place != "" {
		config.Server = withPort(q.place, "53")
		if err := discovery.CheckAddress(config.Server); err != nil {
			return source{}, fmt.Errorf("the DNS server %w", err)
		}
	}
	if networks := []string{"ip4", "ip6"}; config.Network != "" && !slices.Contains(networks, config.Network) {
		return source{}, fmt.Errorf("setting network must be %s (got %q)", list(networks), config.Network)
	}
	var hosts []string
	if !dns.IsService(q.path) {
		hosts = []string{config.Name}
	}
	var err error
	if config.Every, err = q.duration("every"); err != nil {
		return source{}, err
	}
	if config.Floor, err = q.duration("floor"); err != nil {
		return source{}, err
	}
	if config.Timeout, err = q.duration("timeout"); err != nil {
		return source{}, err
	}
	every := config.Every
	if every == 0 {
		every = dns.Every
	}
	if config.Floor > every {
		return source{}, fmt.Errorf("setting floor must be at most every, %v (got %v)", every, config.Floor)
	}
	return source{authority: authority, hosts: hosts, open: func() (discovery.Registry, error) { return dns.New(config) }}, nil
}

// withPort is an address with the port that one without is meant to have. One
// that ends in a colon stays wrong.
func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil || address == "" {
		return address
	}
	return net.JoinHostPort(strings.TrimSuffix(strings.TrimPrefix(address, "["), "]"), port)
}
