//go:build !linux

package engine

import (
	"context"
	"time"
)

// SleepUntil waits until a time on a real clock, as exactly as the runtime's
// timers can, or until ctx ends: then it returns ctx's error.
func SleepUntil(ctx context.Context, until time.Time) error {
	var s timerSleeper
	return s.sleep(ctx, until)
}
