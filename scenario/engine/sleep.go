package engine

import (
	"context"
	"time"
)

// timerSleeper waits with one plain timer that it reuses. It serves one
// goroutine at a time. In a synctest bubble it is exact.
type timerSleeper struct{ timer *time.Timer }

// sleep waits until a time or until ctx ends, and then returns ctx's error.
func (s *timerSleeper) sleep(ctx context.Context, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	left := time.Until(until)
	if left <= 0 {
		return nil
	}
	if s.timer == nil {
		s.timer = time.NewTimer(left)
	} else {
		s.timer.Reset(left)
	}
	select {
	case <-s.timer.C:
		return nil
	case <-ctx.Done():
		s.timer.Stop()
		return ctx.Err()
	}
}
