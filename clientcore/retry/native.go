package retry

import (
	"strconv"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/internal/further"
)

// Native leaves retries to grpc-go itself, by a service config (gRFC A6): a wait
// is U(0.8, 1.2)·min(base·multiplier^(n−1), max), whatever the policy's jitter.
// grpc-go keeps the budget of each channel apart.
type Native struct{}

func (*Native) wait(p *Policy, n int) time.Duration { return (*Exponential)(nil).wait(p, n) }

// nativeMaxTokens is gRFC A6's limit.
const nativeMaxTokens = 1000

// IsNative reports whether grpc-go makes the retries.
func (p Policy) IsNative() bool { return !p.Off && p.Backoff.Native != nil }

// ServiceConfig is the retryPolicy, and the retryThrottling if there is a
// budget, that say in a gRPC service config what a valid Native policy says.
// Both are ready for JSON.
func (p Policy) ServiceConfig() (retryPolicy, retryThrottling map[string]any) {
	names := make([]string, len(p.Codes))
	for i, code := range p.Codes {
		names[i] = further.WireName(code)
	}
	retryPolicy = map[string]any{
		"maxAttempts":          p.Attempts,
		"initialBackoff":       jsonSeconds(p.Base),
		"maxBackoff":           jsonSeconds(p.Max),
		"backoffMultiplier":    p.Multiplier,
		"retryableStatusCodes": names,
	}
	if t := p.Budget.Tokens; t != nil {
		retryThrottling = map[string]any{"maxTokens": t.Max, "tokenRatio": t.Ratio}
	}
	return retryPolicy, retryThrottling
}

// jsonSeconds is a duration as JSON for protobuf has it: 0.5s.
func jsonSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
