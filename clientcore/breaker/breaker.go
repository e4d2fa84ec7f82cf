package breaker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Breaker is one circuit breaker. All its methods may be called at any time,
// from any goroutine.
type Breaker struct {
	policy   Policy
	failures int // Policy.failures
	name     string
	observe  func(Change)
	begun    time.Time
	// word is the state and, above it, how often it changed: what a Ticket
	// holds. It is written under mu.
	word atomic.Uint64
	// inRow is the failures in a row. It is raised under mu and while the
	// breaker is closed.
	inRow    atomic.Int64
	window   *window // nil without Policy.Rate
	rejected atomic.Int64
	opened   atomic.Int64
	until    atomic.Int64 // when it may half open, counted from begun; while open

	mu        sync.Mutex
	streak    int // how often it opened since it was closed
	probing   int // probes that run
	succeeded int // probes that succeeded since it half opened
	reason    string
	timer     *time.Timer // half opens, where timed
	timed     bool
	stopped   bool
	watchers  map[*func(State)]struct{}
}

// Ticket is the admission of one call.
type Ticket struct{ word uint64 }

// stateBits is the bits of a word that hold the state.
const stateBits = 2

func stateOf(word uint64) State { return State(word & (1<<stateBits - 1)) }

// New is a closed breaker by a policy that is valid and not Off. observe is told
// of each change, in order, under the breaker's lock: it must not block, nor
// call the breaker. It may be nil.
func New(p Policy, name string, observe func(Change)) *Breaker {
	b := &Breaker{policy: p, failures: p.failures(), name: name, observe: observe, begun: time.Now()}
	if p.Rate > 0 {
		b.window = newWindow(p.Window)
	}
	return b
}

// since is the time since the breaker began. It reads the monotonic clock only.
func (b *Breaker) since() time.Duration { return time.Since(b.begun) }

// State is the breaker's state. An open one whose time is over is open until a
// call asks.
func (b *Breaker) State() State { return stateOf(b.word.Load()) }

// Rejected is how many calls were not admitted.
func (b *Breaker) Rejected() int64 { return b.rejected.Load() }

// Opened is how often the breaker opened.
func (b *Breaker) Opened() int64 { return b.opened.Load() }

// Allow admits a call, which must then call Done once, or refuses it: then the
// error is an *OpenError.
func (b *Breaker) Allow() (Ticket, error) {
	if word := b.word.Load(); stateOf(word) == Closed {
		return Ticket{word}, nil
	}
	return b.allow()
}

// allow is Allow on a breaker that was not closed.
func (b *Breaker) allow() (Ticket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.State() == Open && b.since() >= time.Duration(b.until.Load()) {
		b.halfOpen()
	}
	word := b.word.Load()
	switch stateOf(word) {
	case Closed:
		return Ticket{word}, nil
	case HalfOpen:
		if b.probing < b.policy.Probes {
			b.probing++
			return Ticket{word}, nil
		}
	}
	b.rejected.Add(1)
	return Ticket{}, b.refusal()
}

// refusal is the error of a call that is not admitted. mu is held.
func (b *Breaker) refusal() error {
	e := &OpenError{Name: b.name, Scope: b.policy.Scope, State: b.State(), Reason: b.reason}
	if e.State == Open {
		e.RetryIn = max(time.Duration(b.until.Load())-b.since(), 0)
	}
	return e
}

// Done reports the outcome of a call that was admitted.
func (b *Breaker) Done(t Ticket, outcome Outcome) {
	word := b.word.Load()
	if t.word != word {
		return // of an earlier state
	}
	if stateOf(word) == Closed {
		switch outcome {
		case Neither:
			return
		case Success:
			if b.inRow.Load() == 0 && b.counted() {
				return
			}
		}
	}
	b.done(t, outcome)
}

