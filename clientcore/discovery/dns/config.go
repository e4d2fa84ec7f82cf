package dns

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// What a Config that does not say otherwise has.
const (
	Every   = 30 * time.Second
	Floor   = 5 * time.Second
	Timeout = 10 * time.Second
)

// networks is what Config.Network may be.
var networks = [...]string{"ip", "ip4", "ip6"}

// Config is what is looked up, and where.
type Config struct {
	// Name is host:port, or a service such as _grpc._tcp.users.internal.
	Name string
	// Server is the DNS server's host:port; left out, the system's are asked.
	Server string
	// Every is the time from one look to the next; 0 is 30 s.
	Every time.Duration
	// Floor is the least time between two looks, whatever asks for them: each
	// connection that fails does. 0 is 5 s, or Every where that is shorter.
	Floor time.Duration
	// Timeout bounds one look with all its questions; 0 is 10 s.
	Timeout time.Duration
	// Network is ip4 for A records only, ip6 for AAAA records only, ip for
	// both, which is so when it is left out.
	Network string
}

// complete is c with what was left out, and its errors.
func (c Config) complete() (Config, error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("dns: "+format, args...)) }
	if err := CheckName(c.Name); err != nil {
		fail("Name %w", err)
	}
	if c.Server != "" {
		if err := discovery.CheckAddress(c.Server); err != nil {
			fail("Server %w", err)
		}
	}
	for _, d := range []struct {
		name string
		at   *time.Duration
		zero time.Duration
	}{{"Every", &c.Every, Every}, {"Floor", &c.Floor, Floor}, {"Timeout", &c.Timeout, Timeout}} {
		if *d.at < 0 {
			fail("%s must be > 0, or 0 for %v (got %v)", d.name, d.zero, *d.at)
		}
	}
	if c.Every == 0 {
		c.Every = Every
	}
	if c.Floor == 0 {
		c.Floor = min(Floor, c.Every)
	}
	if c.Timeout == 0 {
		c.Timeout = Timeout
	}
	if c.Floor > c.Every {
		fail("Floor must be at most Every, %v (got %v)", c.Every, c.Floor)
	}
	if c.Network == "" {
		c.Network = networks[0]
	}
	if !slices.Contains(networks[:], c.Network) {
		fail("Network must be ip, ip4 or ip6 (got %q)", c.Network)
	}
	return c, errors.Join(errs...)
}

// IsService is whether a name is looked up for SRV records. No host's name
// begins with an underscore.
func IsService(name string) bool { return strings.HasPrefix(name, "_") }

// CheckName reports a name that is neither host:port nor a service.
func CheckName(name string) error {
	if !IsService(name) {
		return discovery.CheckAddress(name)
	}
	if _, _, err := net.SplitHostPort(name); err == nil {
		return fmt.Errorf("must be a service without a port, which its SRV records have (got %q)", name)
	}
	if labels := strings.SplitN(name, ".", 3); len(labels) < 3 || labels[2] == "" || !strings.HasPrefix(labels[1], "_") {
		return fmt.Errorf("must be host:port, or a service such as _grpc._tcp.users.internal (got %q)", name)
	}
	return nil
}
