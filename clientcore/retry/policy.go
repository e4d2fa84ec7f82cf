// Package retry decides whether, when and how often a failed attempt is tried
// again.
package retry

import (
	"time"

	"google.golang.org/grpc/codes"
)

// Policy is when and how often a failed attempt is tried again. Its text form
// "none" is Off.
type Policy struct {
	// Off makes one attempt, whatever the other fields say.
	Off bool `yaml:"-"`
	// Attempts is the most attempts that a call may make, the first included.
	Attempts int     `yaml:"attempts" doc:"most attempts of one call, the first included"`
	Backoff  Backoff `yaml:"backoff" doc:"how the wait grows from retry to retry"`
	// Base, Max and Multiplier serve every backoff that needs them.
	Base       time.Duration `yaml:"base" doc:"wait before the first retry"`
	Max        time.Duration `yaml:"max" doc:"longest wait, before jitter"`
	Multiplier float64       `yaml:"multiplier" doc:"growth of an exponential wait"`
	Jitter     Jitter        `yaml:"jitter" doc:"how the wait is spread at random"`
	// AttemptTimeout bounds one attempt; 0 is none.
	AttemptTimeout time.Duration `yaml:"attempt_timeout" doc:"bound on one attempt; 0 is none"`
	// Codes are retried; others end the call.
	Codes []codes.Code `yaml:"codes" doc:"codes that are retried"`
}
