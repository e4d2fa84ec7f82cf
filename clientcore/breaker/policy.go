package breaker

import (
	"errors"
	"math"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// Policy is when a breaker opens, and how it closes again. Its text form "none"
// is Off.
type Policy struct {
	// Off admits every call, whatever the other fields say.
	Off bool `yaml:"-"`
	// Failures in a row open the breaker; 0 is never. When Rate is 0, too, it is
	// DefaultFailures: who writes that nothing opens the breaker, in a document, is
	// told instead.
	Failures int `yaml:"failures" doc:"failures in a row that open it; 5 when neither this nor rate is set. 0 is never, and needs a rate"`
	// Rate of failures over the last Window opens the breaker, once MinCalls
	// calls ended in it: in (0, 1], or 0 for never. It is judged at each failure.
	Rate     float64       `yaml:"rate" unit:"share" doc:"share of failures within the window that opens it; 0 is never"`
	Window   time.Duration `yaml:"window" doc:"how far back the rate looks; it moves in tenths"`
	MinCalls int           `yaml:"min_calls" doc:"calls that must have ended within the window before the rate counts"`
	// Reset is how long the breaker stays open before it lets probes through.
	// Each time that a probe fails it is longer by Growth, up to MaxReset.
	Reset    time.Duration `yaml:"reset" doc:"how long it stays open before it lets probes through"`
	Growth   float64       `yaml:"growth" doc:"growth of the reset time each time that a probe fails"`
	MaxReset time.Duration `yaml:"max_reset" doc:"longest reset time"`
	// Probes is how many calls a half-open breaker lets through at a time, and
	// how many of them must succeed for it to close.
	Probes int   `yaml:"probes" doc:"calls let through at a time while half open; as many successes close it"`
	Scope  Scope `yaml:"scope" doc:"what has a breaker of its own: the client, each method, or each backend"`
	// Codes are failures. Other codes are answers of a backend that works, and
	// the caller's cancel is neither.
	Codes []codes.Code `yaml:"codes" doc:"codes that are failures of the backend"`
}

// DefaultFailures is the failures in a row that open a breaker whose policy says
// nothing of when.
const DefaultFailures = 5

// limits of settings, beyond which they can only be slips of the pen.
const (
	maxFailures = 1_000_000
	maxProbes   = 10_000
)

// Default is a breaker of the whole client that opens after five failures in a
// row, for 10 s, and closes after one probe that succeeds.
func Default() Policy {
	return Policy{
		Window:   10 * time.Second,
		MinCalls: 20,
		Reset:    10 * time.Second,
		Growth:   1,
		MaxReset: time.Minute,
		Probes:   1,
		Codes:    DefaultCodes(),
	}
}

// DefaultCodes are the codes by which a backend, or the way to it, says that it
// cannot do its work. What the caller did wrong is not among them.
func DefaultCodes() []codes.Code {
	return []codes.Code{codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Internal, codes.Unknown, codes.DataLoss}
}

// SetDefaults is Default.
func (p *Policy) SetDefaults() { *p = Default() }

// Words are the policies that are written as one word.
func (p *Policy) Words() []string { return []string{field.None} }

// UnmarshalText reads a policy that is written as one word.
func (p *Policy) UnmarshalText(text []byte) error {
	if err := field.OneWord(text, p.Words()); err != nil {
		return err
	}
	p.Off = true
	return nil
}

// Word is the word by which the policy is written, "" when it takes settings.
func (p Policy) Word() string { return field.WordOf(p.Off) }

// failures is Failures as it holds.
func (p Policy) failures() int {
	if p.Failures == 0 && p.Rate == 0 {
		return DefaultFailures
	}
	return p.Failures
}

// Validate reports every setting that is out of range, as errors with a Field.
// The settings of a policy that is Off are not looked at.
func (p Policy) Validate() error {
	if p.Off {
		return nil
	}
	var errs []error
	wrong := func(path, format string, args ...any) {
		errs = append(errs, field.Errorf(path, format, args...))
	}
	if p.Failures < 0 || p.Failures > maxFailures {
		wrong("failures", "must be between 1 and %d, or 0 for never where there is a rate (got %d)", maxFailures, p.Failures)
	}
	if !(p.Rate >= 0 && p.Rate <= 1) {
		wrong("rate", "must be between 0 and 1, or 0%% and 100%%, where 0 is never (got %v)", p.Rate)
	}
	if p.Rate != 0 {
		if p.Window < buckets*time.Millisecond {
			wrong("window", "must be at least %v (got %v)", buckets*time.Millisecond, p.Window)
		}
		if p.MinCalls < 1 || p.MinCalls > maxFailures {
			wrong("min_calls", "must be between 1 and %d (got %d)", maxFailures, p.MinCalls)
		}
	}
	if p.Reset <= 0 {
		wrong("reset", "must be > 0 (got %v)", p.Reset)
	}
	if !(p.Growth >= 1 && p.Growth <= 1000) {
		wrong("growth", "must be between 1 and 1000 (got %v)", p.Growth)
	}
	if p.Growth > 1 && p.MaxReset < p.Reset {
		wrong("max_reset", "must be at least reset, which is %v (got %v)", p.Reset, p.MaxReset)
	}
	if p.Probes < 1 || p.Probes > maxProbes {
		wrong("probes", "must be between 1 and %d (got %d)", maxProbes, p.Probes)
	}
	if p.Scope < Client || p.Scope > Backend {
		wrong("scope", "must be client, method or backend (got %d)", p.Scope)
	}
	errs = append(errs, field.Codes(p.Codes, "for no breaker write breaker: none", map[codes.Code]string{
		codes.Canceled: "must not be CANCELED: the caller's cancel says nothing of the backend",
	})...)
	return errors.Join(errs...)
}

// reset is how long the breaker stays open the n-th time in a row, from 1:
// min(Reset·Growth^(n−1), MaxReset).
func (p Policy) reset(n int) time.Duration {
	if p.Growth == 1 {
		return p.Reset
	}
	return time.Duration(min(float64(p.Reset)*math.Pow(p.Growth, float64(n-1)), float64(p.MaxReset)))
}
