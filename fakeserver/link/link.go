// Package link makes a connection as slow as a network would: in user space, so
// that it works on any machine, over TCP and in virtual time.
package link

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Config is the network between a client and a backend, for each connection.
type Config struct {
	RTT time.Duration `yaml:"rtt" json:",omitempty" doc:"round-trip time: half of it each way"`
	// Jitter spreads the round trip evenly over RTT ± Jitter. Bytes stay in
	// order: what is early waits for what was sent before.
	Jitter time.Duration `yaml:"jitter" json:",omitempty" doc:"by how much the round-trip time varies up and down; at most rtt"`
	// Bandwidth is in bytes per second; 0 is no limit.
	Bandwidth float64 `yaml:"bandwidth" json:",omitempty" unit:"bandwidth" doc:"of each connection, each way, such as 1MiB/s or 100Mbit/s; unlimited when left out"`
}

// minBandwidth lets a connection be made within a keepalive timeout.
const minBandwidth = 100

// Validate returns the fields that are wrong, joined.
func (c Config) Validate() error {
	var errs []error
	if c.RTT < 0 {
		errs = append(errs, field.New("rtt", "must be >= 0 (got %v)", c.RTT))
	}
	if c.Jitter < 0 || c.Jitter > max(c.RTT, 0) {
		errs = append(errs, field.New("jitter", "must be from 0 to rtt, %v (got %v)", c.RTT, c.Jitter))
	}
	if c.Bandwidth != 0 && !(c.Bandwidth >= minBandwidth) {
		errs = append(errs, field.New("bandwidth", "must be at least %d bytes a second (got %v)", minBandwidth, c.Bandwidth))
	}
	return errors.Join(errs...)
}

// Zero reports whether the network does nothing.
func (c Config) Zero() bool { return c == Config{} }

const (
	// chunk is the most that is sent in one piece, so that a limited bandwidth
	// delivers a long message bit by bit.
	chunk = 16 << 10
	// Bytes on the way, each way: as many as fill the link twice over, within
	// these bounds. A sender beyond it waits.
	minWindow, maxWindow = 256 << 10, 64 << 20
	// window is that of a link without a limit of bandwidth.
	window = 4 << 20
)

func (c Config) window() int {
	if c.Bandwidth == 0 {
		return window
	}
	return int(min(max(2*c.Bandwidth*c.RTT.Seconds(), minWindow), maxWindow))
}

// Conn is the server's end of a connection over a network. Bytes that arrive
// and bytes that are written are each half a round trip late. A new connection
// is as slow as TCP's handshake makes it: the client's first bytes are here
// after one and a half round trips, the server's first there after two.
//
// Close sends what was written before; Abort does not.
type Conn struct {
	net.Conn
	in, out *lane
	done    func()
	pumps   sync.WaitGroup
	closing sync.Once
	reset   atomic.Bool // asked for by SetLinger
}

// Wrap puts a network before conn, which it takes over. seed is what the jitter
// follows from. wait waits for d, or until wake is closed. done is called when
// conn is closed and nothing is left of the link.
func Wrap(conn net.Conn, c Config, seed uint64, wait func(d time.Duration, wake <-chan struct{}), done func()) *Conn {
	now := time.Now()
	l := &Conn{
		Conn: conn, done: done,
		in:  newLane(c, draw.StreamOf(draw.Mix(seed, 0)), now.Add(c.RTT), wait),
		out: newLane(c, draw.StreamOf(draw.Mix(seed, 1)), now.Add(c.RTT+c.RTT/2), wait),
	}
	l.pumps.Go(l.arrive)
	l.pumps.Go(l.depart)
	go func() {
		l.pumps.Wait()
		l.done()
	}()
	return l
}

// arrive carries what comes over conn into the link.
func (l *Conn) arrive() {
	for {
		buffer := make([]byte, chunk)
		n, err := l.Conn.Read(buffer)
		if n > 0 && l.in.put(buffer[:n]) != nil {
			return
		}
		if err != nil {
			l.in.finish(err)
			return
		}
	}
}

// depart carries what comes out of the link over conn, and closes it.
func (l *Conn) depart() {
	defer l.Conn.Close()
	buffer := make([]byte, chunk)
	for {
		n, err := l.out.take(buffer)
		if err != nil {
			return
		}
		if _, err := l.Conn.Write(buffer[:n]); err != nil {
			l.out.abort(err)
			return
		}
	}
}

// Read implements net.Conn.
func (l *Conn) Read(p []byte) (int, error) { return l.in.take(p) }

// Write implements net.Conn. It returns when there is room on the link.
func (l *Conn) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		n := min(len(p), chunk)
		if err := l.out.put(append([]byte(nil), p[:n]...)); err != nil {
			return written, err
		}
		p, written = p[n:], written+n
	}
	return written, nil
}

// SetLinger implements the method of net.TCPConn as far as a reset needs it: 0
// makes Close an Abort.
func (l *Conn) SetLinger(seconds int) error {
	l.reset.Store(seconds == 0)
	if tcp, ok := l.Conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}

// Close ends the connection for the server at once, for the client when it has
// got what was written before.
func (l *Conn) Close() error {
	if l.reset.Load() {
		return l.Abort()
	}
	l.closing.Do(func() {
		l.in.abort(net.ErrClosed)
		l.out.finish(net.ErrClosed)
	})
	return nil
}

// Abort closes conn at once. What is on the link is lost.
func (l *Conn) Abort() error {
	l.in.abort(net.ErrClosed)
	l.out.abort(net.ErrClosed)
	return l.Conn.Close()
}

// SetDeadline implements net.Conn.
func (l *Conn) SetDeadline(t time.Time) error {
	l.in.setDeadline(&l.in.takeBy, t)
	l.out.setDeadline(&l.out.putBy, t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (l *Conn) SetReadDeadline(t time.Time) error {
	l.in.setDeadline(&l.in.takeBy, t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (l *Conn) SetWriteDeadline(t time.Time) error {
	l.out.setDeadline(&l.out.putBy, t)
	return nil
}
