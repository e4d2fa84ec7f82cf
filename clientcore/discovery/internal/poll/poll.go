// Package poll watches what can only be looked at.
package poll

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// Poller looks at regular intervals, and sooner when asked to.
type Poller struct {
	// Interval is the time from the end of a look to the next.
	Interval time.Duration
	// Spacing is the least time between the beginnings of two looks: it
	// bounds what Refresh can cause.
	Spacing time.Duration
	// Backoff is the waits after looks that fail, at most Interval.
	Backoff discovery.Backoff

	mu   sync.Mutex
	bell chan struct{} // closed by the next Refresh; nil when nobody waits
}

// Refresh makes every watch look as soon as Spacing permits.
func (p *Poller) Refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bell != nil {
		close(p.bell)
		p.bell = nil
	}
}

// refreshed is closed by the next Refresh.
func (p *Poller) refreshed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bell == nil {
		p.bell = make(chan struct{})
	}
	return p.bell
}

// Watch tells l of what look sees: the first time, when it changed, and when it
// is seen again after an error. It returns when ctx ends.
func (p *Poller) Watch(ctx context.Context, l discovery.Listener, look func(context.Context) ([]discovery.Endpoint, error)) {
	var last []discovery.Endpoint
	news := true // the next good look is told, whatever it sees
	waits := p.Backoff.Waits()
	for failures := 0; ; {
		begin := time.Now()
		bell := p.refreshed() // before the look: a Refresh during it asks for another
		endpoints, err := look(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := p.Interval
		if err != nil {
			failures++
			news = true
			wait = min(wait, waits(failures))
			l.Error(err)
		} else {
			failures = 0
			if news || !slices.Equal(endpoints, last) {
				news, last = false, endpoints
				l.Update(endpoints)
			}
		}
		if !p.pause(ctx, begin, wait, bell) {
			return
		}
	}
}

// pause returns when the next look is due, and false when ctx ended before.
func (p *Poller) pause(ctx context.Context, begin time.Time, wait time.Duration, bell <-chan struct{}) bool {
	timer := time.NewTimer(max(wait, p.Spacing-time.Since(begin)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-bell:
		timer.Reset(p.Spacing - time.Since(begin))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return ctx.Err() == nil // also where both came at once
}
