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

// Wait is the wait before retry n of policy p, counted from 1. random is in
// [0, 1) and places the wait within the jitter's range.
func (p *Policy) Wait(n int, random float64) time.Duration {
	return duration(p.Jitter.kind().apply(float64(p.Backoff.kind().wait(p, n)), random))
}

// duration is ns nanoseconds, at most the longest Duration there is.
func duration(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// Validate reports whether exactly one backoff is chosen.
func (b Backoff) Validate() error {
	if b.count() != 1 {
		return errors.New("must be one of exponential, linear, fixed, immediate")
	}
	return nil
}
