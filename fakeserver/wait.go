package fakeserver

import (
	"context"
	"time"
)

// waiter waits for service times to pass. Safe for concurrent use.
type waiter interface {
	// wait returns nil after d or when wake is closed, which nil never is, or
	// ctx.Err() when ctx ends first.
	wait(ctx context.Context, d time.Duration, wake <-chan struct{}) error
	// close frees what the waiter holds. Nobody may be waiting.
	close()
}

// timers waits with Go's timers: exact in virtual time; on a real clock up to
// a millisecond late when the process is otherwise idle.
type timers struct{}

func (timers) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (timers) close() {}
