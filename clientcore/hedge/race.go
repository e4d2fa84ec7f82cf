package hedge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/frame"
	"github.com/grpcbench/grpcbench/clientcore/internal/further"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// race is the attempts of one call, side by side, until it is decided how the
// call ends. Each attempt runs in a goroutine: in that of an attempt which failed,
// or in its timer's.
type race struct {
	hedger   *Hedger
	ctx      context.Context // the call's
	observer Observer        // nil when nobody listens
	account  *account        // nil without a percentile
	after    time.Duration   // 0 is never
	options  options
	// try makes an attempt until it has an answer, or its error.
	try func(*attempt) error
	// drop ends an attempt that was answered after another had won; nil is that
	// it has ended.
	drop func(*attempt)
	// over is called once, when the race is decided and no attempt is being
	// tried any more: settled is closed by then.
	over             func()
	decided, settled chan struct{}

	mu      sync.Mutex
	started time.Time
	begun   int
	running int // attempts being tried
	failed  bool
	// timer is for the next attempt while due; number tells a timer that was
	// put off, and may yet fire, from its successor.
	timer  *time.Timer
	due    bool
	number int
	noMore bool // attempts: the server or the budget is against them
	spent  bool // by the budget
	alive  []*attempt
	// Once ended: the attempt that decided, nil where none did, and the error;
	// nil is that the attempt has won.
	ended bool
	final *attempt
	err   error
}

// attempt is one attempt of a race.
type attempt struct {
	index   int // from 0
	ctx     context.Context
	cancel  context.CancelFunc
	told    Attempt // nil when nobody listens
	options attemptOptions
	reply   frame.Frame

	// Of a stream, when it is open.
	stream grpc.ClientStream
	empty  bool // it ended well without a message
	// over is set when grpc-go has let go of the stream, overErr before it.
	over    atomic.Bool
	overErr error
}

// end tells the observer.
func (a *attempt) end(err error) {
	if a.told != nil {
		a.told.End(err)
	}
}

// trailer is what came with the end of an attempt that has failed.
func (a *attempt) trailer() metadata.MD { return a.options.trailer }

func (h *Hedger) race(ctx context.Context, observer Observer, method string, codec *frame.Codec, opts []grpc.CallOption) *race {
	r := &race{
		hedger: h, ctx: ctx, observer: observer, account: h.account(method), options: newOptions(opts, codec),
		decided: make(chan struct{}), settled: make(chan struct{}), over: func() {},
	}
	r.after = h.after(r.account)
	return r
}

// start begins the first attempt, which the caller is to loop.
func (r *race) start() *attempt {
	r.hedger.throttle.Call()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = time.Now()
	if r.ended {
		return nil
	}
	return r.beginLocked(0)
}

// once lets the race have its first attempt only. It has not started.
func (r *race) once() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noMore = true
}

// beginLocked makes the next attempt, and sees to the one after it.
func (r *race) beginLocked(delay time.Duration) *attempt {
	a := &attempt{index: r.begun}
	a.ctx, a.cancel = context.WithCancel(further.Numbered(r.ctx, r.begun))
	if r.observer != nil {
		a.ctx, a.told = r.observer.Begin(a.ctx, delay)
	}
	if r.begun > 0 {
		r.hedger.shared.sent.Add(1)
	}
	r.begun++
	r.running++
	r.alive = append(r.alive, a)
	r.unscheduleLocked() // it was for this attempt
	if r.after > 0 && r.begun < r.hedger.policy.Attempts {
		r.scheduleLocked(r.after)
	}
	return a
}

// scheduleLocked has the next attempt sent after a wait, in place of what was
// scheduled.
func (r *race) scheduleLocked(wait time.Duration) {
	r.unscheduleLocked()
	r.due = true
	number := r.number
	r.timer = time.AfterFunc(wait, func() { r.late(number, wait) })
}

func (r *race) unscheduleLocked() {
	r.number++
	r.due = false
	if r.timer != nil {
		r.timer.Stop()
	}
}

// mayLocked is whether a further attempt may be sent now.
func (r *race) mayLocked() bool {
	if r.noMore || r.begun >= r.hedger.policy.Attempts {
		return false
	}
	if !r.hedger.throttle.Allow() {
		r.noMore, r.spent = true, true
	}
	return !r.noMore
}

