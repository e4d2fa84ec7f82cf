package http2conn

import (
	"encoding/binary"
	"strconv"
)

// StreamKey is the header that is added to every request: the number of its
// stream. It is the last of its name, should the client send one, too.
const StreamKey = "grpcbench-stream"

// reader goes through what the client sends.
type reader struct {
	raw   []byte // room to read into
	ready []byte // to be handed out, from `from` on
	from  int

	preface int // bytes of it still to come
	header  header
	have    int // bytes of the header
	left    int // bytes of the payload still to come
	fresh   bool
	ping    []byte // the payload of a PING with ACK, as far as it has come
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	r := &c.in
	for r.from == len(r.ready) {
		r.ready, r.from = r.ready[:0], 0
		n, err := c.Conn.Read(r.raw)
		c.follow(r.raw[:n])
		if err != nil && len(r.ready) == 0 {
			return 0, err // one that came with bytes comes again
		}
	}
	n := copy(p, r.ready[r.from:])
	r.from += n
	return n, nil
}

// follow appends to ready what gRPC is to read for b.
func (c *Conn) follow(b []byte) {
	r := &c.in
	if n := min(r.preface, len(b)); n > 0 {
		r.preface -= n
		r.ready = append(r.ready, b[:n]...)
		b = b[n:]
	}
	for len(b) > 0 {
		if r.have < headerLen {
			n := copy(r.header[r.have:], b)
			r.have, b = r.have+n, b[n:]
			if r.have == headerLen {
				c.begin()
			}
		} else {
			n := min(r.left, len(b))
			if r.ping != nil {
				r.ping = append(r.ping, b[:n]...)
			} else {
				r.ready = append(r.ready, b[:n]...)
			}
			r.left, b = r.left-n, b[n:]
		}
		if r.have == headerLen && r.left == 0 {
			c.end()
			r.have = 0
		}
	}
}

// begin is after the header of a frame.
func (c *Conn) begin() {
	r := &c.in
	h := r.header
	r.left = h.length()
	switch h.kind() {
	case typePing:
		if h.flags()&flagAck != 0 {
			r.ping = make([]byte, 0, h.length())
			return // until it is known whose it is
		}
	case typeHeaders:
		// Another one on the same stream is its trailer.
		r.fresh = c.opened(h.stream())
	case typeRSTStream:
		c.ended(h.stream())
	}
	if r.adds() {
		h[4] &^= flagEndHeaders // a CONTINUATION follows
	}
	r.ready = append(r.ready, h[:]...)
}

// adds reports whether the frame is the last of a request's headers.
func (r *reader) adds() bool {
	return (r.header.kind() == typeHeaders || r.header.kind() == typeContinuation) && r.header.flags()&flagEndHeaders != 0 && r.fresh
}

// end is after the payload of a frame.
func (c *Conn) end() {
	r := &c.in
	switch {
	case r.adds():
		r.fresh = false
		r.ready = appendFrame(r.ready, typeContinuation, flagEndHeaders, r.header.stream(), streamHeader(r.header.stream()))
	case r.ping != nil:
		if len(r.ping) == 8 && string(r.ping[:4]) == pingMark {
			id := binary.BigEndian.Uint32(r.ping[4:])
			c.ended(id)
			r.ready = appendFrame(r.ready, typeRSTStream, 0, id, []byte{0, 0, 0, cancel})
		} else {
			r.ready = append(append(r.ready, r.header[:]...), r.ping...)
		}
		r.ping = nil
	}
}

const cancel = 0x8 // the error code CANCEL

// streamHeader is the header StreamKey in HPACK's form for a literal that is
// never indexed: it leaves the tables alone. Both texts are shorter than 127
// bytes, so that their lengths are one byte each.
func streamHeader(id uint32) []byte {
	value := strconv.FormatUint(uint64(id), 10)
	b := append([]byte{0x10, byte(len(StreamKey))}, StreamKey...)
	return append(append(b, byte(len(value))), value...)
}

// opened notes a stream, and reports whether it is a new one.
func (c *Conn) opened(id uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id <= c.last {
		return false
	}
	c.last = id
	c.open[id] = &stream{}
	return true
}

func (c *Conn) ended(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, id)
}
