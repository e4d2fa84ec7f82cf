package fakeserver

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
)

// maxMessage is the largest payload that is answered and the largest message
// that is accepted, in bytes.
const maxMessage = 64 << 20

// payloads hands out payloads of any size, all of them the beginning of one
// buffer of random bytes, which no compression makes smaller. The buffer grows
// to the largest size asked for. Safe for concurrent use.
type payloads struct {
	buffer atomic.Pointer[[]byte]
	mu     sync.Mutex // held to grow
}

// of returns n bytes, 0 ≤ n ≤ maxMessage, that nobody may write to.
func (p *payloads) of(n int) []byte {
	if n == 0 {
		return nil
	}
	if b := p.buffer.Load(); b != nil && len(*b) >= n {
		return (*b)[:n:n]
	}
	return p.grow(n)[:n:n]
}

func (p *payloads) grow(n int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.buffer.Load(); b != nil && len(*b) >= n {
		return *b
	}
	size := 4 << 10
	for size < n {
		size *= 2
	}
	b := make([]byte, size)
	for i := 0; i < size; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], draw.Mix(uint64(i)))
	}
	p.buffer.Store(&b)
	return b
}
