package discovery

import "context"

// Registry knows the endpoints of one service. Its methods may be called at any
// time, from any goroutine.
type Registry interface {
	// Discover is the endpoints now. It asks once and does not retry.
	Discover(ctx context.Context) ([]Endpoint, error)
	// Watch tells l of the endpoints now and after each change, and of each
	// failure to learn them, which it retries. It returns when ctx ends, and
	// only then; after that l is not called and no goroutine is left.
	Watch(ctx context.Context, l Listener)
}

// Listener is told what a watch sees. The two methods are called by one
// goroutine at a time. A slow listener misses what is outdated, never the newest.
type Listener interface {
	// Update brings all endpoints there are, possibly none. The slice is
	// shared: it must not be changed.
	Update(endpoints []Endpoint)
	// Error says that the endpoints could not be learned. Those of the last
	// Update are the newest that are known.
	Error(err error)
}

// Refresher is a Registry that can be asked to look again before it would on
// its own.
type Refresher interface {
	// Refresh does not block. Too many are as one.
	Refresh()
}

// Observe is r with a second listener: l is told of all that a watch of the
// registry sees. With it inside Resolver, l hears of everything once, however
// many channels there are.
func Observe(r Registry, l Listener) Registry { return observed{r, l} }

type observed struct {
	Registry
	listener Listener
}

func (o observed) Watch(ctx context.Context, l Listener) {
	o.Registry.Watch(ctx, both{o.listener, l})
}

func (o observed) Refresh() { refresh(o.Registry) }

type both [2]Listener

func (b both) Update(endpoints []Endpoint) {
	for _, l := range b {
		l.Update(endpoints)
	}
}

func (b both) Error(err error) {
	for _, l := range b {
		l.Error(err)
	}
}

func refresh(r Registry) {
	if r, ok := r.(Refresher); ok {
		r.Refresh()
	}
}
