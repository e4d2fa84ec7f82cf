package breaker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// policy is Default with changes.
func policy(change func(*Policy)) Policy {
	p := Default()
	change(&p)
	return p
}

// call is one call that is admitted or not, and ends at once.
func call(b *Breaker, o Outcome) bool {
	t, err := b.Allow()
	if err != nil {
		return false
	}
	b.Done(t, o)
	return true
}

func TestOpensAfterFailuresInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []Change
		b := New(policy(func(p *Policy) { p.Failures = 3 }), "", func(c Change) { changes = append(changes, c) })
		begun := time.Now()
		for _, o := range []Outcome{Failure, Failure, Success, Failure, Neither, Failure} {
			call(b, o)
		}
		if b.State() != Closed {
			t.Fatalf("opened after two failures in a row: %v", changes)
		}
		call(b, Failure)
		if b.State() != Open {
			t.Fatalf("state %v after three failures in a row, want open", b.State())
		}
		time.Sleep(10*time.Second - 1)
		_, err := b.Allow()
		var open *OpenError
		if !errors.As(err, &open) || open.RetryIn != 1 || !errors.Is(err, ErrOpen) || status.Code(err) != codes.Unavailable {
			t.Errorf("a nanosecond before the reset: %v", err)
		}
		time.Sleep(time.Nanosecond)
		probe, err := b.Allow()
		if err != nil {
			t.Fatalf("the probe was refused: %v", err)
		}
		if _, err := b.Allow(); err == nil {
			t.Error("a second probe was admitted beside the first")
		}
		b.Done(probe, Success)
		want := []Change{
			{From: Closed, To: Open, At: begun, Reason: "3 failures in a row"},
			{From: Open, To: HalfOpen, At: begun.Add(10 * time.Second), Reason: "was open for 10s"},
			{From: HalfOpen, To: Closed, At: begun.Add(10 * time.Second), Reason: "1 of 1 probes succeeded"},
		}
		if !slices.EqualFunc(changes, want, func(a, b Change) bool {
			return a.From == b.From && a.To == b.To && a.At.Equal(b.At) && a.Reason == b.Reason
		}) {
			t.Errorf("changes %+v\nwant    %+v", changes, want)
		}
		if b.Rejected() != 2 || b.Opened() != 1 {
			t.Errorf("rejected %d, opened %d; want 2 and 1", b.Rejected(), b.Opened())
		}
	})
}

func TestResetGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(policy(func(p *Policy) {
			p.Failures, p.Reset, p.Growth, p.MaxReset = 1, time.Second, 3, 5*time.Second
		}), "", nil)
		call(b, Failure)
		for i, want := range []time.Duration{time.Second, 3 * time.Second, 5 * time.Second, 5 * time.Second} {
			time.Sleep(want - 1)
			if call(b, Failure) {
				t.Fatalf("time %d: admitted before %v", i, want)
			}
			time.Sleep(time.Nanosecond)
			if !call(b, Failure) {
				t.Fatalf("time %d: no probe after %v", i, want)
			}
		}
		time.Sleep(5 * time.Second)
		call(b, Success)
		call(b, Failure)
		time.Sleep(time.Second)
		if !call(b, Success) {
			t.Error("the reset time did not begin anew after the breaker had closed")
		}
	})
}

func TestRateWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(policy(func(p *Policy) { p.Rate, p.Window, p.MinCalls = 0.5, 10*time.Second, 10 }), "", nil)
		for range 9 {
			call(b, Failure)
		}
		if b.State() != Closed {
			t.Fatal("opened below min_calls; and failures in a row must not open it when only a rate is set")
		}
		time.Sleep(11 * time.Second) // all of them are forgotten
		for range 6 {
			call(b, Success)
		}
		for range 5 {
			call(b, Failure)
		}
		if b.State() != Closed {
			t.Fatal("opened at 5 of 11")
		}
		call(b, Failure)
		if b.State() != Open {
			t.Fatal("not open at 6 of 12")
		}
	})
}

func TestLateResultsAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(policy(func(p *Policy) { p.Failures, p.Probes = 1, 2 }), "", nil)
		var late []Ticket
		for range 4 {
			ticket, _ := b.Allow()
			late = append(late, ticket)
		}
		call(b, Failure)
		b.Done(late[0], Success) // while open
		time.Sleep(10 * time.Second)
		probe, _ := b.Allow()
		b.Done(late[1], Failure) // must not count as a probe's
		b.Done(late[2], Success)
		if b.State() != HalfOpen {
			t.Fatalf("late results made it %v", b.State())
		}
		b.Done(probe, Success)
		second, err := b.Allow()
		if err != nil {
			t.Fatal("late results used up the probes")
		}
		b.Done(second, Success)
		if b.State() != Closed {
			t.Fatalf("two probes succeeded: %v", b.State())
		}
		b.Done(late[3], Failure)
		if b.State() != Closed {
			t.Fatal("a failure of long ago opened a breaker that has just closed")
		}
	})
}

