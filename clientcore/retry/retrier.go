package retry

import (
	"context"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/further"
)

// Observer is told of the attempts of one call, one after the other. It must
// not block, nor make calls.
type Observer interface {
	// Begin is told of an attempt that begins now, after a wait of delay.
	Begin(delay time.Duration)
	// End is told how the attempt ended; nil is success.
	End(err error)
	// Trailer is that of a unary call's last attempt. An observer has it by
	// being the context's pick.Observer, too.
	Trailer() metadata.MD
}

// Retrier makes calls by a Policy. It is immutable, and may be shared by any
// number of calls.
type Retrier struct {
	policy   Policy
	attempts int
	timeout  time.Duration
	codes    further.Codes // those that are retried
	source   *Source
	throttle *Throttle
}

// New is a Retrier of a policy that is valid. throttle is the policy's Budget,
// which Retriers may share; nil is no bound. With a Native policy the Retrier
// makes one attempt: the channel's service config has to say the rest.
func New(p Policy, source *Source, throttle *Throttle) *Retrier {
	r := &Retrier{policy: p, attempts: p.Attempts, timeout: p.AttemptTimeout, codes: further.CodesOf(p.Codes), source: source, throttle: throttle}
	if p.Off || p.IsNative() {
		r.attempts, r.timeout = 1, 0
	}
	if r.plain() {
		r.throttle = nil // it would be told of calls that it has no say in
	}
	return r
}

// Policy is the policy as it was given to New.
func (r *Retrier) Policy() Policy { return r.policy }

// plain is whether a call is no more than its one attempt.
func (r *Retrier) plain() bool { return r.attempts == 1 && r.timeout == 0 }

// retries is whether err is worth another attempt, limits aside.
func (r *Retrier) retries(err error) bool { return r.codes.Cures(err) }

// progress is what one call has used up.
type progress struct {
	made  int // attempts begun
	waits int // retries since the last pushback, by which the backoff grows
	// previous is the last wait since then.
	previous time.Duration
}

// again is the wait before another attempt after err, or the error that the call
// ends with when there is to be none: err itself, or a BudgetError of it. A wait
// that cannot end before ctx's deadline is not begun.
func (r *Retrier) again(ctx context.Context, p *progress, err error, trailer metadata.MD) (time.Duration, error) {
	wait, asked, ok := further.Pushback(trailer)
	retries := r.retries(err)
	if retries || asked && !ok {
		r.throttle.Failed()
	}
	if p.made >= r.attempts || ctx.Err() != nil || !retries || asked && !ok {
		return 0, err
	}
	if asked {
		p.waits, p.previous = 0, 0 // gRFC A6: the backoff starts anew
	} else {
		p.waits++
		wait = r.policy.Wait(p.waits, p.previous, r.source.Float64())
		p.previous = wait
	}
	if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) <= wait {
		return 0, err
	}
	if !r.throttle.Allow() {
		return 0, &BudgetError{Err: err}
	}
	return wait, nil
}

// sleep waits, or returns the status of a ctx that ended first.
func sleep(ctx context.Context, wait time.Duration) error {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return status.FromContextError(err).Err()
	}
	return nil
}

// attemptContext is the context of the attempt after made others. cancel is nil
// where there is nothing to release.
func (r *Retrier) attemptContext(ctx context.Context, made int) (_ context.Context, cancel context.CancelFunc) {
	ctx = further.Numbered(ctx, made)
	if r.timeout > 0 {
		return context.WithTimeout(ctx, r.timeout)
	}
	return ctx, nil
}
