package retry

import (
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// nativeJitter is how gRFC A6 spreads its waits, in percent.
const nativeJitter = 20

// NativeMaxAttempts is to what gRPC lowers a larger number of attempts.
const NativeMaxAttempts = 5

// Portable is p as a Native policy that does the same, or how that would differ:
// by errors with a Field. p must be valid, and not Off.
func (p Policy) Portable() (Policy, []error) {
	var unlike []error
	not := func(path, format string, args ...any) { unlike = append(unlike, field.Errorf(path, format, args...)) }
	if p.Attempts > NativeMaxAttempts {
		not("attempts", "gRPC lowers more than %d to that (got %d)", NativeMaxAttempts, p.Attempts)
	}
	if p.AttemptTimeout > 0 {
		not("attempt_timeout", "gRPC bounds no attempt")
	}
	if p.Budget.Ratio != nil {
		not("budget", "gRPC has tokens only")
	}
	if p.IsNative() {
		return p, unlike
	}
	as := p
	as.Backoff = Backoff{Native: &Native{}}
	switch {
	case p.Backoff.Exponential != nil:
	case p.Backoff.Fixed != nil:
		as.Multiplier, as.Max = 1, p.Base
	default:
		not("backoff", "gRPC's own is exponential; fixed is one that does not grow")
	}
	if j := p.Jitter.Percent; j == nil || j.Percent != nativeJitter {
		not("jitter", "gRPC spreads its waits by %d %% either way", nativeJitter)
	}
	return as, unlike
}
