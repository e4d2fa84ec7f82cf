package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestMeasures gives each timestamp a place of its own, so that a measure
// taken from the wrong two shows.
func TestMeasures(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		e := open("lists", 1, callers(func(ctx context.Context, call *Call) {
			rest(ctx, 10*ms) // waiting for the pool, say
			if call.Ordinal == 2 {
				call.Code, call.Origin = "UNAVAILABLE", result.OriginPool
				return
			}
			call.Sent = time.Now()
			rest(ctx, 30*ms)
			call.First = time.Now()
			rest(ctx, 160*ms)
			call.Code, call.Picks = "OK", 2
			if call.Ordinal == 1 {
				call.Code, call.Origin = "INTERNAL", result.OriginServer
			}
			call.Attempts = append(call.Attempts, result.Attempt{DurationNS: int64(50 * ms)}, result.Attempt{DurationNS: int64(90 * ms)})
			call.Gaps = append(call.Gaps, 70*ms, 90*ms)
			call.Responses = append(call.Responses, 4*ms, 6*ms)
		}))
		e.Kind = result.ServerStream
		s := run(t, Plan{
			Measure: 3 * time.Second, Drain: time.Second, Entries: []Entry{e}, Sleep: lateSleep(time.Second, 5*ms),
		}).Series[0]
		got := make(map[result.Measure][4]time.Duration)
		for name, m := range s.Latency {
			got[name] = [4]time.Duration{time.Duration(m.Count), time.Duration(m.MinNS), time.Duration(m.MaxNS), time.Duration(m.MeanNS)}
		}
		// Calls: 0 is OK, 1 late by 5 ms and failed, 2 failed and never sent.
		want := map[result.Measure][4]time.Duration{
			result.Response:       {1, 200 * ms, 200 * ms, 200 * ms},
			result.ResponseFailed: {2, 10 * ms, 205 * ms, 107500 * time.Microsecond},
			result.Service:        {1, 190 * ms, 190 * ms, 190 * ms},
			result.Wait:           {3, 10 * ms, 15 * ms, 11666667},
			result.Lag:            {3, 0, 5 * ms, 1666667},
			result.AttemptTime:    {4, 50 * ms, 90 * ms, 70 * ms},
			result.FirstMessage:   {2, 30 * ms, 30 * ms, 30 * ms},
			result.MessageGap:     {4, 70 * ms, 90 * ms, 80 * ms},

			result.MessageResponse: {4, 4 * ms, 6 * ms, 5 * ms},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[result.Origin]int64{result.OriginPool: 1, result.OriginServer: 1}, s.Origins); diff != "" {
			t.Error(diff)
		}
	})
}

// TestLagOfMessages: that of paced messages counts beside that of calls, in a
// closed loop alone, and of calls that fail or do not end as well.
func TestLagOfMessages(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		lagging := callers(func(ctx context.Context, call *Call) {
			call.Lags = append(call.Lags, 0, 20*ms)
			d, code := 500*ms, "OK"
			switch call.Ordinal {
			case 1:
				code = "UNAVAILABLE"
			case 2:
				d = time.Hour
			}
			serve(ctx, call, d, code)
		})
		feed := open("feed", 2, lagging)
		crew := closed("crew", 1, 0, lagging)
		o := run(t, Plan{Measure: 2 * time.Second, Drain: 2 * time.Second, Entries: []Entry{feed, crew}})
		// 4 calls of the open loop, each in time; 3 of the closed one.
		if m := o.Series[0].Latency[result.Lag]; m.Count != 4+2*4 || m.MaxNS != int64(20*ms) {
			t.Errorf("open loop: %+v", m)
		}
		if m := o.Series[1].Latency[result.Lag]; m.Count != 2*3 || m.MaxNS != int64(20*ms) {
			t.Errorf("closed loop: %+v", m)
		}
		if o.LagP99 < 20*ms || o.LagP99 > 20*ms+20*time.Microsecond {
			t.Errorf("lag p99 %v", o.LagP99)
		}
	})
}

