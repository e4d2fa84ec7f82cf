package fakeserver

import (
	"net"
	"sync"
)

// connections are the open ones of one backend, so that they can be reset.
type connections struct {
	mu    sync.Mutex
	open  map[*connection]struct{}
	books *books
}

func newConnections(b *books) *connections {
	return &connections{open: map[*connection]struct{}{}, books: b}
}

// reset closes every connection with a RST where there is such a thing.
func (cs *connections) reset() {
	cs.mu.Lock()
	open := make([]*connection, 0, len(cs.open))
	for c := range cs.open {
		open = append(open, c)
	}
	cs.mu.Unlock()
	for _, c := range open {
		c.reset()
	}
}

// gate is a listener whose connections are counted and can be reset together
// with it. It may be closed more than once.
type gate struct {
	net.Listener
	connections *connections

	once   sync.Once
	closed bool // under connections.mu
	err    error
}

func newGate(l net.Listener, cs *connections) *gate {
	return &gate{Listener: l, connections: cs}
}

func (g *gate) Accept() (net.Conn, error) {
	raw, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: raw, of: g.connections}
	g.connections.books.opened.Add(1)
	g.connections.books.openConns.Add(1)
	g.connections.mu.Lock()
	late := g.closed
	g.connections.open[c] = struct{}{}
	g.connections.mu.Unlock()
	if late {
		// Accepted while the gate closed: the reset has missed it.
		c.reset()
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close stops listening. Connections stay.
func (g *gate) Close() error {
	g.once.Do(func() {
		g.connections.mu.Lock()
		g.closed = true
		g.connections.mu.Unlock()
		g.err = g.Listener.Close()
	})
	return g.err
}

// reset stops listening and resets all connections, of earlier gates with the
// same connections too.
func (g *gate) reset() {
	_ = g.Close() // a listener that fails to close is closed all the same
	g.connections.reset()
}

// connection leaves the set when it closes.
type connection struct {
	net.Conn
	of   *connections
	once sync.Once
	err  error
}

// Close may be called more than once, from different goroutines.
func (c *connection) Close() error {
	c.once.Do(func() {
		c.of.mu.Lock()
		delete(c.of.open, c)
		c.of.mu.Unlock()
		c.of.books.openConns.Add(-1)
		c.err = c.Conn.Close()
	})
	return c.err
}

func (c *connection) reset() {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		// Best effort: a connection that is already closed needs no RST.
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