// model is the breaker in the plainest words: every call of the window is kept.
type model struct {
	p        Policy
	state    State
	inRow    int
	ended    []ending
	until    time.Time
	streak   int
	probing  int
	good     int
	openings int64
}

type ending struct {
	part   int64
	failed bool
}

func (m *model) allow(now time.Time) bool {
	if m.state == Open && !now.Before(m.until) {
		m.state, m.probing, m.good = HalfOpen, 0, 0
	}
	switch m.state {
	case Closed:
		return true
	case HalfOpen:
		if m.probing < m.p.Probes {
			m.probing++
			return true
		}
	}
	return false
}

func (m *model) open(now time.Time) {
	m.state = Open
	m.streak++
	m.openings++
	reset := float64(m.p.Reset)
	for range m.streak - 1 {
		reset = min(reset*m.p.Growth, float64(m.p.MaxReset))
	}
	m.until = now.Add(time.Duration(reset))
}

func (m *model) done(o Outcome, now time.Time, begun time.Time) {
	switch m.state {
	case Closed:
		if o == Neither {
			return
		}
		part := int64(now.Sub(begun) / (m.p.Window / buckets))
		m.ended = append(m.ended, ending{part, o == Failure})
		if o == Success {
			m.inRow = 0
			return
		}
		m.inRow++
		calls, failures := 0, 0
		for _, e := range m.ended {
			if e.part > part-buckets {
				calls++
				if e.failed {
					failures++
				}
			}
		}
		if m.p.Rate > 0 && calls >= m.p.MinCalls && float64(failures) >= m.p.Rate*float64(calls) ||
			m.p.failures() > 0 && m.inRow >= m.p.failures() {
			m.open(now)
		}
	case HalfOpen:
		m.probing--
		switch o {
		case Failure:
			m.open(now)
		case Success:
			if m.good++; m.good >= m.p.Probes {
				*m = model{p: m.p, openings: m.openings}
			}
		}
	}
}

// TestModel runs random operations against the model: calls that begin, calls
// that end in any order with any outcome, and time that passes.
func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				p := policy(func(p *Policy) {
					p.Failures = r.IntN(4)
					if r.IntN(2) == 0 {
						p.Rate, p.Window, p.MinCalls = 0.2+0.6*r.Float64(), time.Duration(1+r.IntN(5))*time.Second, 1+r.IntN(8)
					}
					p.Reset, p.Growth, p.MaxReset = time.Duration(1+r.IntN(3000))*time.Millisecond, 1+2*r.Float64(), 20*time.Second
					p.Probes = 1 + r.IntN(3)
				})
				begun := time.Now()
				b, m := New(p, "", nil), &model{p: p}
				type running struct {
					ticket     Ticket
					generation int64
				}
				var calls []running
				generation := int64(0) // of the model's state
				rejected := int64(0)
				for step := range 4000 {
					before := m.state
					switch k := r.IntN(10); {
					case k < 4:
						ticket, err := b.Allow()
						allowed := m.allow(time.Now())
						if allowed != (err == nil) {
							t.Fatalf("step %d: admitted %v, the model says %v", step, err == nil, allowed)
						}
						if m.state != before {
							generation++
							before = m.state
						}
						if !allowed {
							rejected++
						}
						if allowed {
							calls = append(calls, running{ticket, generation})
						}
					case k < 9 && len(calls) > 0:
						i := r.IntN(len(calls))
						c := calls[i]
						calls = slices.Delete(calls, i, i+1)
						o := Outcome(r.IntN(3))
						b.Done(c.ticket, o)
						if c.generation == generation {
							m.done(o, time.Now(), begun)
						}
					default:
						time.Sleep(time.Duration(r.IntN(int(p.Reset/2) + 1)))
					}
					if m.state != before {
						generation++
					}
					if got := b.State(); got != m.state {
						t.Fatalf("step %d: state %v, the model says %v", step, got, m.state)
					}
					if b.Opened() != m.openings {
						t.Fatalf("step %d: opened %d times, the model says %d", step, b.Opened(), m.openings)
					}
					if b.Rejected() != rejected {
						t.Fatalf("step %d: rejected %d, the model says %d", step, b.Rejected(), rejected)
					}
				}
				if m.openings == 0 {
					t.Skip("never opened with this policy")
				}
			})
		})
	}
}