// TestMessagesOfUnfinishedCallsCount: what was answered on a stream that does not
// end before the drain does has been measured, though the call has not. That of the
// warm-up is none of the measurement.
func TestMessagesOfUnfinishedCallsCount(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		e := open("feed", 2, callers(func(ctx context.Context, call *Call) {
			call.Sent, call.Picks = time.Now(), 1
			for rest(ctx, 450*ms) { // never ends by itself
				if !call.First.IsZero() {
					call.Gaps = append(call.Gaps, 450*ms)
				} else {
					call.First = time.Now()
				}
				call.Responses = append(call.Responses, 3*ms)
			}
			call.Code, call.Origin = "CANCELLED", result.OriginClient
		}))
		e.Kind = result.BidiStream
		s := run(t, Plan{Warmup: time.Second, Measure: time.Second, Drain: time.Second, Entries: []Entry{e}}).Series[0]
		if s.Calls != 2 || s.Unfinished != 2 || len(s.Codes) != 0 || s.Attempts != 2 {
			t.Errorf("%+v", s)
		}
		// The calls begin at 0 and 0.5 s and are cut off at 2 s.
		if m := s.Latency[result.MessageResponse]; m.Count != 4+3 || m.MinNS != int64(3*ms) || m.MaxNS != int64(3*ms) {
			t.Errorf("message responses: %+v", m)
		}
		if m := s.Latency[result.MessageGap]; m.Count != 3+2 || m.MaxNS != int64(450*ms) {
			t.Errorf("gaps: %+v", m)
		}
		for _, m := range []result.Measure{result.Response, result.ResponseFailed, result.Service, result.Wait, result.AttemptTime} {
			if n := s.Latency[m].Count; n != 0 {
				t.Errorf("%s: %d of calls that did not end", m, n)
			}
		}
	})
}

func TestGoodputIsWithinTheSLO(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open("reads", 100, callers(func(ctx context.Context, call *Call) {
			code := "OK"
			if call.Ordinal >= 80 {
				code = "UNAVAILABLE"
			}
			serve(ctx, call, time.Duration(call.Ordinal)*time.Millisecond, code)
		}))
		e.SLO = 59 * time.Millisecond
		s := run(t, Plan{Measure: time.Second, Drain: time.Second, Entries: []Entry{e}}).Series[0]
		if s.GoodputPerS != 60 || s.InSLO != 0.6 || s.AchievedPerS != 80 {
			t.Errorf("%+v", s)
		}
		// The failed ones rank last, though the fleet refused quickly.
		r := s.Latency[result.Response]
		if r.P90NS != nil || r.P50NS == nil {
			t.Errorf("%+v", r)
		}
	})
}