// counted adds a success to the window without the lock, when that can be.
func (b *Breaker) counted() bool {
	if b.window == nil {
		return true
	}
	bucket, _, fresh := b.window.at(b.since())
	if fresh {
		bucket.successes.Add(1)
	}
	return fresh
}

func (b *Breaker) done(t Ticket, outcome Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.word != b.word.Load() {
		return
	}
	switch b.State() {
	case Closed:
		b.ended(outcome)
	case HalfOpen:
		b.probed(outcome)
	}
}

// ended counts a call of a closed breaker. mu is held.
func (b *Breaker) ended(outcome Outcome) {
	if outcome == Success {
		b.inRow.Store(0)
		if b.window != nil {
			b.window.use(b.since()).successes.Add(1)
		}
		return
	}
	inRow := b.inRow.Add(1)
	if b.window != nil {
		now := b.since()
		b.window.use(now).failures.Add(1)
		calls, failures := b.window.sums(now)
		if calls >= int64(b.policy.MinCalls) && float64(failures) >= b.policy.Rate*float64(calls) {
			b.open(fmt.Sprintf("%d of %d calls in %v failed", failures, calls, b.policy.Window))
			return
		}
	}
	if b.failures > 0 && inRow >= int64(b.failures) {
		b.open(fmt.Sprintf("%d failures in a row", inRow))
	}
}

// probed counts a call of a half-open breaker. mu is held.
func (b *Breaker) probed(outcome Outcome) {
	b.probing--
	switch outcome {
	case Failure:
		b.open("a probe failed")
	case Success:
		if b.succeeded++; b.succeeded >= b.policy.Probes {
			b.streak = 0
			b.inRow.Store(0)
			if b.window != nil {
				b.window.clear()
			}
			b.become(Closed, fmt.Sprintf("%d of %d probes succeeded", b.succeeded, b.policy.Probes))
			return
		}
		b.tell() // there is room for a probe
	case Neither:
		b.tell()
	}
}

// open begins a time without calls. mu is held.
func (b *Breaker) open(reason string) {
	b.streak++
	b.opened.Add(1)
	reset := b.policy.reset(b.streak)
	b.until.Store(int64(b.since() + reset))
	b.become(Open, reason)
	if b.timed && !b.stopped {
		word := b.word.Load()
		b.timer = time.AfterFunc(reset, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.word.Load() == word && !b.stopped {
				b.halfOpen()
			}
		})
	}
}

// halfOpen begins probing. mu is held.
func (b *Breaker) halfOpen() {
	b.probing, b.succeeded = 0, 0
	b.become(HalfOpen, fmt.Sprintf("was open for %v", b.policy.reset(b.streak)))
}

// become changes the state. mu is held.
func (b *Breaker) become(to State, reason string) {
	word := b.word.Load()
	b.word.Store((word>>stateBits+1)<<stateBits | uint64(to))
	b.reason = reason
	if b.observe != nil {
		b.observe(Change{Name: b.name, From: stateOf(word), To: to, At: time.Now(), Reason: reason})
	}
	b.tell()
}

// tell tells the watchers. mu is held.
func (b *Breaker) tell() {
	for w := range b.watchers {
		(*w)(b.State())
	}
}

// watch tells f of each change from now on, and whenever a half-open breaker has
// room for a probe again, under the breaker's lock: f must not block, nor call
// the breaker. It makes the breaker half open by itself when its time has come.
// The breaker's state at the beginning is returned.
func (b *Breaker) watch(f func(State)) (now State, stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timed = true
	if b.watchers == nil {
		b.watchers = map[*func(State)]struct{}{}
	}
	key := &f
	b.watchers[key] = struct{}{}
	return b.State(), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, key)
	}
}

// idle is whether nothing would be lost with the breaker.
func (b *Breaker) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.State() == Closed && len(b.watchers) == 0
}

// stop ends the breaker's timer.
func (b *Breaker) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	if b.timer != nil {
		b.timer.Stop()
	}
}