// late is the timer of the next attempt.
func (r *race) late(number int, delay time.Duration) {
	r.mu.Lock()
	if r.ended || number != r.number {
		r.mu.Unlock()
		return
	}
	r.due = false
	var a *attempt
	if r.mayLocked() {
		a = r.beginLocked(delay)
	} else {
		r.giveUpLocked()
	}
	settled := r.settledLocked()
	r.mu.Unlock()
	if settled {
		r.over()
	}
	r.loop(a)
}

// loop tries an attempt, and those that are to follow on its failure.
func (r *race) loop(a *attempt) {
	for a != nil {
		a = r.tried(a, r.try(a))
	}
}

// tried takes note of what came of a, and returns the attempt to be made at once,
// if any.
func (r *race) tried(a *attempt, err error) (next *attempt) {
	r.mu.Lock()
	if r.ended && err == nil && r.drop != nil {
		r.mu.Unlock()
		r.drop(a)
		r.mu.Lock()
	}
	r.running--
	if !r.ended {
		next = r.judgeLocked(a, err)
	}
	settled := r.settledLocked()
	r.mu.Unlock()
	if settled {
		r.over()
	}
	return next
}

func (r *race) judgeLocked(a *attempt, err error) (next *attempt) {
	if err == nil || r.ctx.Err() != nil {
		r.decideLocked(a, err)
		return nil
	}
	wait, asked, patient := further.Pushback(a.trailer())
	cures := r.hedger.codes.Cures(err)
	if cures || asked && !patient {
		r.hedger.throttle.Failed()
	}
	if !cures {
		r.decideLocked(a, err)
		return nil
	}
	r.failed = true
	r.final, r.err = a, err // for now
	switch {
	case asked && (!patient || r.tooLong(wait)):
		r.noMore = true
		r.unscheduleLocked()
	case asked && !r.noMore && r.begun < r.hedger.policy.Attempts:
		r.scheduleLocked(wait)
	case !asked && r.mayLocked():
		next = r.beginLocked(0)
	}
	r.giveUpLocked()
	return next
}

// tooLong is whether a wait cannot end before the call's deadline.
func (r *race) tooLong(wait time.Duration) bool {
	deadline, bounded := r.ctx.Deadline()
	return bounded && time.Until(deadline) <= wait
}

// giveUpLocked ends the race with the last failure when nothing is under way or
// to come.
func (r *race) giveUpLocked() {
	if r.running > 0 || r.due {
		return
	}
	err := r.err
	if r.spent {
		err = &retry.BudgetError{Err: err}
	}
	r.decideLocked(r.final, err)
}

// decideLocked ends the race as a did: it has won when err is nil. a is nil when
// there was no attempt.
func (r *race) decideLocked(a *attempt, err error) {
	r.ended, r.final, r.err = true, a, err
	r.unscheduleLocked()
	for _, other := range r.alive {
		if other != a || err != nil {
			other.cancel()
		}
	}
	if a != nil && a.told != nil {
		a.told.Decide()
	}
	if err == nil && a.index > 0 {
		r.hedger.shared.won.Add(1)
	}
	if r.account != nil && !r.failed && (err == nil || status.Code(err) == codes.DeadlineExceeded && r.ctx.Err() == context.DeadlineExceeded) {
		r.account.note(time.Since(r.started))
	}
	close(r.decided)
}

// settledLocked is whether the race is over just now.
func (r *race) settledLocked() bool {
	if !r.ended || r.running > 0 {
		return false
	}
	select {
	case <-r.settled:
		return false
	default:
		close(r.settled)
		return true
	}
}

// expire ends a race of which no attempt is being tried, since the call's context
// is over. Those that are being tried end with it.
func (r *race) expire() {
	r.mu.Lock()
	if !r.ended && r.running == 0 {
		r.decideLocked(r.final, status.FromContextError(r.ctx.Err()).Err())
	}
	settled := r.settledLocked()
	r.mu.Unlock()
	if settled {
		r.over()
	}
}

// winner is the attempt that has won, nil when none has.
func (r *race) winner() *attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended || r.err != nil {
		return nil
	}
	return r.final
}
