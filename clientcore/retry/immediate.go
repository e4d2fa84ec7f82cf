package retry

import "time"

// Immediate does not wait.
type Immediate struct{}

func (*Immediate) wait(*Policy, int) time.Duration { return 0 }
