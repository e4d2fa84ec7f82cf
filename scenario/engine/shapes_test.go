package engine

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// The rate follows the profile in the measurement, and in the warm-up stays
// what it is at the begin.
func TestOpenLoopFollowsItsProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		warm := 0
		e := open("reads", 100, callers(func(ctx context.Context, call *Call) {
			if call.Warmup {
				mu.Lock()
				warm++
				mu.Unlock()
			}
			serve(ctx, call, time.Millisecond, "OK")
		}))
		shape := load.Shape{Ramp: &load.Ramp{From: 0.5, To: 1.5, At: 2 * time.Second, Over: 2 * time.Second}}
		e.Profile = shape.Profile()
		o := run(t, Plan{Warmup: 2 * time.Second, Measure: 6 * time.Second, Drain: time.Second, Entries: []Entry{e}})
		if warm != 100 {
			t.Errorf("%d calls in a warm-up of 2 s at half of 100/s", warm)
		}
		var got []int64
		for _, i := range o.Intervals {
			got = append(got, i.Series[0].Planned)
		}
		// 50, 50, then ∫ of the ramp, 75 and 125, then 150.
		if want := []int64{50, 50, 75, 125, 150, 150}; !slices.Equal(got, want) {
			t.Errorf("%v calls a second, want %v", got, want)
		}
	})
}

func TestRampFromNothingHasNoWarmUpCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open("reads", 100, callers(func(ctx context.Context, call *Call) {
			if call.Warmup {
				t.Error("a call in the warm-up")
			}
			serve(ctx, call, 0, "OK")
		}))
		shape := load.Shape{Ramp: &load.Ramp{To: 1, Over: 2 * time.Second}}
		e.Profile = shape.Profile()
		c := closed("sync", 4, time.Millisecond, e.NewCaller)
		c.Profile = e.Profile
		o := run(t, Plan{Warmup: time.Second, Measure: 2 * time.Second, Entries: []Entry{e, c}})
		if o.Series[0].Planned != 100 || o.Series[1].Planned == 0 {
			t.Errorf("planned %d and %d", o.Series[0].Planned, o.Series[1].Planned)
		}
	})
}

// Workers join and leave with the stages, the nearest whole number at a time.
func TestClosedLoopFollowsItsProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := closed("sync", 4, 0, takes(10*time.Millisecond))
		half, none, twice := 0.5, 0.0, 2.0
		shape := load.Shape{Stages: &load.Stages{List: []load.Stage{
			{For: time.Second, At: &half}, {For: time.Second, At: &none}, {For: 2 * time.Second, To: &twice}, {For: time.Second, At: &half},
		}}}
		e.Profile = shape.Profile()
		o := run(t, Plan{Warmup: time.Second, Measure: 5 * time.Second, Drain: time.Second, Entries: []Entry{e}})
		var got []int64
		for _, i := range o.Intervals {
			got = append(got, i.Series[0].Planned)
		}
		// Each worker makes 100 calls a second. On the way from 0 to 8, worker n
		// begins when 4t is n + 0.5, t from 0 to 2 s: 0.125, 0.375, … s.
		first, second := 0, 0
		for n := range 8 {
			begin := (float64(n) + 0.5) / 4
			first += int(math.Round(100 * max(0, 1-begin)))
			second += int(math.Round(100 * (2 - max(1, begin))))
		}
		want := []int64{200, 0, int64(first), int64(second), 200}
		for i := range want {
			// A call that straddles a stage's end may be one more for each worker.
			if got[i] < want[i]-8 || got[i] > want[i]+8 {
				t.Errorf("%v calls a second, want about %v", got, want)
				break
			}
		}
		if got[0] != 200 || got[1] != 0 {
			t.Errorf("%v: two workers for a second, then none", got)
		}
	})
}

