package discovery

import (
	"context"
	"sync"
)

// cell holds the newest news of a service, for any number of followers. News
// that a follower has not fetched is overwritten by newer news: nothing can be
// full, and nobody waits for a slow follower.
type cell struct {
	mu      sync.Mutex
	news    news
	changed chan struct{} // closed by the next change; nil when nobody waits
}

// news is an update, an error, or both: the error is then the newer.
type news struct {
	endpoints []Endpoint
	err       error
	updated   uint64 // the number of the change that brought endpoints; 0 is never
	failed    uint64 // the same of err
	last      uint64 // the number of the last change
}

// Update keeps endpoints as the newest; an error before them is outdated.
func (c *cell) Update(endpoints []Endpoint) {
	c.change(func(n *news) { n.endpoints, n.updated, n.err, n.failed = endpoints, n.last, nil, 0 })
}

// Error keeps err beside the endpoints that are known.
func (c *cell) Error(err error) {
	c.change(func(n *news) { n.err, n.failed = err, n.last })
}

func (c *cell) change(f func(*news)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.news.last++
	f(&c.news)
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// read is the newest news, and a channel that is closed when there is newer.
func (c *cell) read() (news, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.news, c.changed
}

// follow tells l of the news now and later, until ctx ends.
func (c *cell) follow(ctx context.Context, l Listener) {
	for seen := uint64(0); ; {
		now, changed := c.read()
		if now.updated > seen && ctx.Err() == nil {
			l.Update(now.endpoints)
		}
		if now.failed > seen && ctx.Err() == nil {
			l.Error(now.err)
		}
		seen = now.last
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