// TestProbesUnderConcurrency lets many goroutines ask at once: never more probes
// than the policy says.
func TestProbesUnderConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(policy(func(p *Policy) { p.Failures, p.Probes = 1, 3 }), "", nil)
		call(b, Failure)
		time.Sleep(10 * time.Second)
		var mu sync.Mutex
		admitted := 0
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if _, err := b.Allow(); err == nil {
					mu.Lock()
					admitted++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if admitted != 3 {
			t.Errorf("%d probes under way, want 3", admitted)
		}
	})
}

func TestValidate(t *testing.T) {
	for path, change := range map[string]func(*Policy){
		"failures":  func(p *Policy) { p.Failures = -1 },
		"rate":      func(p *Policy) { p.Rate = 1.5 },
		"window":    func(p *Policy) { p.Rate, p.Window = 0.5, time.Millisecond },
		"min_calls": func(p *Policy) { p.Rate, p.MinCalls = 0.5, 0 },
		"reset":     func(p *Policy) { p.Reset = 0 },
		"growth":    func(p *Policy) { p.Growth = 0.5 },
		"max_reset": func(p *Policy) { p.Growth, p.MaxReset = 2, time.Second },
		"probes":    func(p *Policy) { p.Probes = 0 },
		"scope":     func(p *Policy) { p.Scope = 7 },
		"codes":     func(p *Policy) { p.Codes = nil },
		"codes[0]":  func(p *Policy) { p.Codes = []codes.Code{codes.OK} },
		"codes[1]":  func(p *Policy) { p.Codes = []codes.Code{codes.Internal, codes.Internal} },
	} {
		err := policy(change).Validate()
		var one interface{ Field() string }
		if !errors.As(err, &one) || one.Field() != path {
			t.Errorf("%s: got %v", path, err)
		}
		off := policy(change)
		off.Off = true
		if err := off.Validate(); err != nil {
			t.Errorf("%s: settings of none are looked at: %v", path, err)
		}
	}
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

func BenchmarkAllowDone(b *testing.B) {
	for name, p := range map[string]Policy{
		"consecutive": Default(),
		"rate":        policy(func(p *Policy) { p.Rate = 0.5 }),
	} {
		b.Run(name, func(b *testing.B) {
			br := New(p, "", nil)
			b.ReportAllocs()
			for b.Loop() {
				t, _ := br.Allow()
				br.Done(t, Success)
			}
		})
	}
}

// TestWindowMovesInTenths: what ended in one tenth of the window is forgotten
// when ten have passed, together and not before.
func TestWindowMovesInTenths(t *testing.T) {
	for wait, opens := range map[time.Duration]bool{
		10*time.Second - 1: true, // the first failures are in the oldest of ten parts
		10 * time.Second:   false,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := New(policy(func(p *Policy) { p.Rate, p.Window, p.MinCalls = 1, 10*time.Second, 5 }), "", nil)
			for range 4 {
				call(b, Failure)
			}
			time.Sleep(wait)
			call(b, Failure)
			if got := b.State() == Open; got != opens {
				t.Errorf("after %v: open %v, want %v", wait, got, opens)
			}
		})
	}
}

// TestObserverHearsEachChangeInOrder: with many callers the changes still form
// one chain, and none is missed or told twice.
func TestObserverHearsEachChangeInOrder(t *testing.T) {
	var changes []Change // without a lock: the breaker's own guards it
	b := New(policy(func(p *Policy) { p.Failures, p.Reset, p.Probes = 2, time.Microsecond, 2 }), "b0",
		func(c Change) { changes = append(changes, c) })
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 2))
			for range 3000 {
				call(b, Outcome(r.IntN(3)))
			}
		})
	}
	wg.Wait()
	state, openings := Closed, int64(0)
	for i, c := range changes {
		if c.From != state || c.To == c.From || c.Name != "b0" || i > 0 && c.At.Before(changes[i-1].At) {
			t.Fatalf("change %d is %+v, after %v", i, c, state)
		}
		if state = c.To; state == Open {
			openings++
		}
	}
	if state != b.State() || openings != b.Opened() || openings == 0 {
		t.Errorf("the last change led to %v, the state is %v; %d openings told, %d counted", state, b.State(), openings, b.Opened())
	}
}

// TestAllowDoneDoesNotAllocate while the breaker is closed.
func TestAllowDoneDoesNotAllocate(t *testing.T) {
	for name, p := range map[string]Policy{
		"consecutive": Default(),
		"rate":        policy(func(p *Policy) { p.Rate = 0.5 }),
	} {
		b := New(p, "", nil)
		if got := testing.AllocsPerRun(1000, func() { call(b, Success) }); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
