package http2conn

import "encoding/binary"

// writer goes through what gRPC sends.
type writer struct {
	header header
	have   int // bytes of the header
	left   int // bytes of the payload still to come
}

// between reports whether one frame has ended and the next not begun.
func (w *writer) between() bool { return w.have == 0 }

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	written := 0
	for {
		n, put := c.advance(p[written:])
		m, err := c.Conn.Write(p[written : written+n])
		written += m
		if err != nil {
			return written, err
		}
		if len(put) > 0 {
			if _, err := c.Conn.Write(put); err != nil {
				return written, err
			}
		}
		if written == len(p) {
			return written, nil
		}
	}
}

// flush writes what is to be put in, unless a frame has only half been
// written: then the rest of it brings that along.
func (c *Conn) flush() error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	_, put := c.advance(nil)
	if len(put) == 0 {
		return nil
	}
	_, err := c.Conn.Write(put)
	return err
}

// advance goes through b up to where something is to be put in, or all of it.
func (c *Conn) advance(b []byte) (n int, put []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n < len(b) && !(c.out.between() && len(c.writes) > 0) {
		n += c.step(b[n:])
	}
	if c.out.between() {
		put, c.writes = c.writes, nil
	}
	return n, put
}

// step goes through the rest of a header or a payload, as far as b has it. b
// is not empty.
func (c *Conn) step(b []byte) (n int) {
	w := &c.out
	if w.have < headerLen {
		n = copy(w.header[w.have:], b)
		w.have += n
		if w.have < headerLen {
			return n
		}
		w.left = w.header.length()
	} else {
		n = min(w.left, len(b))
		w.left -= n
		if s := c.open[w.header.stream()]; s != nil && w.header.kind() == typeData {
			s.messages.count(b[:n])
		}
	}
	if w.left == 0 {
		w.have = 0
		c.wrote(w.header)
	}
	return n
}

// wrote is after a whole frame.
func (c *Conn) wrote(h header) {
	id := h.stream()
	s := c.open[id]
	if s == nil {
		return
	}
	switch kind := h.kind(); {
	case kind == typeRSTStream, kind == typeHeaders && h.flags()&flagEndStream != 0:
		delete(c.open, id)
	case kind == typeData:
		c.resetIfDue(id, s)
	}
}

// counter counts the messages of a stream: each is a byte, a length of four
// bytes, and as many bytes as that says.
type counter struct {
	prefix   [5]byte
	have     int
	left     uint32
	complete int
}

func (m *counter) count(b []byte) {
	for len(b) > 0 {
		if m.have < len(m.prefix) {
			n := copy(m.prefix[m.have:], b)
			m.have, b = m.have+n, b[n:]
			if m.have < len(m.prefix) {
				return
			}
			m.left = binary.BigEndian.Uint32(m.prefix[1:])
		} else {
			n := min(int64(m.left), int64(len(b)))
			m.left, b = m.left-uint32(n), b[n:]
		}
		if m.left == 0 {
			m.have = 0
			m.complete++
		}
	}
}
