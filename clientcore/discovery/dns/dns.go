package dns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/poll"
)

// Registry is the endpoints of a name.
type Registry struct {
	config   Config
	resolver *net.Resolver
	poller   poll.Poller
}

var _ interface {
	discovery.Registry
	discovery.Refresher
} = (*Registry)(nil)

// New is the registry of a name, about which nobody is asked yet.
func New(c Config) (*Registry, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	r := &Registry{config: c, resolver: &net.Resolver{
		PreferGo: c.Server != "", // the system's own knows nothing of Dial
		Dial: func(ctx context.Context, network, system string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, cmp.Or(c.Server, system))
			if err == nil {
				// net.Resolver ends ctx when it is done with conn or nobody waits
				// any more, but would go on reading, for seconds.
				context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		},
	}}
	r.poller = poll.Poller{Interval: c.Every, Spacing: c.Floor, Backoff: discovery.DefaultBackoff()}
	return r, nil
}

// Discover looks the name up.
func (r *Registry) Discover(ctx context.Context) ([]discovery.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	lookup := r.host
	if IsService(r.config.Name) {
		lookup = r.service
	}
	endpoints, err := lookup(ctx, r.config.Name)
	if failed, ok := err.(*net.DNSError); ok && r.config.Server != "" && failed.Server != "" {
		// The resolver names the system's server, in whose place ours was asked.
		// Others may look at the same error: a copy.
		own := *failed
		own.Server = r.config.Server
		err = &own
	}
	if err != nil {
		return nil, fmt.Errorf("dns: %w", err)
	}
	return discovery.Sorted(endpoints), nil
}

// Watch looks the name up again and again.
func (r *Registry) Watch(ctx context.Context, l discovery.Listener) {
	r.poller.Watch(ctx, l, r.Discover)
}

// Refresh looks the name up as soon as Config.Floor permits.
func (r *Registry) Refresh() { r.poller.Refresh() }

// host is the endpoints of a host with a port.
func (r *Registry) host(ctx context.Context, name string) ([]discovery.Endpoint, error) {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return nil, err
	}
	ips, err := r.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	return at(ips, port, 0), nil
}

// service is the endpoints of a service: one for each address of each host.
func (r *Registry) service(ctx context.Context, name string) ([]discovery.Endpoint, error) {
	_, records, err := r.resolver.LookupSRV(ctx, "", "", name)
	if err != nil {
		return nil, err // also where one record of several is malformed
	}
	lowest := uint16(math.MaxUint16)
	for _, record := range records {
		lowest = min(lowest, record.Priority)
	}
	var endpoints []discovery.Endpoint
	for _, record := range records {
		if record.Priority > lowest || record.Target == "." {
			continue
		}
		ips, err := r.addresses(ctx, record.Target)
		if err != nil {
			return nil, err
		}
		// A weight of 0 asks for next to nothing: 1, where others have more.
		endpoints = append(endpoints, at(ips, strconv.Itoa(int(record.Port)), max(1, uint32(record.Weight)))...)
	}
	return endpoints, nil
}

func at(ips []netip.Addr, port string, weight uint32) []discovery.Endpoint {
	var endpoints []discovery.Endpoint
	for _, ip := range ips {
		endpoints = append(endpoints, discovery.Endpoint{Address: net.JoinHostPort(ip.Unmap().String(), port), Weight: weight})
	}
	return endpoints
}

// addresses is the addresses of a host, all of them. The two families are asked
// for apart: asked for both, net.Resolver takes one without the other for the
// answer, even where the other failed.
func (r *Registry) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	families := []string{r.config.Network}
	if r.config.Network == "ip" {
		families = []string{"ip4", "ip6"}
	}
	ips, errs := make([][]netip.Addr, len(families)), make([]error, len(families))
	var all sync.WaitGroup
	for i, family := range families {
		all.Go(func() { ips[i], errs[i] = r.resolver.LookupNetIP(ctx, family, host) })
	}
	all.Wait()
	var found []netip.Addr
	for i, err := range errs {
		if err != nil && !isNone(err) {
			return nil, err
		}
		found = append(found, ips[i]...)
	}
	if len(found) == 0 {
		return nil, errs[0]
	}
	return found, nil
}

// isNone is whether err says that there is no record, and not that it could not
// be had.
func isNone(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	var address *net.AddrError // of a hosts file that has the other family
	return errors.As(err, &address)
}
