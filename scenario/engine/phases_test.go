package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

func TestBarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var inFlight atomic.Int64
		var log seen
		counted := callers(func(ctx context.Context, call *Call) {
			inFlight.Add(1)
			serve(ctx, call, 350*time.Millisecond, "OK")
			inFlight.Add(-1)
			log.add(call)
		})
		var at, t0 time.Time
		o := run(t, Plan{
			Warmup: 2 * time.Second, Measure: time.Second, Drain: time.Second,
			Entries: []Entry{open("reads", 10, counted), closed("sync", 2, 0, counted)},
			Barrier: func(context.Context) (time.Time, error) {
				at = time.Now()
				if n := inFlight.Load(); n != 0 {
					t.Errorf("%d calls in flight at the barrier", n)
				}
				t0 = at.Add(700 * time.Millisecond)
				return t0.Round(0), nil // as from another process: no monotonic reading
			},
		})
		// The last warm-up calls began at 1.9 s (open) and 1.75 s (closed).
		if got, want := at.Sub(begin), 2250*time.Millisecond; got != want {
			t.Errorf("barrier after %v, want %v", got, want)
		}
		if !o.T0.Equal(t0) {
			t.Errorf("t0 is %v, want %v", o.T0, t0)
		}
		for _, c := range log.calls {
			if c.Warmup != c.Due.Before(at) || !c.Warmup && (c.Due.Before(t0) || !c.Due.Before(t0.Add(time.Second))) {
				t.Errorf("%s was due %v after the barrier", c.ID(), c.Due.Sub(at))
			}
		}
		if o.Series[0].Planned != 10 || o.Series[1].Planned != 6 {
			t.Errorf("planned %d and %d", o.Series[0].Planned, o.Series[1].Planned)
		}
		if d := time.Since(t0); d != 1250*time.Millisecond {
			t.Errorf("ended %v after t0", d)
		}
	})
}

func TestBarrierFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the fleet is gone")
		o, err := Run(t.Context(), Plan{
			Warmup: time.Second, Measure: time.Second, Entries: []Entry{open("reads", 10, takes(0))},
			Barrier: func(context.Context) (time.Time, error) { return time.Time{}, broken },
		})
		if o != nil || !errors.Is(err, broken) {
			t.Errorf("%v, %v", o, err)
		}
	})
}

// The responses of a second are lent to who is told of it, and are all that the
// series counts together; afterwards nobody has them.
func TestResponsesAreLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lent := result.NewHistogram()
		o := run(t, Plan{
			Warmup: time.Second, Measure: 3 * time.Second, Drain: time.Second, Entries: []Entry{open("reads", 50, takes(20*time.Millisecond))},
			OnInterval: func(i result.Interval) {
				s := i.Series[0]
				if s.Responses == nil || s.Responses.Count() != s.OK {
					t.Errorf("second %d: not the responses of %d calls", i.Second, s.OK)
				} else if i.Second >= 0 {
					lent.Merge(s.Responses)
				}
			},
		})
		want, err := o.Series[0].Latency[result.Response].Histogram()
		if err != nil {
			t.Fatal(err)
		}
		qs := []float64{0.01, 0.5, 0.99, 1}
		if diff := cmp.Diff(want.Quantiles(want.Count(), qs...), lent.Quantiles(lent.Count(), qs...)); diff != "" || lent.Count() != want.Count() {
			t.Errorf("%d of %d calls (-series +seconds):\n%s", lent.Count(), want.Count(), diff)
		}
		for _, i := range o.Intervals {
			if i.Series[0].Responses != nil {
				t.Errorf("second %d still has them", i.Second)
			}
		}
	})
}

func TestWarmupIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var got []string
		run(t, Plan{
			Warmup: 2500 * time.Millisecond, Measure: 1500 * time.Millisecond, Drain: 2 * time.Second,
			Entries: []Entry{open("reads", 10, takes(1020*time.Millisecond))},
			OnInterval: func(i result.Interval) {
				s := i.Series[0]
				got = append(got, fmt.Sprintf("%v: second %d planned %d ok %d in flight %d",
					time.Since(begin), i.Second, s.Planned, s.OK, s.InFlight))
			},
		})
		want := []string{
			"1s: second -3 planned 10 ok 0 in flight 10",
			"2s: second -2 planned 10 ok 10 in flight 10",
			"2.5s: second -1 planned 5 ok 5 in flight 10",
			// Drained at 2.4 s + 1.02 s.
			"4.42s: second 0 planned 10 ok 0 in flight 10",
			"5.42s: second 1 planned 5 ok 10 in flight 5",
			"5.84s: second 2 planned 0 ok 5 in flight 0",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open("reads", 10, callers(func(ctx context.Context, call *Call) {
			if call.Ordinal%2 == 0 {
				serve(ctx, call, 700*time.Millisecond, "OK")
				return
			}
			serve(ctx, call, time.Hour, "OK") // CANCELLED, after the books were closed
			call.Picks = 3
		}))
		c := closed("sync", 3, 0, takes(time.Minute))
		o := run(t, Plan{Measure: time.Second, Drain: 500 * time.Millisecond, Entries: []Entry{e, c}})
		// Of the even ones, those due at 0 … 600 ms end before 1.5 s; that of 800 ms
		// ends at the very end: too late.
		s := o.Series[0]
		if s.Planned != 10 || s.OK() != 4 || s.Unfinished != 6 || len(s.Codes) != 1 || len(s.Errors) != 0 || len(s.Origins) != 0 {
			t.Errorf("%+v", s)
		}
		if s.Attempts != 4+1+5*3 {
			t.Errorf("%d attempts", s.Attempts)
		}
		if s := o.Series[1]; s.Planned != 3 || s.Unfinished != 3 || s.Attempts != 3 || s.OfferedPerS != 3 || s.InSLO != 0 {
			t.Errorf("%+v", s)
		}
		if m := o.Series[1].Latency[result.Response]; m.Count != 0 || m.P50NS != nil {
			t.Errorf("response of no call: %+v", m)
		}
		if d := time.Since(o.T0); d != 1500*time.Millisecond || o.Partial || o.Measured != time.Second {
			t.Errorf("ended after %v, measured %v, partial %v", d, o.Measured, o.Partial)
		}
		if n := len(o.Exemplars); n != 4 {
			t.Errorf("%d exemplars of 4 calls that ended", n)
		}
	})
}

// TestAnOverdueWarmupEnds oversleeps in the warm-up: what is due then must not
// be sent when no calls are to be made any more.
func TestAnOverdueWarmupEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var warm atomic.Int64
		e := open("reads", 100, callers(func(ctx context.Context, call *Call) {
			if call.Warmup {
				warm.Add(1)
			}
			serve(ctx, call, time.Millisecond, "OK")
		}))
		o := run(t, Plan{
			Warmup: time.Second, Measure: time.Second, Drain: 2 * time.Second, Entries: []Entry{e},
			Sleep: lateSleep(500*time.Millisecond, 700*time.Millisecond),
		})
		// The call that was due at 500 ms goes out at 1.2 s; the 49 after it do not.
		if n := warm.Load(); n != 51 || o.Series[0].OK() != 100 {
			t.Errorf("%d calls in the warm-up, %+v", n, o.Series[0])
		}
		if d := o.T0.Sub(begin); d != 1201*time.Millisecond {
			t.Errorf("t0 after %v", d)
		}
	})
}

func TestThePhaseLastsWhenTheLoadEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		o := run(t, Plan{
			Warmup: 1500 * time.Millisecond, Measure: 2500 * time.Millisecond, Drain: time.Second,
			Entries: []Entry{open("reads", 1, takes(time.Millisecond)), closed("sync", 1, 2*time.Second, takes(time.Millisecond))},
		})
		if d := o.T0.Sub(begin); d != 1500*time.Millisecond {
			t.Errorf("warm-up took %v", d)
		}
		if d := time.Since(o.T0); d != 2500*time.Millisecond || len(o.Intervals) != 3 {
			t.Errorf("measurement took %v, %d intervals", d, len(o.Intervals))
		}
	})
}

func TestThinkTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log seen
		e := closed("sync", 2, 40*time.Millisecond, callers(func(ctx context.Context, call *Call) {
			serve(ctx, call, 10*time.Millisecond, "OK")
			log.add(call)
		}))
		o := run(t, Plan{Measure: time.Second, Drain: time.Second, Entries: []Entry{e}})
		s := o.Series[0]
		if s.Planned != 40 || s.OK() != 40 || s.Loop != result.Closed || s.OfferedPerS != 40 || o.SentShare != 1 {
			t.Errorf("%+v", s)
		}
		if m := s.Latency[result.Lag]; m.Count != 0 {
			t.Errorf("a closed loop has no lag, got %+v", m)
		}
		for _, c := range log.calls {
			due := o.T0.Add(time.Duration(c.Ordinal) * 50 * time.Millisecond)
			if !c.Due.Equal(due) || !c.Dispatch.Equal(due) {
				t.Errorf("%s was due at %v", c.ID(), c.Due.Sub(o.T0))
			}
		}
	})
}

// TestInterrupted ends the run at many moments: always books that hold, no
// error that no server caused, nothing left behind (the bubble sees to that).
func TestInterrupted(t *testing.T) {
	const warmup, measure, drain = 1000 * time.Millisecond, 2000 * time.Millisecond, 500 * time.Millisecond
	for _, at := range []time.Duration{0, 1, 500 * time.Millisecond, 999_999_999, 1_000_000_001, 1_200_000_000, 1_250_000_001,
		1_750_000_001, 2_300_000_001, 3_249_999_999, 3_250_000_001, 3_600_000_001, 3_749_999_999} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			begin := time.Now()
			time.AfterFunc(at, cancel)
			plan := Plan{
				Warmup: warmup, Measure: measure, Drain: drain,
				Entries: []Entry{
					open("reads", 100, takes(200*time.Millisecond)),
					open("hung", 10, takes(time.Hour)),
					closed("sync", 2, 7*time.Millisecond, takes(3*time.Millisecond)),
				},
				Barrier: func(context.Context) (time.Time, error) { return time.Now().Add(50 * time.Millisecond), nil },
			}
			plan.Entries[1].MaxInFlight = 5
			o, err := Run(ctx, plan)
			if took := time.Since(begin); took != at {
				t.Errorf("interrupted at %v, returned at %v", at, took)
			}
			// The hung calls fill the drain of the warm-up: t0 is at 1.55 s.
			const t0 = warmup + drain + 50*time.Millisecond
			if at < t0 {
				if o != nil || !errors.Is(err, context.Canceled) {
					t.Errorf("at %v: %v, %v", at, o, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkBooks(t, &plan, o)
			measured := min(at-t0, measure)
			if !o.Partial || o.Measured != measured || o.SentShare < 0.2 {
				t.Errorf("at %v: partial %v, measured %v, sent share %v", at, o.Partial, o.Measured, o.SentShare)
			}
			for i, every := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
				want := int64((measured + every - 1) / every)
				if s := o.Series[i]; s.Planned != want || s.Codes["CANCELLED"] != 0 {
					t.Errorf("at %v: %s: planned %d, want %d; %v", at, s.Name, s.Planned, want, s.Codes)
				}
			}
		})
	}
}

