package memnet

import (
	"context"
	"net"

	"google.golang.org/grpc/test/bufconn"
)

// listener gives a bufconn.Listener a place in a Network.
type listener struct {
	*bufconn.Listener
	network *Network
	addr    addr
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: net.ErrClosed}
	}
	return &conn{Conn: c, local: l.addr, remote: addr("mem:client")}, nil
}

func (l *listener) dial(ctx context.Context, from addr) (net.Conn, error) {
	c, err := l.Listener.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, local: from, remote: l.addr}, nil
}

func (l *listener) Addr() net.Addr { return l.addr }

// Close may be called more than once; another listener at the same address is
// not touched by the second.
func (l *listener) Close() error {
	l.network.mu.Lock()
	if l.network.listeners[string(l.addr)] == l {
		delete(l.network.listeners, string(l.addr))
	}
	l.network.mu.Unlock()
	return l.Listener.Close()
}

// conn gives a connection its addresses.
type conn struct {
	net.Conn
	local, remote addr
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }
