package retry

import "time"

// Linear adds base to the wait from retry to retry: min(base·n, max).
type Linear struct{}

func (*Linear) wait(p *Policy, n int) time.Duration {
	if p.Base > p.Max/time.Duration(n) {
		return p.Max
	}
	return p.Base * time.Duration(n)
}
