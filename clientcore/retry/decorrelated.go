package retry

import "time"

// Decorrelated draws each wait from a range that grows with the wait before it:
// min(max, U(base, 3·previous)), where previous begins as base. The draw is the
// spread: the policy's jitter does not apply.
// Source: Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog,
// 2015).
type Decorrelated struct{}

// wait is the middle of the first draw's range; what is really waited depends
// on the wait before, see next.
func (*Decorrelated) wait(p *Policy, _ int) time.Duration {
	return duration(min(2*float64(p.Base), float64(p.Max)))
}

func (*Decorrelated) next(p *Policy, previous time.Duration, u float64) time.Duration {
	base := float64(p.Base)
	high := 3 * max(float64(previous), base)
	return duration(min(base+(high-base)*u, float64(p.Max)))
}
