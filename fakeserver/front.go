package fakeserver

import (
	"net"
	"sync"
)

// front is one address before all backends, as a load balancer of the transport
// layer is: each connection goes to the next backend that listens, and stays
// there. When none does it is reset.
type front struct {
	listener net.Listener
	address  string
	release  func()
	serving  sync.WaitGroup

	mu   sync.Mutex
	open []*frontListener // by backend; nil does not listen
	next int              // backend whose turn it is
}

func newFront(backends int, listen ListenFunc) (*front, error) {
	p, l, err := newPort(listen)
	if err != nil {
		return nil, err
	}
	f := &front{listener: l, address: p.address, release: p.release, open: make([]*frontListener, backends)}
	f.serving.Go(f.serve)
	return f, nil
}

// serve hands out connections until the listener closes.
func (f *front) serve() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.hand(c)
	}
}

// hand gives a connection to the backend whose turn it is.
func (f *front) hand(c net.Conn) {
	for range len(f.open) {
		f.mu.Lock()
		to := f.open[f.next]
		f.next = (f.next + 1) % len(f.open)
		f.mu.Unlock()
		if to != nil && to.offer(c) {
			return
		}
	}
	if tcp, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0) // best effort: a plain end will do
	}
	_ = c.Close()
}

// restart begins again with the first backend.
func (f *front) restart() {
	f.mu.Lock()
	f.next = 0
	f.mu.Unlock()
}

// listen is what a backend listens with: its share of the front.
func (f *front) listen(backend int) ListenFunc {
	return func(_, _ string) (net.Listener, error) {
		l := &frontListener{front: f, backend: backend, offered: make(chan net.Conn), closed: make(chan struct{})}
		f.mu.Lock()
		f.open[backend] = l
		f.mu.Unlock()
		return l, nil
	}
}

func (f *front) close() {
	_ = f.listener.Close()
	f.serving.Wait()
	f.release()
}

// frontListener is one backend's share of a front.
type frontListener struct {
	front   *front
	backend int
	offered chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

// offer reports whether the backend has taken the connection.
func (l *frontListener) offer(c net.Conn) bool {
	select {
	case l.offered <- c:
		return true
	case <-l.closed:
		return false
	}
}

func (l *frontListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.offered:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

func (l *frontListener) Addr() net.Addr { return l.front.listener.Addr() }

// Close may be called more than once.
func (l *frontListener) Close() error {
	l.once.Do(func() {
		l.front.mu.Lock()
		if l.front.open[l.backend] == l {
			l.front.open[l.backend] = nil
		}
		l.front.mu.Unlock()
		close(l.closed)
	})
	return nil
}
