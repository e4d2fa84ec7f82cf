package retry

import "sync/atomic"

// Throttle is one budget at work: what the calls that share it have left. All
// its methods may be called at any time; a nil Throttle allows everything.
type Throttle struct {
	account account
	refused atomic.Int64
}

// NewThrottle is the throttle of a valid budget; nil where it is no bound.
func NewThrottle(b Budget) *Throttle {
	kind := b.kind()
	if kind == nil {
		return nil
	}
	account := kind.account()
	if account == nil {
		return nil
	}
	return &Throttle{account: account}
}

// Call is told that a call begins.
func (t *Throttle) Call() {
	if t != nil {
		t.account.call()
	}
}

// Succeeded is told that a call ended OK.
func (t *Throttle) Succeeded() {
	if t != nil {
		t.account.succeeded()
	}
}

// Failed is told that an attempt failed with a code that is retried, or that the
// server asked not to be tried again.
func (t *Throttle) Failed() {
	if t != nil {
		t.account.failed()
	}
}

// Allow is whether a further attempt may be made now. It is asked when nothing
// else stands against the attempt.
func (t *Throttle) Allow() bool {
	if t == nil || t.account.allow() {
		return true
	}
	t.refused.Add(1)
	return false
}

// Refused is how many attempts were not allowed.
func (t *Throttle) Refused() int64 {
	if t == nil {
		return 0
	}
	return t.refused.Load()
}
