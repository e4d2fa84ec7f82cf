package engine

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// preparing is a caller that takes some time to prepare, and more for the call. It
// checks that it is told of the same call both times.
type preparing struct {
	t             *testing.T
	prepare, call time.Duration
	log           *prepareLog

	ready Call
	is    bool
}

type prepareLog struct {
	mu       sync.Mutex
	prepared int
	numbers  map[uint64]int // of the measurement's calls
}

func (p *preparing) Prepare(call *Call) {
	time.Sleep(p.prepare)
	p.ready, p.is = *call, true
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	p.log.prepared++
}

func (p *preparing) Call(ctx context.Context, call *Call) {
	if !p.is || p.ready.id() != call.id() || p.ready.Seed != call.Seed || p.ready.Entry.open() && !p.ready.Due.Equal(call.Due) {
		p.t.Errorf("call %s was not prepared: %s was", call.ID(), p.ready.ID())
	}
	p.is = false
	if !call.Warmup {
		p.log.mu.Lock()
		p.log.numbers[call.Number()]++
		p.log.mu.Unlock()
	}
	serve(ctx, call, p.call, "OK")
}

// prepared runs one entry whose callers prepare.
func prepared(t *testing.T, e Entry, prepare, call time.Duration) (result.Series, *prepareLog) {
	log := &prepareLog{numbers: map[uint64]int{}}
	e.NewCaller = func() Caller { return &preparing{t: t, prepare: prepare, call: call, log: log} }
	o := run(t, Plan{
		Seed: 1, Warmup: time.Second, Measure: 2 * time.Second, Drain: time.Second, Entries: []Entry{e},
		Barrier: func(context.Context) (time.Time, error) { return time.Now().Add(10 * time.Millisecond), nil },
	})
	return o.Series[0], log
}

// What preparing takes is no part of any time, where there is time for it: between
// calls that are due, and between those of sessions and closed loops.
func TestPreparingIsNotMeasured(t *testing.T) {
	const ms = time.Millisecond
	session := open("sessions", 20, nil)
	session.Session, session.Think = 3, 20*ms
	for name, test := range map[string]struct {
		entry Entry
		calls int64
	}{
		"open":     {open("reads", 100, nil), 200},
		"sessions": {session, 119},
		"closed":   {closed("reads", 4, 0, nil), 4 * 200},
		"thinking": {closed("reads", 4, 5*ms, nil), 4 * 133},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := prepared(t, test.entry, 5*ms, 5*ms)
				if s.Calls != test.calls || s.OK() != test.calls {
					t.Errorf("%d calls, %d OK, want %d", s.Calls, s.OK(), test.calls)
				}
				for _, measure := range []result.Measure{result.Response, result.Service} {
					if got := s.Latency[measure]; time.Duration(got.MinNS) != 5*ms || time.Duration(got.MaxNS) > 5*ms+time.Microsecond {
						t.Errorf("%s from %v to %v, want 5ms", measure, time.Duration(got.MinNS), time.Duration(got.MaxNS))
					}
				}
			})
		})
	}
}

// Calls that come faster than they can be prepared one after the other are not
// held up by it: those that are late prepare side by side.
func TestPreparingHoldsNobodyUp(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s, _ := prepared(t, open("reads", 1000, nil), 5*ms, 5*ms)
		if s.OK() != 2000 {
			t.Errorf("%d calls OK, want 2000", s.OK())
		}
		if lag := time.Duration(s.Latency[result.Lag].MaxNS); lag > 5*ms {
			t.Errorf("lag up to %v: a call waited for more than one other to be prepared", lag)
		}
		if most := time.Duration(s.Latency[result.Response].MaxNS); most > 15*ms {
			t.Errorf("a response of %v: lag, preparing and the call come to 15ms", most)
		}
	})
}

