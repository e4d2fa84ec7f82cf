package fakeserver

import (
	"slices"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// retryEnd is the wait before the end of a fault that failed is tried again.
const retryEnd = 10 * time.Millisecond

// windows begins and ends the faults on one backend, as the fleet's clock goes.
// Rules may come and go meanwhile.
type windows struct {
	backend int
	host    fault.Host
	clock   *clock

	mu      sync.Mutex
	rules   []windowRule
	final   bool // the clock was seen to be
	running bool

	moved chan struct{} // of one place: the clock was set
	quit  chan struct{}
	done  sync.WaitGroup
}

type windowRule struct {
	fault.Rule
	count   *ruleCount
	fault   fault.OnBackend
	moment  bool // the fault is momentary
	begun   int  // windows, from the first on, that have begun or passed by
	open    bool
	counted int  // likewise, that were counted
	over    bool // dropped, and to be ended
}

// newWindows picks the rules for a backend and starts to follow the clock.
// close ends it.
func newWindows(all []fault.Rule, backend int, host fault.Host, c *clock, b *books) *windows {
	w := &windows{backend: backend, host: host, clock: c, moved: make(chan struct{}, 1), quit: make(chan struct{})}
	counts := *b.rules.Load()
	for i, r := range all {
		w.add(r, counts[i])
	}
	return w
}

// add adds a rule, if it is one for the backend. It must not be called after
// close.
func (w *windows) add(r fault.Rule, count *ruleCount) {
	own, concerned := r.ForBackend(w.backend)
	f := r.Inject.OnBackend()
	if f == nil || !concerned {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = append(w.rules, windowRule{Rule: own, count: count, fault: f, moment: r.Momentary()})
	if !w.running {
		w.running = true
		w.done.Go(w.run)
	}
	w.wake()
}

// drop takes a rule away: its fault ends as soon as it can.
func (w *windows) drop(label string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.rules {
		if w.rules[i].count.label == label {
			w.rules[i].over = true
		}
	}
	w.wake()
}

// wake says that the clock was set.
func (w *windows) wake() {
	select {
	case w.moved <- struct{}{}:
	default:
	}
}

// close stops following the clock. Faults that are open stay so: it is for a
// backend that is about to end.
func (w *windows) close() {
	close(w.quit)
	w.done.Wait()
}

func (w *windows) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-w.moved:
		case <-timer.C:
		}
		if next, ok := w.apply(time.Now()); ok {
			timer.Reset(next)
		} else {
			timer.Stop()
		}
	}
}

// apply brings every fault to where it should be now, and returns how long
// until that changes; ok is false when it does not, as the clock is set.
func (w *windows) apply(now time.Time) (next time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, set := w.clock.at(now)
	if !w.final && w.clock.final() {
		// What was counted until now belongs to the warm-up. A window that
		// reaches into the measurement counts there, too.
		w.final = true
		for i := range w.rules {
			r := &w.rules[i]
			r.counted = 0
			if n, open := r.Window(0); r.open && open {
				r.note(n)
			}
		}
	}
	soonest := func(d time.Duration) {
		if !ok || d < next {
			next, ok = d, true
		}
	}
	for i := range w.rules {
		r := &w.rules[i]
		n, should := r.Window(at)
		switch should = should && set && !r.over; {
		case r.moment:
			if should && n >= r.begun {
				r.fault.Begin(w.host)
				r.begun = n + 1
				r.note(n)
			}
		case should && !r.open:
			r.fault.Begin(w.host)
			r.open = true
			r.note(n)
		case !should && r.open:
			if err := r.fault.End(w.host); err != nil {
				soonest(retryEnd)
				continue
			}
			r.open = false
		}
		if !set || r.over {
			continue
		}
		if change, changes := r.Next(at); changes {
			if d, comes := w.clock.until(now, change); comes {
				soonest(d)
			}
		}
	}
	w.rules = slices.DeleteFunc(w.rules, func(r windowRule) bool { return r.over && !r.open })
	return next, ok
}

// note counts the n-th window. A clock that is set again may open one twice: it
// counts once.
func (r *windowRule) note(n int) {
	if n >= r.counted {
		r.counted = n + 1
		r.count.windows.Add(1)
	}
}