// TestSeconds ends calls on both sides of a second, and at it.
func TestSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open("reads", 4, callers(func(ctx context.Context, call *Call) {
			// Due at 0, 250, 500, 750 ms: ends at 999.999999, 1000, 1000.000001 ms, 2 s.
			ends := []time.Duration{time.Second - 1, time.Second, time.Second + 1, 2 * time.Second}
			serve(ctx, call, ends[call.Ordinal]-time.Duration(call.Ordinal)*250*time.Millisecond, "OK")
		}))
		o := run(t, Plan{Measure: time.Second, Drain: 5 * time.Second, Entries: []Entry{e}})
		var got []string
		for _, i := range o.Intervals {
			s := i.Series[0]
			got = append(got, fmt.Sprint(i.Second, s.Planned, s.OK, s.InFlight))
		}
		if diff := cmp.Diff([]string{"0 4 1 3", "1 0 2 1", "2 0 1 0"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestALateCollectorLosesNothing records into seconds that have been
// collected, and into ones that are not open yet.
func TestALateCollectorLosesNothing(t *testing.T) {
	start := time.Now()
	r := newRecorder([]Entry{open("reads", 1, nil)})
	r.begin(start, start.Add(time.Hour), start.Add(time.Hour))
	record := func(second float64) {
		place := r.place(int(second))
		call := Call{Entry: &r.entries[0], Code: "OK", Due: start, Done: start.Add(time.Duration(second * float64(time.Second)))}
		r.finish(&place, 0, &call, false)
	}
	for _, want := range []struct {
		ends []float64
		ok   int64
	}{
		{[]float64{0.5, 7}, 1}, // 7 goes to second 1
		{[]float64{0.5, 1}, 3}, // 0.5 is over: into 1 as well
		{nil, 0},
		{[]float64{2, 3, 9}, 2}, // 9 goes to second 4
		{nil, 1},
	} {
		for _, end := range want.ends {
			record(end)
		}
		if s := r.collect(); s.entries[0].codes.ok() != want.ok || s.entries[0].response == nil && want.ok > 0 {
			t.Errorf("%+v: %d calls", want, s.entries[0].codes.ok())
		}
	}
	if r.pending() || r.total.entries[0].codes.ok() != 7 || r.total.entries[0].response.Count() != 7 {
		t.Errorf("%d calls in all", r.total.entries[0].codes.ok())
	}
	record(5)
	if !r.pending() {
		t.Error("a recorded call is not pending")
	}
	r.close()
	record(5)
	if r.collect().entries[0].codes.ok() != 1 {
		t.Error("a call was counted after the books were closed")
	}
}

// TestTheDrainEndsForAll has a call end just before the end of the drain and
// one at it, which is too late even when the books are still open.
func TestTheDrainEndsForAll(t *testing.T) {
	start := time.Now()
	r := newRecorder([]Entry{open("reads", 1, nil)})
	r.begin(start, start.Add(time.Second), start.Add(time.Second))
	place := r.place(0)
	for _, at := range []time.Duration{time.Second - 1, time.Second} {
		r.finish(&place, 0, &Call{Entry: &r.entries[0], Code: "OK", Picks: 1, Due: start, Done: start.Add(at)}, false)
	}
	r.close()
	r.settle(start.Add(time.Second), []int64{0})
	if e := r.collect().entries[0]; e.codes.ok() != 1 || e.picks != 1 {
		t.Errorf("%d calls, %d attempts in the last second", e.codes.ok(), e.picks)
	}
	if e := r.collect().entries[0]; e.codes.ok() != 0 || e.picks != 1 {
		t.Errorf("%d calls, %d attempts after the drain", e.codes.ok(), e.picks)
	}
	if n := len(r.exemplars.list(start)); n != 1 {
		t.Errorf("%d exemplars", n)
	}
}

func TestCodes(t *testing.T) {
	for i, name := range codeNames {
		if codeIndex(name) != i {
			t.Errorf("%s is %d, want %d", name, codeIndex(name), i)
		}
	}
	var a, b codeCounts
	a.add("OK")
	a.add("")
	a.add("MADE_UP")
	b.add("UNAVAILABLE")
	b.add("MADE_UP")
	a.merge(&b)
	if diff := cmp.Diff(map[string]int64{"OK": 1, "UNKNOWN": 1, "MADE_UP": 2, "UNAVAILABLE": 1}, a.byName()); diff != "" {
		t.Error(diff)
	}
	if a.sum() != 5 || a.ok() != 1 {
		t.Errorf("sum %d, ok %d", a.sum(), a.ok())
	}
	a.reset()
	if a.sum() != 0 || len(a.byName()) != 0 {
		t.Error("reset left something")
	}
	for i := range 1000 {
		a.add(fmt.Sprint("C", i))
	}
	if a.sum() != 1000 || len(a.other) != maxOtherCodes {
		t.Errorf("%d calls, %d codes", a.sum(), len(a.other))
	}
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	for i := range 1000 {
		f.add(&Call{Code: "UNAVAILABLE", Origin: result.OriginTransport, Message: fmt.Sprint("refused from port ", i%100)})
	}
	f.add(&Call{Message: strings.Repeat("é", 300)})
	for i := range 1000 {
		f.add(&Call{Code: fmt.Sprint("C", i), Message: "x"})
	}
	list := f.list()
	if len(list) > maxFailureKinds+1 {
		t.Errorf("%d kinds of failure", len(list))
	}
	var sum, others int64
	messages := 0
	for _, e := range list {
		sum += e.Count
		switch {
		case e.Message == otherMessages && e.Code == "UNAVAILABLE":
			others = e.Count
		case e.Message != otherMessages:
			messages++
		}
	}
	if sum != 2001 || others != 500 || messages != maxMessages || list[0].Count < list[1].Count {
		t.Errorf("%d failures, %d of other messages, %d messages", sum, others, messages)
	}
	if f.byOrigin()[result.OriginTransport] != 1000 || len(f.byOrigin()) != 1 {
		t.Errorf("%v", f.byOrigin())
	}
}

func TestMessagesAreCut(t *testing.T) {
	if s := cut(strings.Repeat("x", 200)); len(s) != 200 {
		t.Errorf("%d bytes", len(s))
	}
	s := cut("x" + strings.Repeat("é", 300))
	if len(s) != 199 || !utf8.ValidString(s) {
		t.Errorf("%d bytes, valid: %v", len(s), utf8.ValidString(s))
	}
}
