package engine

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// TestPrepareClearsTheCall: of the call before nothing is left, but the memory.
func TestPrepareClearsTheCall(t *testing.T) {
	e := open("reads", 1, nil)
	at := time.Now()
	before := Call{
		Entry: &e, Warmup: true, Worker: 1, Ordinal: 2, Seed: 3, Due: at, Dispatch: at, Sent: at, First: at, Done: at,
		Code: "UNAVAILABLE", Origin: result.OriginServer, Message: "no", Picks: 4, Attempts: make([]result.Attempt, 2),
		Gaps: make([]time.Duration, 3), Responses: make([]time.Duration, 4), Lags: make([]time.Duration, 5),
	}
	for i, v := 0, reflect.ValueOf(before); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Fatalf("%s is not set: nothing is tested of it", v.Type().Field(i).Name)
		}
	}
	w := worker{call: before}
	p := &phase{callSeeds: []uint64{7}}
	w.prepare(p, 5, 6)
	want := Call{
		Entry: &e, Worker: 5, Ordinal: 6, Seed: callSeed(7, 5, 6),
		Attempts: before.Attempts[:0], Gaps: before.Gaps[:0], Responses: before.Responses[:0], Lags: before.Lags[:0],
	}
	if diff := cmp.Diff(want, w.call, cmp.Comparer(func(a, b *Entry) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// TestAWorkerGoesOnWithoutAPause: without think time the next call of a closed
// loop is due as the last one ends, and the last of a phase is the one before
// its end.
func TestAWorkerGoesOnWithoutAPause(t *testing.T) {
	recorder := newRecorder([]Entry{closed("sync", 1, 0, nil)})
	start := time.Now()
	recorder.begin(start, start.Add(time.Second), start.Add(2*time.Second))
	place := recorder.place(0)
	call := Call{Entry: &recorder.entries[0], Code: "OK", Due: start}
	for _, c := range []struct {
		done    time.Duration
		another bool
		want    bool
	}{{time.Second / 2, true, true}, {time.Second / 2, false, false}, {time.Second - 1, true, true}, {time.Second, true, false}} {
		call.Done = start.Add(c.done)
		if got := recorder.finish(&place, 0, &call, c.another); got != c.want {
			t.Errorf("%+v: another is %v", c, got)
		}
	}
	recorder.close()
	call.Done = start
	if recorder.finish(&place, 0, &call, true) {
		t.Error("a call began after the books were closed")
	}
	if e := recorder.collect().entries[0]; e.arrivals != 2 || e.started != 2 || e.codes.ok() != 3 {
		t.Errorf("%d arrivals, %d started, %d ended", e.arrivals, e.started, e.codes.ok())
	}
}

// TestWorkersMakeWay: a worker whose stripe another holds records into the next
// one, and goes on there; the whole is what all recorded.
func TestWorkersMakeWay(t *testing.T) {
	r, call := endlessly()
	a, b := r.place(0), r.place(0)
	held := a.lock()
	r.finish(&b, 0, call, false)
	if b.stripe == held {
		t.Error("recorded into a stripe that was locked")
	}
	held.mu.Unlock()
	r.finish(&a, 0, call, false)
	r.finish(&b, 0, call, false)
	if a.stripe != held || b.stripe == held {
		t.Error("moved on without need")
	}
	if n := r.collect().entries[0].codes.ok(); n != 3 {
		t.Errorf("%d calls of 3", n)
	}
}

// TestRestsEndExactly: a worker waits for its own next call, in sessions and closed
// loops, by the plan's Sleep, as for arrivals.
func TestRestsEndExactly(t *testing.T) {
	session := open("users", 2, nil)
	session.Session, session.Think = 3, 100*time.Millisecond
	profile := closed("shaped", 4, 0, nil)
	profile.Profile = load.Shape{Ramp: &load.Ramp{From: 0.1, To: 1, Over: 800 * time.Millisecond}}.Profile()
	for name, test := range map[string]struct {
		entry      Entry
		closedPerS float64
		rests      func(*Call) bool // whether the worker rested before it
	}{
		"session": {entry: session, rests: func(c *Call) bool { return c.Ordinal > 0 }},
		"think":   {entry: closed("thinking", 2, 100*time.Millisecond, nil), rests: func(c *Call) bool { return c.Ordinal > 0 }},
		"held":    {entry: closed("held", 2, 0, nil), closedPerS: 20, rests: func(c *Call) bool { return c.Ordinal > 0 }},
		"shape":   {entry: profile, rests: func(c *Call) bool { return c.Worker > 0 && c.Ordinal == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				slept := make(map[time.Time]bool) // until when
				var log seen
				e := test.entry
				e.NewCaller = callers(func(ctx context.Context, call *Call) {
					serve(ctx, call, 10*time.Millisecond, "OK")
					log.add(call)
				})
				o := run(t, Plan{
					Measure: time.Second, Drain: time.Second, ClosedPerS: test.closedPerS, Entries: []Entry{e},
					Sleep: func(ctx context.Context, until time.Time) error {
						mu.Lock()
						slept[until] = true
						mu.Unlock()
						var s timerSleeper
						return s.sleep(ctx, until)
					},
				})
				rests := 0
				for _, c := range log.calls {
					if !test.rests(&c) {
						continue
					}
					rests++
					if !slept[c.Due] {
						t.Errorf("%s came without the plan's Sleep", c.ID())
					}
				}
				if rests < 3 {
					t.Errorf("%d rests in %+v", rests, o.Series[0])
				}
			})
		})
	}
}
