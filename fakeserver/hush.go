package fakeserver

import (
	"sync"
	"sync/atomic"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// hush is whether a backend's connections are silent, because of which faults.
type hush struct {
	silent atomic.Bool // read without the lock: by every read and write

	mu   sync.Mutex
	by   map[fault.Fault]struct{}
	over chan struct{} // nil when it is not silent; closed when it is over
}

func newHush() *hush { return &hush{by: map[fault.Fault]struct{}{}} }

func (h *hush) begin(by fault.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.by[by] = struct{}{}
	h.silent.Store(true)
	if h.over == nil {
		h.over = make(chan struct{})
	}
}

func (h *hush) end(by fault.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.by, by)
	if len(h.by) == 0 && h.over != nil {
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
