package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Address is where to listen, as a person writes it.
type Address struct {
	Listen string // host:port
	// Open is that other machines can reach it.
	Open bool
}

// ParseAddress reads HOST:PORT, :PORT or PORT. Without a host it is 127.0.0.1:
// to let other machines in takes an address that says so, such as 0.0.0.0:8080.
// Port 0 is any that is free.
func ParseAddress(text string) (Address, error) {
	host, port := "", text
	if strings.Contains(text, ":") {
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil {
			return Address{}, fmt.Errorf("want PORT or HOST:PORT (got %q)", text)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return Address{}, fmt.Errorf("want a port from 0 to 65535 (got %q)", port)
	} else {
		port = strconv.FormatUint(n, 10)
	}
	switch ip, err := netip.ParseAddr(host); {
	case host == "":
		host = "127.0.0.1"
	case host == "localhost":
	case err != nil:
		return Address{}, fmt.Errorf("want an IP address or localhost before the port (got %q)", host)
	case !ip.IsLoopback():
		return Address{Listen: net.JoinHostPort(host, port), Open: true}, nil
	}
	return Address{Listen: net.JoinHostPort(host, port)}, nil
}

var errHost = errors.New("this page is served to its own machine: ask for localhost or 127.0.0.1 (the Host header names another)")

// checkHost refuses a request that was made under a name which need not be this
// machine's: a page from elsewhere, whose name was made to lead here (DNS
// rebinding), would have its own name in the Host header. Names that cannot be
// made to lead here are taken: localhost and loopback addresses; where other
// machines are let in, any address and the machine's own name, too. The port
// is not looked at: it may be a forwarded one.
func checkHost(header string, open bool) error {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if open || ip.IsLoopback() {
			return nil
		}
		return errHost
	}
	if name, err := os.Hostname(); open && err == nil && name != "" && strings.EqualFold(host, name) {
		return nil
	}
	return errHost
}