// TestBooks runs random callers, loads and phases; run checks the books.
func TestBooks(t *testing.T) {
	codes := []string{"OK", "OK", "OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "", "MADE_UP"}
	for seed := range uint64(25) {
		draw := func(purpose, n uint64) uint64 { return load.Mix(seed, purpose) % n }
		synctest.Test(t, func(t *testing.T) {
			random := callers(func(ctx context.Context, call *Call) {
				pick := func(purpose, n uint64) uint64 { return load.Mix(call.Seed, purpose) % n }
				d := time.Duration(pick(1, 300)) * time.Millisecond
				if pick(2, 50) == 0 {
					d = time.Hour
				}
				serve(ctx, call, d, codes[pick(3, uint64(len(codes)))])
				if call.Code == "" {
					call.Message = fmt.Sprintf("message %d", call.Seed)
				}
				if pick(4, 10) == 0 {
					call.Sent, call.Picks, call.Attempts = time.Time{}, 0, call.Attempts[:0]
				}
			})
			plan := Plan{
				Seed: seed, Warmup: time.Duration(draw(1, 3)) * 700 * time.Millisecond,
				Measure: time.Duration(1+draw(2, 3000)) * time.Millisecond, Drain: time.Duration(draw(3, 4)) * 333 * time.Millisecond,
				Entries: []Entry{
					open("constant", float64(1+draw(4, 300)), random),
					open("poisson", float64(1+draw(5, 300)), random),
					closed("closed", int(1+draw(6, 9)), time.Duration(draw(7, 3))*10*time.Millisecond, random),
				},
			}
			plan.Entries[0].MaxInFlight = int(1 + draw(8, 40))
			plan.Entries[1].Process = new(load.Poisson)
			plan.Entries[1].SLO = 150 * time.Millisecond
			plan.Entries[2].Kind = result.BidiStream
			// The closed loop's calls may take no time at all.
			plan.Entries[2].NewCaller = callers(func(ctx context.Context, call *Call) {
				random().Call(ctx, call)
				rest(ctx, time.Millisecond)
			})
			o := run(t, plan)
			// The schedules are followed to the letter.
			for i := range 2 {
				e := &plan.Entries[i]
				schedule := e.Process.Schedule(e.RatePerSecond, phaseSeed(&plan, e.Name, false, purposeArrivals))
				var want int64
				for schedule.Next() < plan.Measure {
					want++
				}
				if o.Series[i].Planned != want {
					t.Errorf("%s: planned %d of %d arrivals", e.Name, o.Series[i].Planned, want)
				}
			}
		})
	}
}

func TestPlanIsChecked(t *testing.T) {
	good := func() Plan {
		return Plan{Measure: time.Second, Entries: []Entry{open("reads", 10, takes(0)), closed("sync", 1, 0, takes(0))}}
	}
	if plan := good(); plan.check() != nil {
		t.Fatal(plan.check())
	}
	for name, spoil := range map[string]func(*Plan){
		"engine: measure: must be > 0 (got 0s)":                                        func(p *Plan) { p.Measure = 0 },
		"engine: warmup: must be >= 0 (got -1ns)":                                      func(p *Plan) { p.Warmup = -1 },
		"engine: drain: must be >= 0 (got -1ns)":                                       func(p *Plan) { p.Drain = -1 },
		"engine: no load entries":                                                      func(p *Plan) { p.Entries = nil },
		`engine: two load entries are named "reads"`:                                   func(p *Plan) { p.Entries[1].Name = "reads" },
		"engine: load entry 0 (reads): rate must be > 0 and finite (got 0)":            func(p *Plan) { p.Entries[0].RatePerSecond = 0 },
		"engine: load entry 0 (reads): max in flight must be > 0 (got 0)":              func(p *Plan) { p.Entries[0].MaxInFlight = 0 },
		"engine: load entry 0 (reads): has both an arrival process and workers":        func(p *Plan) { p.Entries[0].Workers = 1 },
		"engine: load entry 1 (sync): needs an arrival process or workers > 0 (got 0)": func(p *Plan) { p.Entries[1].Workers = 0 },
		"engine: load entry 1 (sync): think must be >= 0 (got -1ns)":                   func(p *Plan) { p.Entries[1].Think = -1 },
		"engine: load entry 1 (sync): no NewCaller":                                    func(p *Plan) { p.Entries[1].NewCaller = nil },
	} {
		plan := good()
		spoil(&plan)
		if _, err := Run(t.Context(), plan); err == nil || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}
