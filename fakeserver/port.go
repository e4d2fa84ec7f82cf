package fakeserver

import "net"

// port is an address that a backend keeps while it does not listen there.
type port struct {
	address string
	listen  ListenFunc
	release func()
}

// newPort reserves an address: with a listen function one that it chooses, and
// without one a port on loopback.
func newPort(listen ListenFunc) (*port, net.Listener, error) {
	release := func() {}
	address := "127.0.0.1:0"
	if listen == nil {
		var err error
		if address, release, err = reserve(); err != nil {
			return nil, nil, err
		}
		listen = listenReserved
	}
	l, err := listen("tcp", address)
	if err != nil {
		release()
		return nil, nil, err
	}
	return &port{address: l.Addr().String(), listen: listen, release: release}, l, nil
}

// open listens at the address again.
func (p *port) open() (net.Listener, error) { return p.listen("tcp", p.address) }
