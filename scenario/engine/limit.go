package engine

import (
	"math"
	"sync"
	"time"
)

// limiter holds the calls of a phase's closed loops together to a rate: each
// takes the next of evenly spaced times. A time that nobody takes is gone, so
// that no burst makes up for it.
type limiter struct {
	every time.Duration

	mu   sync.Mutex
	next time.Time
}

// newLimiter is one for a phase; nil for a rate of 0, which is none.
func newLimiter(perSecond float64, start time.Time) *limiter {
	if perSecond <= 0 {
		return nil
	}
	every := time.Duration(math.MaxInt64)
	if ns := float64(time.Second) / perSecond; ns < math.MaxInt64 {
		every = max(1, time.Duration(math.Ceil(ns))) // never above the rate
	}
	return &limiter{every: every, next: start}
}

// take is when a call that is wanted now may be made: now, or later.
func (l *limiter) take(now time.Time) time.Time {
	if l == nil {
		return now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.next
	if at.Before(now) {
		at = now
	}
	l.next = at.Add(l.every)
	return at
}
