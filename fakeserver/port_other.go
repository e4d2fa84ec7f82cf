//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fakeserver

import "net"

// reserve leaves the choice to listenReserved. Without SO_REUSEPORT nothing
// keeps the port while a backend is down; ephemeral ports are handed out in
// turn, so it is rarely taken meanwhile, and the backend tries until it is free.
func reserve() (address string, release func(), err error) {
	return "127.0.0.1:0", func() {}, nil
}

func listenReserved(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}
