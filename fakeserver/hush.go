package fakeserver

import (
	"sync"
	"sync/atomic"
)

// hush is whether a backend's connections are silent.
type hush struct {
	silent atomic.Bool // read without the lock: by every read and write

	mu     sync.Mutex
	faults int           // that want it
	over   chan struct{} // nil when it is not silent; closed when it is over
}

func newHush() *hush { return &hush{} }

func (h *hush) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults++
	h.silent.Store(true)
	if h.over == nil {
		h.over = make(chan struct{})
	}
}

// end takes one begin back.
func (h *hush) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults--
	if h.faults == 0 {
		h.silent.Store(false)
		close(h.over)
		h.over = nil
	}
}

// wait returns when it is not silent, or when closed is closed.
func (h *hush) wait(closed <-chan struct{}) {
	for h.silent.Load() {
		h.mu.Lock()
		over := h.over
		h.mu.Unlock()
		if over == nil {
			return
		}
		select {
		case <-over:
		case <-closed:
			return
		}
	}
}
