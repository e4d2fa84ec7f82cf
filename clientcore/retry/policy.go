// Package retry decides whether, when and how often a failed attempt is tried
// again, for unary calls and for streams. It is a layer over any
// grpc.ClientConnInterface and knows nothing of what is below it.
package retry

import (
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// MaxAttempts is the most attempts that a Policy may ask for.
const MaxAttempts = 100

// Policy is when and how often a failed attempt is tried again. Its text
// forms are "none", which is Off, and "native", which is the backoff Native.
type Policy struct {
	// Off makes one attempt, whatever the other fields say.
	Off bool `yaml:"-"`
	// Attempts is the most attempts that a call may make, the first included:
	// 1 to MaxAttempts, where 1 is like Off.
	Attempts int     `yaml:"attempts" doc:"most attempts of one call, the first included"`
	Backoff  Backoff `yaml:"backoff" doc:"how the wait grows from retry to retry"`
	// Base, Max and Multiplier serve every backoff that needs them.
	Base       time.Duration `yaml:"base" doc:"wait before the first retry"`
	Max        time.Duration `yaml:"max" doc:"longest wait, before jitter"`
	Multiplier float64       `yaml:"multiplier" doc:"growth of an exponential wait"`
	Jitter     Jitter        `yaml:"jitter" doc:"how the wait is spread at random"`
	// AttemptTimeout bounds one attempt from its start to its end, of a stream
	// too: an attempt that it ends after the commit ends the call. 0 is none.
	AttemptTimeout time.Duration `yaml:"attempt_timeout" doc:"bound on one attempt; 0 is none"`
	// Budget bounds the retries of all calls together; see Throttle for which
	// calls share one.
	Budget Budget `yaml:"budget" doc:"none, or what bounds the retries of all calls together"`
	// Codes are retried; others end the call.
	Codes []codes.Code `yaml:"codes" doc:"codes that are retried"`
}

// Default is three attempts, 100 ms doubled up to 30 s with 10 % of jitter, on
// the codes that a second attempt can cure.
func Default() Policy {
	return Policy{
		Attempts:   3,
		Backoff:    Backoff{Exponential: &Exponential{}},
		Base:       100 * time.Millisecond,
		Max:        30 * time.Second,
		Multiplier: 2,
		Jitter:     Jitter{Percent: &Percent{Percent: 10}},
		Codes:      DefaultCodes(),
	}
}

// DefaultCodes are the codes that Default retries. DEADLINE_EXCEEDED is that of
// an attempt, while the call's own deadline allows another.
func DefaultCodes() []codes.Code {
	return []codes.Code{codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Internal}
}

// Words are the policies that are written as one word.
func (p *Policy) Words() []string { return []string{field.None, "native"} }

// UnmarshalText reads a policy that is written as one word. The other fields
// are left alone: a call that asks for more attempts finds them.
func (p *Policy) UnmarshalText(text []byte) error {
	if err := field.OneWord(text, p.Words()); err != nil {
		return err
	}
	if string(text) == field.None {
		p.Off = true
	} else {
		p.Backoff = Backoff{Native: &Native{}}
	}
	return nil
}

// Word is the word by which p is written, "" when it takes settings.
func (p Policy) Word() string { return field.WordOf(p.Off) }

// Inherit fills the fields that p leaves out, by being zero, from base. A
// method's policy is completed so from the client's.
func (p Policy) Inherit(base Policy) Policy {
	if p.Attempts == 0 {
		p.Attempts = base.Attempts
	}
	if p.Backoff.kind() == nil {
		p.Backoff = base.Backoff
	}
	if p.Base == 0 {
		p.Base = base.Base
	}
	if p.Max == 0 {
		// A longer base than the inherited max is meant: max was not spoken of.
		p.Max = max(base.Max, p.Base)
	}
	if p.Multiplier == 0 {
		p.Multiplier = base.Multiplier
	}
	if p.Jitter.kind() == nil {
		p.Jitter = base.Jitter
	}
	if p.AttemptTimeout == 0 {
		p.AttemptTimeout = base.AttemptTimeout
	}
	if p.Budget.kind() == nil {
		p.Budget = base.Budget
	}
	if p.Codes == nil {
		p.Codes = base.Codes
	}
	return p
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
	if p.Attempts < 1 || p.Attempts > MaxAttempts {
		wrong("attempts", "must be between 1 and %d (got %d)", MaxAttempts, p.Attempts)
	}
	if n := p.Backoff.count(); n != 1 {
		wrong("backoff", "must be one of %s (got %d of them)", backoffNames, n)
	}
	if p.Base < 0 || p.Base == 0 && p.Backoff.Immediate == nil {
		wrong("base", "must be > 0 (got %v)", p.Base)
	}
	if grows := p.Backoff.Fixed == nil && p.Backoff.Immediate == nil; p.Max < p.Base && (grows || p.Max != 0) {
		wrong("max", "must be at least base, which is %v (got %v)", p.Base, p.Max)
	}
	if used := p.Backoff.Exponential != nil || p.Backoff.Native != nil || p.Multiplier != 0; used && !(p.Multiplier >= 1 && p.Multiplier <= 1000) {
		wrong("multiplier", "must be between 1 and 1000 (got %v)", p.Multiplier)
	}
	if n := p.Jitter.count(); n != 1 {
		wrong("jitter", "must be one of none, equal, full, percent (got %d of them)", n)
	}
	if j := p.Jitter.Percent; j != nil && !(j.Percent >= 0 && j.Percent <= 100) {
		wrong("jitter.percent", "must be between 0 and 100 (got %v)", j.Percent)
	}
	if p.AttemptTimeout < 0 {
		wrong("attempt_timeout", "must be >= 0, where 0 is none (got %v)", p.AttemptTimeout)
	}
	errs = append(errs, field.Prefix("budget", p.Budget.Validate())...)
	if p.Backoff.Native != nil {
		errs = append(errs, p.validateNative())
	}
	errs = append(errs, field.Codes(p.Codes, "to retry nothing write retry: none", nil)...)
	return errors.Join(errs...)
}

// validateNative finds what grpc-go cannot be told.
func (p Policy) validateNative() error {
	var errs []error
	if p.Attempts == 1 {
		errs = append(errs, field.Errorf("attempts", "must be at least 2 with backoff native; for one attempt write retry: none"))
	}
	if p.AttemptTimeout > 0 {
		errs = append(errs, field.Errorf("attempt_timeout", "must be left out with backoff native: grpc-go bounds no attempt (got %v)", p.AttemptTimeout))
	}
	if p.Budget.Ratio != nil {
		errs = append(errs, field.Errorf("budget", "must be none or tokens with backoff native: grpc-go has no other"))
	}
	return errors.Join(errs...)
}