func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log seen
		e := open("users", 10, callers(func(ctx context.Context, call *Call) {
			serve(ctx, call, 20*time.Millisecond, "OK")
			log.add(call)
		}))
		e.Session, e.Think = 3, 180*time.Millisecond
		o := run(t, Plan{Measure: 2 * time.Second, Drain: time.Second, Entries: []Entry{e}})
		// A session's calls are due 0, 200 and 400 ms after it came; of those that
		// come at 1.7, 1.8 and 1.9 s the later ones are not made any more, and at
		// 1.6 s the third would be due at 2 s.
		if s := o.Series[0]; s.Planned != 20*3-2*2-2 || s.OK() != s.Planned || s.Loop != result.Open {
			t.Errorf("%+v", s)
		}
		ids := map[string]bool{}
		for _, c := range log.calls {
			due := o.T0.Add(time.Duration(c.Worker)*100*time.Millisecond + time.Duration(c.Ordinal)*200*time.Millisecond)
			if !c.Due.Equal(due) || ids[c.ID()] {
				t.Errorf("%s was due at %v, want %v", c.ID(), c.Due.Sub(o.T0), due.Sub(o.T0))
			}
			ids[c.ID()] = true
		}
	})
}

// max_in_flight bounds sessions; those beyond are dropped, and the chains of
// the others go on.
func TestSessionsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open("users", 10, takes(50*time.Millisecond))
		e.Session, e.Think, e.MaxInFlight = 4, 50*time.Millisecond, 2
		o := run(t, Plan{Warmup: 300 * time.Millisecond, Measure: 1000 * time.Millisecond, Drain: time.Second, Entries: []Entry{e}})
		// A session lasts 350 ms, so the third and fourth of each four find two.
		if s := o.Series[0]; s.Dropped != 4 || s.Unfinished != 0 {
			t.Errorf("dropped %d, planned %d, unfinished %d", s.Dropped, s.Planned, s.Unfinished)
		}
	})
}

// Entries that draw alike have the same arrivals: the kinds of a mix are one
// process dealt out.
func TestEntriesThatDrawAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		due := func(entries ...Entry) []time.Time {
			var log seen
			for i := range entries {
				entries[i].NewCaller = callers(func(ctx context.Context, call *Call) {
					serve(ctx, call, 0, "OK")
					log.add(call)
				})
			}
			begin := time.Now()
			run(t, Plan{Seed: 4, Measure: 2 * time.Second, Entries: entries})
			var out []time.Time
			for _, c := range log.calls {
				out = append(out, time.Time{}.Add(c.Due.Sub(begin)))
			}
			slices.SortFunc(out, time.Time.Compare)
			return out
		}
		whole := open("mix", 300, nil)
		whole.Process = new(load.Poisson)
		kind := func(i int) Entry {
			e := open([]string{"a", "b"}[i], 300, nil)
			e.Process, e.Draws = &load.Thinned{Of: new(load.Poisson), Weights: []float64{3, 1}, Kind: i}, "mix"
			return e
		}
		if all, parts := due(whole), due(kind(0), kind(1)); !slices.EqualFunc(all, parts, time.Time.Equal) {
			t.Errorf("%d arrivals in one, %d in parts", len(all), len(parts))
		}
	})
}

// The spread of each second holds its OK calls.
func TestSpreadOfSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := run(t, Plan{Measure: 3 * time.Second, Drain: time.Second, Entries: []Entry{open("reads", 10, callers(func(ctx context.Context, call *Call) {
			serve(ctx, call, time.Duration(1+call.Ordinal)*time.Millisecond, []string{"OK", "ABORTED"}[call.Ordinal%2])
		}))}})
		for _, i := range o.Intervals {
			s := i.Series[0]
			if s.Spread.AtMost(1000) != s.OK {
				t.Errorf("second %d: %d OK, spread %+v", i.Second, s.OK, s.Spread)
			}
		}
		// The fastest took 1 ms, which is about 2^(40/4) µs.
		if s := o.Intervals[0].Series[0].Spread; s.First < 39 || s.First > 40 {
			t.Errorf("first class %d", s.First)
		}
	})
}

