package discovery

import (
	"context"
	"sync"
)

// Hub is a registry that serves any number of watches by one watch of another
// registry. It runs while somebody watches: the first begins it, and the last
// one's end stops it. A watch that joins is told the newest endpoints at once.
type Hub struct {
	registry Registry
	mu       sync.Mutex
	run      *run // nil while nobody watches
}

// run is one watch of the registry behind a Hub.
type run struct {
	cell     cell
	watchers int // guarded by the Hub
	stop     context.CancelFunc
	done     chan struct{}
}

// NewHub shares r's watch.
func NewHub(r Registry) *Hub { return &Hub{registry: r} }

// Discover asks the registry itself.
func (h *Hub) Discover(ctx context.Context) ([]Endpoint, error) { return h.registry.Discover(ctx) }

// Watch joins the common watch.
func (h *Hub) Watch(ctx context.Context, l Listener) {
	r := h.join()
	defer h.leave(r)
	r.cell.follow(ctx, l)
}

// Refresh passes to the registry, where it can.
func (h *Hub) Refresh() { refresh(h.registry) }

func (h *Hub) join() *run {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run == nil {
		ctx, stop := context.WithCancel(context.Background())
		r := &run{stop: stop, done: make(chan struct{})}
		go func() {
			defer close(r.done)
			h.registry.Watch(ctx, &r.cell)
		}()
		h.run = r
	}
	h.run.watchers++
	return h.run
}

func (h *Hub) leave(r *run) {
	h.mu.Lock()
	r.watchers--
	last := r.watchers == 0
	if last {
		h.run = nil
	}
	h.mu.Unlock()
	if last {
		// Not under the lock: whoever joins meanwhile begins a new run.
		r.stop()
		<-r.done
	}
}
