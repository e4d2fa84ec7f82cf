package fakeserver

import (
	"sync/atomic"
	"time"
)

// clock is the fleet's: it counts from t0, the start of measurement. The zero
// clock is not set. Safe for concurrent use, and read without a lock.
type clock struct {
	start atomic.Pointer[start]
}

type start struct {
	t0    time.Time
	final bool
}

// set starts the clock. While final is false it stops just short of 0, so that
// a warm-up that takes longer than planned opens no window of the measurement.
func (c *clock) set(t0 time.Time, final bool) { c.start.Store(&start{t0, final}) }

// unset stops the clock: no window is open.
func (c *clock) unset() { c.start.Store(nil) }

// at is the clock's reading at now; ok is false when the clock is not set.
func (c *clock) at(now time.Time) (at time.Duration, ok bool) {
	s := c.start.Load()
	if s == nil {
		return 0, false
	}
	at = now.Sub(s.t0)
	if !s.final && at >= 0 {
		at = -1
	}
	return at, true
}

// until is how long it takes from now until the clock shows at; ok is false
// when it never will as it is set now.
func (c *clock) until(now time.Time, at time.Duration) (d time.Duration, ok bool) {
	s := c.start.Load()
	if s == nil || !s.final && at >= 0 {
		return 0, false
	}
	return s.t0.Add(at).Sub(now), true
}

// final says that the clock will not be set again.
func (c *clock) final() bool {
	s := c.start.Load()
	return s != nil && s.final
}

// monotonic gives t, which may come from another process, this process's
// monotonic reading, so that a step of the wall clock during a trial does not
// move the windows.
func monotonic(t time.Time) time.Time {
	now := time.Now()
	return now.Add(t.Round(0).Sub(now.Round(0)))
}
