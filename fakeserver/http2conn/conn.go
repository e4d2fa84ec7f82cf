// Package http2conn follows the frames on the server's side of an HTTP/2
// connection, between gRPC and whatever carries it, so that frames can be put
// in that gRPC has no call for: RST_STREAM with any code, GOAWAY. Frames that
// gRPC writes are never dropped or changed: HPACK would lose its state.
package http2conn

import (
	"encoding/binary"
	"net"
	"sync"
)

// Conn is a server's connection whose frames are followed. Besides what it is
// told to put in, it adds the header StreamKey to every request. Safe for
// concurrent use as any net.Conn is, for one reader and several writers.
type Conn struct {
	net.Conn
	in     reader
	turn   chan struct{} // held to write; of one place, for a mutex would stop virtual time
	mu     sync.Mutex    // never held while reading or writing
	out    writer
	last   uint32             // the newest stream
	open   map[uint32]*stream // that neither side has ended
	writes []byte             // to be put in at the next end of a frame
}

// stream is what is known of a stream.
type stream struct {
	messages counter // written
	reset    bool    // once `after` messages are
	after    int
	code     uint32
}

// New follows a connection on which no byte has been read or written.
func New(c net.Conn) *Conn {
	f := &Conn{Conn: c, turn: make(chan struct{}, 1), open: map[uint32]*stream{}}
	f.in.preface = len(preface)
	f.in.raw = make([]byte, readSize)
	return f
}

const (
	preface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	readSize = 16 << 10
)

// Types and flags of frames, RFC 9113.
const (
	typeData         = 0x0
	typeHeaders      = 0x1
	typeRSTStream    = 0x3
	typePing         = 0x6
	typeContinuation = 0x9

	flagAck        = 0x1
	flagEndStream  = 0x1
	flagEndHeaders = 0x4
)

const headerLen = 9

// header is the beginning of every frame.
type header [headerLen]byte

func (h *header) length() int    { return int(h[0])<<16 | int(h[1])<<8 | int(h[2]) }
func (h *header) kind() byte     { return h[3] }
func (h *header) flags() byte    { return h[4] }
func (h *header) stream() uint32 { return binary.BigEndian.Uint32(h[5:]) & (1<<31 - 1) }

// appendFrame appends a frame to b.
func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	return append(b, payload...)
}

// LastStream is the number of the newest stream that the client has opened, 0
// before the first.
func (c *Conn) LastStream() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Inject writes a frame, between two of gRPC's. The error is that of writing; it
// is nil where a write that is under way brings the frame along.
func (c *Conn) Inject(kind, flags byte, stream uint32, payload []byte) error {
	c.mu.Lock()
	c.writes = appendFrame(c.writes, kind, flags, stream, payload)
	c.mu.Unlock()
	return c.flush()
}

// reset ends a stream with RST_STREAM, as soon as `after` messages of it have
// been written. A stream that is over is left alone.
func (c *Conn) reset(id, code uint32, after int) error {
	c.mu.Lock()
	s := c.open[id]
	if s == nil {
		c.mu.Unlock()
		return nil
	}
	s.reset, s.code, s.after = true, code, after
	c.resetIfDue(id, s)
	c.mu.Unlock()
	return c.flush()
}

// resetIfDue puts in what ends a stream. The client learns it from RST_STREAM.
// gRPC on this side learns it as if the client had reset the stream: the PING
// brings about something to be read, and its answer is replaced by that. So
// nothing more is written on the stream. mu must be held.
func (c *Conn) resetIfDue(id uint32, s *stream) {
	if !s.reset || s.messages.complete < s.after {
		return
	}
	s.reset = false
	c.writes = appendFrame(c.writes, typeRSTStream, 0, id, binary.BigEndian.AppendUint32(nil, s.code))
	c.writes = appendFrame(c.writes, typePing, 0, 0, pingFor(id))
}

// pingMark begins the data of pings that stand for the end of a stream.
const pingMark = "rst#"

func pingFor(id uint32) []byte { return binary.BigEndian.AppendUint32([]byte(pingMark), id) }
