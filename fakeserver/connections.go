package fakeserver

import (
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/grpcbench/grpcbench/fakeserver/link"
)

// connections are the open ones of one backend, so that they can be reset, and
// what lies between them and the clients.
type connections struct {
	books *books
	hush  *hush // nil never is
	// network puts a link before a connection, the n-th of the backend; nil is
	// none. done is to be called when nothing is left of the link.
	network func(raw net.Conn, n int64, done func()) *link.Conn
	linked  sync.WaitGroup

	mu    sync.Mutex
	open  map[*connection]struct{}
	links map[*link.Conn]struct{} // they outlive a Close
}

func newConnections(b *books) *connections {
	return &connections{open: map[*connection]struct{}{}, links: map[*link.Conn]struct{}{}, books: b}
}

// reset closes every connection with a RST where there is such a thing, and
// loses what is still on a link.
func (cs *connections) reset() {
	for _, c := range cs.all() {
		c.reset()
	}
	cs.mu.Lock()
	links := slices.Collect(maps.Keys(cs.links))
	cs.mu.Unlock()
	for _, l := range links {
		_ = l.Abort() // closing is all that can be done to it
	}
}

// end closes every connection after what was written.
func (cs *connections) end() {
	for _, c := range cs.all() {
		_ = c.close(true) // likewise
	}
}

func (cs *connections) all() []*connection {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return slices.Collect(maps.Keys(cs.open))
}

// link puts the network before a connection.
func (cs *connections) link(raw net.Conn, n int64) net.Conn {
	if cs.network == nil {
		return raw
	}
	cs.linked.Add(1)
	var l *link.Conn
	made := make(chan struct{})
	l = cs.network(raw, n, func() {
		<-made
		cs.mu.Lock()
		delete(cs.links, l)
		cs.mu.Unlock()
		cs.linked.Done()
	})
	cs.mu.Lock()
	cs.links[l] = struct{}{}
	cs.mu.Unlock()
	close(made)
	return l
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
	n := g.connections.books.opened.Add(1)
	c := &connection{Conn: g.connections.link(raw, n), of: g.connections, closed: make(chan struct{})}
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
	of     *connections
	once   sync.Once
	closed chan struct{}
	err    error
}

// Read implements net.Conn. What comes while the backend is hushed is held
// back until that is over.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.of.hush != nil {
		c.of.hush.wait(c.closed)
	}
	return n, err
}

// Write implements net.Conn, likewise.
func (c *connection) Write(p []byte) (int, error) {
	if c.of.hush != nil {
		c.of.hush.wait(c.closed)
	}
	return c.Conn.Write(p)
}

// Close may be called more than once, from different goroutines.
func (c *connection) Close() error { return c.close(false) }

// close says whether it is a fault that closes the connection.
func (c *connection) close(killed bool) error {
	c.once.Do(func() {
		if killed {
			c.of.books.killed.Add(1)
		}
		c.of.mu.Lock()
		delete(c.of.open, c)
		c.of.mu.Unlock()
		c.of.books.openConns.Add(-1)
		close(c.closed)
		c.err = c.Conn.Close()
	})
	return c.err
}

func (c *connection) reset() {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		// Best effort: a connection that is already closed needs no RST.
		_ = tcp.SetLinger(0)
	}
	_ = c.close(true)
}