// Numbers count calls without a gap, and none twice; dropped arrivals have theirs.
func TestNumbers(t *testing.T) {
	session := open("sessions", 20, nil)
	session.Session = 3
	few := open("reads", 100, nil)
	few.MaxInFlight = 1
	for name, e := range map[string]Entry{"open": open("reads", 100, nil), "closed": closed("reads", 3, 0, nil), "sessions": session, "dropping": few} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, log := prepared(t, e, 0, 15*time.Millisecond)
				if got := int64(len(log.numbers)); got != s.Calls {
					t.Errorf("%d numbers for %d calls", got, s.Calls)
				}
				for n := range uint64(s.Planned) {
					if _, dropped := log.numbers[n]; !dropped && s.Dropped == 0 {
						t.Errorf("no call has number %d", n)
					}
				}
				if name == "dropping" && (s.Dropped == 0 || log.prepared < int(s.Planned)) {
					t.Errorf("%d of %d dropped, %d prepared", s.Dropped, s.Planned, log.prepared)
				}
			})
		})
	}
}

// Done is the caller's where it says so.
func TestCallerSaysWhenDone(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		e := open("reads", 10, callers(func(ctx context.Context, call *Call) {
			serve(ctx, call, 5*ms, "OK")
			call.Done = time.Now()
			time.Sleep(20 * ms) // looks at what came
		}))
		s := run(t, Plan{Seed: 1, Measure: time.Second, Drain: time.Second, Entries: []Entry{e}}).Series[0]
		if got := s.Latency[result.Response]; time.Duration(got.MaxNS) != 5*ms {
			t.Errorf("response up to %v, want 5ms", time.Duration(got.MaxNS))
		}
	})
}

// What a caller does once its call is done is no part of the next one either: in a
// closed loop that begins when the caller has returned, not when the call was done.
func TestTheNextCallBeginsWhenItsCallerIsFree(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		var log seen
		e := closed("sync", 2, 0, callers(func(ctx context.Context, call *Call) {
			serve(ctx, call, 9*ms, "OK")
			call.Done = time.Now()
			time.Sleep(ms) // judges what came
			log.add(call)
		}))
		s := run(t, Plan{Seed: 1, Measure: time.Second, Drain: time.Second, Entries: []Entry{e}}).Series[0]
		if s.Planned != 200 || s.OK() != 200 {
			t.Errorf("%d planned, %d OK of 100 calls for each worker", s.Planned, s.OK())
		}
		for _, measure := range []result.Measure{result.Response, result.Service, result.Wait} {
			want := 9 * ms
			if measure == result.Wait {
				want = 0
			}
			if got := time.Duration(s.Latency[measure].MaxNS); got != want {
				t.Errorf("%s up to %v, want %v", measure, got, want)
			}
		}
		done := map[int]time.Time{}
		for _, c := range log.calls {
			if last, ok := done[c.Worker]; ok && c.Due.Before(last.Add(ms)) {
				t.Fatalf("%s was due %v after the call before", c.ID(), c.Due.Sub(last))
			}
			done[c.Worker] = c.Done
		}
	})
}

// An entry with a most number of calls makes them and no more, and nobody misses
// those that it does not make.
func TestMostCalls(t *testing.T) {
	session := open("sessions", 20, nil)
	session.Session = 3
	for name, e := range map[string]Entry{"open": open("reads", 100, nil), "closed": closed("reads", 3, 0, nil), "sessions": session} {
		for _, prepares := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				e := e
				e.MaxCalls, e.NewCaller = 20, takes(time.Millisecond)
				plan := Plan{Seed: 1, Warmup: time.Second, Measure: 2 * time.Second, Drain: time.Second}
				if prepares {
					log := &prepareLog{numbers: map[uint64]int{}}
					e.NewCaller = func() Caller { return &preparing{t: t, call: time.Millisecond, log: log} }
				}
				plan.Entries = []Entry{e}
				o := run(t, plan)
				s := o.Series[0]
				if s.Calls != 20 || s.Planned != 20 || s.OK() != 20 || s.Unfinished != 0 || o.SentShare != 1 {
					t.Errorf("%s: %d calls of %d planned, %d OK, %d unfinished, sent share %v", name, s.Calls, s.Planned, s.OK(), s.Unfinished, o.SentShare)
				}
			})
		}
	}
}