// Once there is enough, the measurement ends with the second that has begun:
// the books, the rates and the drain are of that length.
func TestEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []int
		var measured time.Duration
		var begin time.Time
		entries := []Entry{
			open("reads", 100, takes(250*time.Millisecond)),
			open("rare", 0.21, takes(time.Millisecond)), // due at 0, 4.76 and 9.52 s
			closed("sync", 2, 40*time.Millisecond, takes(10*time.Millisecond)),
			closed("slow", 1, 10*time.Second, takes(10*time.Millisecond)),
		}
		sessions := open("users", 1, takes(10*time.Millisecond))
		sessions.Session, sessions.Think = 100, 290*time.Millisecond
		o := run(t, Plan{
			Warmup: 3 * time.Second, Measure: time.Minute, Drain: 2 * time.Second, Entries: append(entries, sessions),
			Enough: func(i result.Interval) bool {
				asked = append(asked, i.Second)
				return i.Second >= 2
			},
			Barrier:    func(context.Context) (time.Time, error) { begin = time.Now(); return begin, nil },
			OnMeasured: func() { measured = time.Since(begin) },
		})
		if o.Measured != 4*time.Second || measured != o.Measured || o.Partial {
			t.Errorf("measured %v, told at %v, partial %v", o.Measured, measured, o.Partial)
		}
		if want := []int{0, 1, 2, 3, 4}; !slices.Equal(asked, want) {
			t.Errorf("asked after seconds %v", asked)
		}
		if s := o.Series[0]; s.Planned != 400 || s.OK() != 400 || s.OfferedPerS != 100 || s.AchievedPerS != 93.75 {
			t.Errorf("%+v", s)
		}
		if s := o.Series[1]; s.Planned != 1 || s.Unfinished != 0 {
			t.Errorf("a call beyond the end: %+v", s)
		}
		if s := o.Series[2]; s.Planned != 160 || s.OK() != 160 {
			t.Errorf("%+v", s)
		}
		// Those who sleep beyond the end are woken: the drain is as long as calls take.
		if d := time.Since(begin); d != 4250*time.Millisecond-10*time.Millisecond {
			t.Errorf("ended after %v", d)
		}
	})
}

// Whoever slept for a time that an end has moved before makes no call there, also
// where the two come at once.
func TestNothingIsDueAtAnEndThatMoved(t *testing.T) {
	session := open("users", 0.1, nil) // one, at once
	session.Session, session.Think = 9, 1990*time.Millisecond
	for name, test := range map[string]struct {
		entry      Entry
		closedPerS float64
		calls      int64
	}{
		"open":    {entry: open("reads", 0.5, nil), calls: 1},
		"session": {entry: session, calls: 1},
		"think":   {entry: closed("thinking", 1, 1990*time.Millisecond, nil), calls: 1},
		"held":    {entry: closed("held", 3, 0, nil), closedPerS: 2, calls: 4},
	} {
		t.Run(name, func(t *testing.T) {
			// Who wakes first at the end is drawn anew each time.
			for range 20 {
				synctest.Test(t, func(t *testing.T) {
					var log seen
					e := test.entry
					e.NewCaller = callers(func(ctx context.Context, call *Call) {
						log.add(call)
						serve(ctx, call, 10*time.Millisecond, "OK")
					})
					o := run(t, Plan{
						Measure: 10 * time.Second, Drain: time.Second, Entries: []Entry{e}, ClosedPerS: test.closedPerS,
						Enough: func(result.Interval) bool { return true }, // after 1 s: the end is at 2 s
					})
					if s := o.Series[0]; o.Measured != 2*time.Second || s.Planned != test.calls || s.Unfinished != 0 {
						t.Fatalf("measured %v, %d planned, %d unfinished, want %d", o.Measured, s.Planned, s.Unfinished, test.calls)
					}
					if s := o.Series[0]; test.closedPerS > 0 && s.Held != test.calls-1 {
						t.Errorf("%d held, of %d calls", s.Held, s.Calls)
					}
					for _, c := range log.calls {
						if due := c.Due.Sub(o.T0); due >= o.Measured {
							t.Errorf("a call was due at %v, measured %v", due, o.Measured)
						}
					}
				})
			}
		})
	}
}

// Enough is never too late: at the end that was planned nothing changes.
func TestEnoughAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := run(t, Plan{
			Measure: 2500 * time.Millisecond, Drain: time.Second, Entries: []Entry{open("reads", 10, takes(700*time.Millisecond))},
			Enough: func(i result.Interval) bool { return i.Second >= 1 },
		})
		if o.Measured != 2500*time.Millisecond || o.Series[0].Planned != 25 || o.Series[0].OK() != 25 {
			t.Errorf("measured %v, %+v", o.Measured, o.Series[0])
		}
	})
}
