package hedge

import (
	"errors"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// MaxAttempts is the most attempts that a Policy may ask for.
const MaxAttempts = retry.MaxAttempts

// Policy is when further attempts of a call are sent. Begin with Default and
// change what you need. Its text form "none" is Off.
type Policy struct {
	// Off makes one attempt, whatever the other fields say.
	Off bool `yaml:"-"`
	// After is how long an attempt may be without an answer before the next is
	// sent.
	After After `yaml:"after" doc:"send another attempt when this long has passed without an answer: a duration such as 20ms, or a percentile of the client's recent latencies of the method, such as p95"`
	// Attempts is the most attempts that a call may make, the first included:
	// 1 to MaxAttempts, where 1 is like Off.
	Attempts int `yaml:"attempts" doc:"most attempts of one call, the first included"`
	// Budget bounds the hedges of all calls together; see retry.Throttle for
	// which calls share one.
	Budget retry.Budget `yaml:"budget" doc:"none, or what bounds the further attempts of all calls together"`
	// Codes have the next attempt sent at once; others end the call.
	Codes []codes.Code `yaml:"codes" doc:"codes of a failed attempt after which the next is sent at once; others end the call"`
}

// Default is a second attempt for the slowest twentieth of the calls, and for
// those whose first one fails with a code that another can cure.
func Default() Policy {
	return Policy{After: After{Percentile: 95}, Attempts: 2, Codes: retry.DefaultCodes()}
}

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

// Inherit fills the fields that p leaves out, by being zero, from base. A
// method's policy is completed so from the client's.
func (p Policy) Inherit(base Policy) Policy {
	if p.After == (After{}) {
		p.After = base.After
	}
	if p.Attempts == 0 {
		p.Attempts = base.Attempts
	}
	if p.Budget == (retry.Budget{}) {
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
	if err := p.After.validate(); err != nil {
		errs = append(errs, field.Errorf("after", "%v", err))
	}
	if p.Attempts < 1 || p.Attempts > MaxAttempts {
		errs = append(errs, field.Errorf("attempts", "must be between 1 and %d (got %d)", MaxAttempts, p.Attempts))
	}
	errs = append(errs, field.Prefix("budget", p.Budget.Validate())...)
	errs = append(errs, field.Codes(p.Codes, "to hedge nothing write hedge: none", nil)...)
	return errors.Join(errs...)
}
