package clientcore

import (
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// attempts is how further attempts of a method's calls are made.
type attempts struct {
	// hedge is Off where calls are not hedged. Where they are, it stands in for
	// retry, which is Off then.
	hedge hedge.Policy
	retry retry.Policy
	// streams is how calls are retried that cannot be hedged, since their client
	// sends a stream of messages.
	streams retry.Policy
}

// hedge is the client's policy, with nothing left out.
func (c Config) hedge() hedge.Policy {
	if c.Hedge == nil {
		off := hedge.Default()
		off.Off = true
		return off
	}
	return c.Hedge.Inherit(hedge.Default())
}

// MostAttempts is how many attempts a call of a method with these settings can
// come to, the first included. streams is whether its client sends a stream of
// messages, which is never hedged. A service config's own retries, which only
// grpc-go knows, count as the most that it makes; its transparent ones, of calls
// that no server has seen, are not counted.
func (c Config) MostAttempts(m Method, streams bool) int {
	if c.ServiceConfig != "" {
		return retry.NativeMaxAttempts
	}
	a := c.attempts(m)
	policy := a.retry
	switch {
	case streams:
		policy = a.streams
	case !a.hedge.Off:
		return a.hedge.Attempts
	}
	if policy.Off {
		return 1
	}
	return max(policy.Attempts, 1)
}

// attempts is what holds for a method: the nearer setting wins, so that a
// method's retry stands in for the client's hedge, and its hedge for the client's
// retry.
func (c Config) attempts(m Method) attempts {
	a := attempts{hedge: c.hedge(), retry: c.Retry}
	if m.Retry != nil {
		a.retry = m.Retry.Inherit(c.Retry)
		a.hedge.Off = a.hedge.Off || !a.retry.Off
	}
	a.streams = a.retry
	if m.Hedge != nil {
		a.hedge = m.Hedge.Inherit(c.hedge())
	}
	a.hedge.Off = a.hedge.Off || a.hedge.Attempts <= 1 // which is no hedging: retries hold
	if !a.hedge.Off {
		a.retry.Off = true
	}
	return a
}
