package retry

import "time"

// Fixed waits base, every time.
type Fixed struct{}

func (*Fixed) wait(p *Policy, _ int) time.Duration { return p.Base }
