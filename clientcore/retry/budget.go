package retry

import (
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// Budget is the choice of what bounds further attempts over all calls: exactly
// one field is set, or none for NoBudget. Clients that retry without a bound turn
// a short overload into a lasting one.
// A new budget is one file, one line here and one in list.
type Budget struct {
	None   *NoBudget `yaml:"none" doc:"no bound but the attempts of each call" example:"none"`
	Tokens *Tokens   `yaml:"tokens" doc:"a bucket of tokens that failures empty and successes fill (gRFC A6)" example:"{tokens: {max: 10, ratio: 0.1}}"`
	Ratio  *Ratio    `yaml:"ratio" doc:"retries are at most a share of the calls, and a few more" example:"{ratio: {share: 20%, min: 10/s}}"`
}

// rule is a kind of budget.
type rule interface {
	account() account // nil is no bound
	validate() error
}

// account is what one budget has left. Its methods may be called at any time.
type account interface {
	call()       // a call begins
	succeeded()  // a call ended OK
	failed()     // an attempt failed with a code that is retried
	allow() bool // may a further attempt be made?
}

func (b Budget) list() []choice[rule] {
	return []choice[rule]{
		{b.None != nil, b.None},
		{b.Tokens != nil, b.Tokens},
		{b.Ratio != nil, b.Ratio},
	}
}

func (b Budget) kind() rule { k, _ := chosen(b.list()); return k }

// Validate reports every setting that is out of range, as errors with a Field.
func (b Budget) Validate() error {
	kind, n := chosen(b.list())
	switch n {
	case 0:
		return nil
	case 1:
		return kind.validate()
	}
	return field.Errorf("", "must be one of none, tokens, ratio (got %d of them)", n)
}

// NoBudget is no bound.
type NoBudget struct{}

func (*NoBudget) account() account { return nil }
func (*NoBudget) validate() error  { return nil }

// Tokens is the retry throttling of gRFC A6: Max tokens at first, one less for
// each attempt that fails with a code that is retried, Ratio more for each call
// that succeeds. While half of them or fewer are left, nothing is retried.
type Tokens struct {
	Max   int     `yaml:"max" doc:"tokens when nothing fails: 1 to 1000"`
	Ratio float64 `yaml:"ratio" doc:"tokens that a call which succeeds puts back; three decimals count"`
}

// SetDefaults is 10 tokens, of which a success puts back a tenth.
func (t *Tokens) SetDefaults() { *t = Tokens{Max: 10, Ratio: 0.1} }

func (t *Tokens) validate() error {
	var errs []error
	if t.Max < 1 || t.Max > nativeMaxTokens {
		errs = append(errs, field.Errorf("tokens.max", "must be between 1 and %d (got %d)", nativeMaxTokens, t.Max))
	}
	if !(t.Ratio >= 0.001 && t.Ratio <= nativeMaxTokens) {
		errs = append(errs, field.Errorf("tokens.ratio", "must be between 0.001 and %d (got %v)", nativeMaxTokens, t.Ratio))
	}
	return errors.Join(errs...)
}

func (t *Tokens) account() account {
	return newBucket(int64(t.Max)*1000, int64(math.Floor(t.Ratio*1000+1e-6)))
}

// Ratio allows, over the last ten seconds, as many further attempts as Share of
// the calls, and MinPerSecond for each of the seconds besides, so that a client
// that makes few calls can retry as well.
type Ratio struct {
	Share        float64 `yaml:"share" unit:"share" doc:"retries, as a share of the calls of the last ten seconds"`
	MinPerSecond float64 `yaml:"min" unit:"rate" doc:"retries that are allowed besides"`
}

// RatioWindow is how far back a Ratio looks. It moves in tenths.
const RatioWindow = 10 * time.Second

// SetDefaults is 20 % and 10 a second.
func (r *Ratio) SetDefaults() { *r = Ratio{Share: 0.2, MinPerSecond: 10} }

func (r *Ratio) validate() error {
	var errs []error
	if !(r.Share >= 0 && r.Share <= MaxAttempts) {
		errs = append(errs, field.Errorf("ratio.share", "must be between 0 and %d, or 0%% and %d%% (got %v)", MaxAttempts, 100*MaxAttempts, r.Share))
	}
	if !(r.MinPerSecond >= 0 && r.MinPerSecond <= 1e9) {
		errs = append(errs, field.Errorf("ratio.min", "must be between 0/s and 1000000000/s (got %v/s)", r.MinPerSecond))
	}
	return errors.Join(errs...)
}

func (r *Ratio) account() account { return newShare(*r) }

// ErrBudget is what every error is of a call that a budget kept from another
// attempt.
var ErrBudget = errors.New("retry: the budget is spent")

// BudgetError is the error of a call that would have been tried again, had the
// budget allowed it. It has the status of the last attempt.
type BudgetError struct {
	// Err is the last attempt's error.
	Err error
}

// Error is the last attempt's error, and that there was no budget for another.
func (e *BudgetError) Error() string {
	return fmt.Sprintf("%v (not tried again: the retry budget is spent)", e.Err)
}

// Unwrap is the last attempt's error.
func (e *BudgetError) Unwrap() error { return e.Err }

// Is reports whether target is ErrBudget.
func (e *BudgetError) Is(target error) bool { return target == ErrBudget }

// GRPCStatus is the last attempt's status.
func (e *BudgetError) GRPCStatus() *status.Status { return status.Convert(e.Err) }

// Origin is "budget".
func (e *BudgetError) Origin() string { return "budget" }
