package engine

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

func TestOpenLoopIsDueOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log seen
		e := open("reads", 1000, callers(func(ctx context.Context, call *Call) {
			serve(ctx, call, 5500*time.Microsecond, "OK")
			log.add(call)
		}))
		e.SLO = 6 * time.Millisecond
		o := run(t, Plan{Seed: 3, Measure: 2 * time.Second, Drain: time.Second, Entries: []Entry{e}})
		s := o.Series[0]
		if s.Planned != 2000 || s.OK() != 2000 || s.Attempts != 2000 || o.Partial {
			t.Fatalf("%+v", s)
		}
		if s.Loop != result.Open || s.OfferedPerS != 1000 || s.AchievedPerS != 997.5 || s.GoodputPerS != 1000 || s.InSLO != 1 {
			t.Errorf("%+v", s)
		}
		// Those due in the last 5.5 ms ended in the drain: they were no throughput.
		for i, c := range log.calls { // equal service times: they end in order
			due := o.T0.Add(time.Duration(i) * time.Millisecond)
			if !c.Due.Equal(due) || !c.Dispatch.Equal(due) || c.Ordinal != uint64(i) || c.Worker != -1 || c.Warmup {
				t.Fatalf("call %d: %+v", i, c)
			}
		}
		if m := s.Latency[result.Response]; m.MinNS != 5_500_000 || m.MaxNS != 5_500_000 || m.MeanNS != 5_500_000 {
			t.Errorf("response %+v", m)
		}
		if m := s.Latency[result.Lag]; m.Count != 2000 || m.MaxNS != 0 || o.LagP99 != 0 || o.SentShare != 1 {
			t.Errorf("lag %+v, p99 %v, sent %v", m, o.LagP99, o.SentShare)
		}
		for _, m := range []result.Measure{result.FirstMessage, result.MessageGap, result.ResponseFailed} {
			if got, ok := s.Latency[m]; !ok || got.Count != 0 || got.P50NS != nil {
				t.Errorf("%s: %+v, want an empty one", m, got)
			}
		}
		// Those due in the last 5.5 ms of a second are under way at its end.
		if len(o.Intervals) != 3 || o.Intervals[0].Series[0].InFlight != 5 || o.Intervals[2].Series[0].InFlight != 0 {
			t.Errorf("intervals %+v", o.Intervals)
		}
	})
}

// TestOpenLoopSeesAStall is the oracle against coordinated omission: at a
// constant rate with one stall S in a run of T, the response quantile q is
// S − (1−q)·T. Here the stalled server serves all that piled up at once.
func TestOpenLoopSeesAStall(t *testing.T) {
	const (
		length = 20 * time.Second
		stall  = 2 * time.Second
		from   = 5 * time.Second
	)
	synctest.Test(t, func(t *testing.T) {
		t0 := time.Now()
		e := open("reads", 500, callers(func(ctx context.Context, call *Call) {
			d := time.Microsecond
			if at := time.Since(t0); at >= from && at < from+stall {
				d += from + stall - at
			}
			serve(ctx, call, d, "OK")
		}))
		s := run(t, Plan{Measure: length, Drain: time.Second, Entries: []Entry{e}}).Series[0].Latency[result.Response]
		for q, got := range map[float64]*int64{0.95: s.P95NS, 0.99: s.P99NS, 0.999: s.P999NS} {
			want := float64(stall) - (1-q)*float64(length)
			// Precision of the histogram, and one gap of the schedule.
			if diff := math.Abs(float64(*got) - want); diff > want/1000+2e6 {
				t.Errorf("p%v is %v, want %v", 100*q, time.Duration(*got), time.Duration(want))
			}
		}
		if *s.P50NS > 2000 {
			t.Errorf("p50 is %v", time.Duration(*s.P50NS))
		}
	})
}

func TestOpenLoopDropsBeyondMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		e := open("reads", 100, callers(func(ctx context.Context, call *Call) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			serve(ctx, call, 95*time.Millisecond, "OK")
			now.Add(-1)
		}))
		e.MaxInFlight = 4
		o := run(t, Plan{Measure: 3 * time.Second, Drain: time.Second, Entries: []Entry{e}})
		// In each 100 ms: arrivals 0 to 3 fill it until 95 ms, 4 to 9 are dropped.
		s := o.Series[0]
		if s.Planned != 300 || s.Dropped != 180 || s.Calls != 120 || s.OK() != 120 || most.Load() != 4 {
			t.Errorf("planned %d, dropped %d, calls %d; at most %d at once", s.Planned, s.Dropped, s.Calls, most.Load())
		}
		if o.SentShare != 0.4 || s.OfferedPerS != 100 || s.AchievedPerS != 39 { // the last three ended in the drain
			t.Errorf("sent share %v, %+v", o.SentShare, s)
		}
		// Dropped calls rank last: the median is a call that never was.
		if m := s.Latency[result.Response]; m.P50NS != nil || m.MaxNS != int64(95*time.Millisecond) {
			t.Errorf("response %+v", m)
		}
		for n, i := range o.Intervals[:3] {
			if x := i.Series[0]; x.Planned != 100 || x.Dropped != 60 {
				t.Errorf("second %d: %+v", n, x)
			}
		}
	})
}

func TestOpenLoopReusesItsWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		e := open("reads", 1000, func() Caller {
			made.Add(1)
			return callerFunc(func(ctx context.Context, call *Call) { serve(ctx, call, 2500*time.Microsecond, "OK") })
		})
		run(t, Plan{Warmup: 2 * time.Second, Measure: 5 * time.Second, Drain: time.Second, Entries: []Entry{e}})
		// Three calls at once, and one worker that leads.
		if n := made.Load(); n != 4 {
			t.Errorf("%d workers were made for 3 calls at once", n)
		}
	})
}

// lateSleep is a generator that oversleeps once.
func lateSleep(at, by time.Duration) func(context.Context, time.Time) error {
	start := time.Now()
	var s timerSleeper
	return func(ctx context.Context, until time.Time) error {
		if until.Sub(start) == at {
			until = until.Add(by)
		}
		return s.sleep(ctx, until)
	}
}

func TestOverdueCallsAreSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := run(t, Plan{
			Measure: time.Second, Drain: time.Second,
			Entries: []Entry{open("reads", 100, takes(time.Millisecond))},
			Sleep:   lateSleep(500*time.Millisecond, 95*time.Millisecond),
		})
		s := o.Series[0]
		if s.Planned != 100 || s.OK() != 100 || o.SentShare != 1 {
			t.Errorf("%+v", s)
		}
		// Arrivals at 500, 510, … 590 ms went out at 595 ms.
		if m := s.Latency[result.Lag]; m.MaxNS != 95e6 || m.MeanNS != (95+85+75+65+55+45+35+25+15+5)*1e6/100 {
			t.Errorf("lag %+v", m)
		}
		if o.LagP99 < 85*time.Millisecond || o.LagP99 > 86*time.Millisecond {
			t.Errorf("lag p99 %v", o.LagP99)
		}
		if m := s.Latency[result.Response]; m.MaxNS != 96e6 {
			t.Errorf("response %+v", m)
		}
		if m := s.Latency[result.Service]; m.MaxNS != 1e6 {
			t.Errorf("service %+v", m)
		}
	})
}

func TestArrivalsNeverDispatchedAreUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := run(t, Plan{
			Measure: time.Second, Drain: time.Second,
			Entries: []Entry{open("reads", 100, takes(time.Millisecond))},
			Sleep:   lateSleep(500*time.Millisecond, time.Hour),
		})
		s := o.Series[0]
		if s.Planned != 100 || s.Calls != 100 || s.OK() != 50 || s.Unfinished != 50 || o.SentShare != 0.5 {
			t.Errorf("sent share %v, %+v", o.SentShare, s)
		}
	})
}

func TestCallSeeds(t *testing.T) {
	seeds := func(t *testing.T, plan Plan, d time.Duration) map[string]uint64 {
		m := make(map[string]uint64)
		var log seen
		plan.Warmup, plan.Measure, plan.Drain = time.Second, time.Second, time.Second
		logged := callers(func(ctx context.Context, call *Call) {
			serve(ctx, call, d, "OK")
			log.add(call)
		})
		plan.Entries = []Entry{open("reads", 50, logged), open("lists", 50, logged), closed("sync", 2, 20*time.Millisecond, logged)}
		plan.Entries[1].Process = new(load.Poisson)
		run(t, plan)
		for _, c := range log.calls {
			if _, twice := m[c.ID()]; twice {
				t.Errorf("two calls are %s", c.ID())
			}
			m[c.ID()] = c.Seed
		}
		return m
	}
	synctest.Test(t, func(t *testing.T) {
		a := seeds(t, Plan{Seed: 1, Block: 2}, time.Millisecond)
		distinct := make(map[uint64]bool)
		for _, seed := range a {
			distinct[seed] = true
		}
		if len(distinct) != len(a) {
			t.Errorf("%d calls, %d seeds", len(a), len(distinct))
		}
		for _, id := range []string{"reads/0", "w/reads/49", "lists/0", "sync/0/0", "sync/1/3", "w/sync/1/0"} {
			if _, ok := a[id]; !ok {
				t.Errorf("no call %s", id)
			}
		}
		// Another variant, where calls take longer, draws the same.
		for id, seed := range seeds(t, Plan{Seed: 1, Block: 2}, 30*time.Millisecond) {
			if a[id] != seed {
				t.Fatalf("%s: seed %x in one variant, %x in another", id, a[id], seed)
			}
		}
		for _, other := range []Plan{{Seed: 2, Block: 2}, {Seed: 1, Block: 3}} {
			if seeds(t, other, time.Millisecond)["reads/0"] == a["reads/0"] {
				t.Errorf("%+v: the same seeds", other)
			}
		}
	})
}
