package fakeserver

import (
	"encoding/binary"
	"math"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/http2conn"
)

// frames are the connections of one backend whose frames are followed, and what
// faults want of them.
type frames struct {
	mu      sync.Mutex
	open    map[*framed]struct{}
	ages    map[fault.Fault]maxAge
	streams map[fault.Fault]int
}

type maxAge struct{ age, grace time.Duration }

func newFrames() *frames {
	return &frames{open: map[*framed]struct{}{}, ages: map[fault.Fault]maxAge{}, streams: map[fault.Fault]int{}}
}

// HTTP/2's numbers, RFC 9113.
const (
	frameSettings        = 0x4
	frameGoAway          = 0x7
	maxConcurrentStreams = 0x3
	lastStreamID         = 1<<31 - 1
)

// credentials follow the frames inside of what inner makes of a connection.
func (f *frames) credentials(inner credentials.TransportCredentials) credentials.TransportCredentials {
	return framedCredentials{TransportCredentials: http2conn.Credentials(inner), frames: f}
}

type framedCredentials struct {
	credentials.TransportCredentials
	frames *frames
}

func (c framedCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	return c.frames.add(conn.(*http2conn.Conn)), info, nil
}

func (c framedCredentials) Clone() credentials.TransportCredentials {
	return framedCredentials{TransportCredentials: c.TransportCredentials.Clone(), frames: c.frames}
}

// framed is one such connection. It leaves the set when it closes.
type framed struct {
	*http2conn.Conn
	of    *frames
	born  time.Time
	aging []*time.Timer // under of.mu
}

func (f *frames) add(c *http2conn.Conn) *framed {
	one := &framed{Conn: c, of: f, born: time.Now()}
	f.mu.Lock()
	f.open[one] = struct{}{}
	one.age()
	n := f.maxStreams()
	f.mu.Unlock()
	if n != math.MaxUint32 {
		one.settings(n) // before gRPC's own
	}
	return one
}

// Close may be called more than once.
func (c *framed) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.youth()
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// goAway sends GOAWAY. A connection that cannot be written to is broken: its
// own end comes to know.
func (c *framed) goAway(last uint32) {
	payload := binary.BigEndian.AppendUint32(nil, last)
	_ = c.Inject(frameGoAway, 0, 0, append(payload, 0, 0, 0, 0)) // NO_ERROR
}

// settings says how many streams there may be.
func (c *framed) settings(streams uint32) {
	payload := binary.BigEndian.AppendUint16(nil, maxConcurrentStreams)
	_ = c.Inject(frameSettings, 0, 0, binary.BigEndian.AppendUint32(payload, streams))
}

// age sets the timers of the connection's end. of.mu must be held.
func (c *framed) age() {
	for _, m := range c.of.ages {
		c.aging = append(c.aging, time.AfterFunc(time.Until(c.born.Add(m.age)), func() { c.goAway(lastStreamID) }))
		if m.grace > 0 {
			left := max(time.Until(c.born.Add(m.age)), 0) + m.grace
			c.aging = append(c.aging, time.AfterFunc(left, func() { _ = c.Close() }))
		}
	}
}

// youth stops them. of.mu must be held.
func (c *framed) youth() {
	for _, t := range c.aging {
		t.Stop()
	}
	c.aging = nil
}

// each calls do for every connection, at the same time: one that does not take
// what is written holds up no other.
func (f *frames) each(do func(*framed)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		go do(c)
	}
}

func (f *frames) goAway(refuse bool) {
	last := uint32(lastStreamID)
	if refuse {
		last = 0
	}
	f.each(func(c *framed) { c.goAway(last) })
}

// setMaxAge and setMaxStreams set what by wants, or with a zero value nothing.

func (f *frames) setMaxAge(by fault.Fault, m maxAge) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ages, by)
	if m != (maxAge{}) {
		f.ages[by] = m
	}
	for c := range f.open {
		c.youth()
		c.age()
	}
}

func (f *frames) setMaxStreams(by fault.Fault, n int) {
	f.mu.Lock()
	delete(f.streams, by)
	if n > 0 {
		f.streams[by] = n
	}
	streams := f.maxStreams()
	f.mu.Unlock()
	f.each(func(c *framed) { c.settings(streams) })
}

// maxStreams is the least that a fault allows. mu must be held.
func (f *frames) maxStreams() uint32 {
	least := uint32(math.MaxUint32)
	for _, n := range f.streams {
		least = min(least, uint32(n))
	}
	return least
}
