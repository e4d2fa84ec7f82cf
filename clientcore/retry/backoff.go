package retry

import (
	"errors"
	"math"
	"time"
)

// growth is a backoff: the wait before retry n, counted from 1, without jitter.
type growth interface {
	wait(p *Policy, n int) time.Duration
}

// walk is a growth whose waits follow from the wait before, and which is its own
// jitter.
type walk interface {
	next(p *Policy, previous time.Duration, u float64) time.Duration
}

// Wait is the wait before retry n of policy p, counted from 1. previous is the
// wait before the retry before, 0 when there was none: only decorrelated looks
// at it. random is in [0, 1) and places the wait within the jitter's range.
func (p *Policy) Wait(n int, previous time.Duration, random float64) time.Duration {
	kind := p.Backoff.kind()
	if w, ok := kind.(walk); ok {
		return w.next(p, previous, random)
	}
	return duration(p.Jitter.kind().apply(float64(kind.wait(p, n)), random))
}

// duration is ns nanoseconds, at most the longest Duration there is.
func duration(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// backoffNames is the kinds, for messages.
const backoffNames = "exponential, linear, fixed, immediate, decorrelated, native"

// Validate reports whether exactly one backoff is chosen.
func (b Backoff) Validate() error {
	if b.count() != 1 {
		return errors.New("must be one of " + backoffNames)
	}
	return nil
}
