package engine

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// callerFunc is a Caller without state.
type callerFunc func(ctx context.Context, call *Call)

func (f callerFunc) Call(ctx context.Context, call *Call) { f(ctx, call) }

func callers(f callerFunc) func() Caller { return func() Caller { return f } }

// takes makes callers whose calls are sent at once, end OK after d, and are
// CANCELLED when ctx ends before.
func takes(d time.Duration) func() Caller {
	return callers(func(ctx context.Context, call *Call) { serve(ctx, call, d, "OK") })
}

// serve makes one call with one attempt.
func serve(ctx context.Context, call *Call, d time.Duration, code string) {
	call.Sent = time.Now()
	call.Picks = 1
	call.Code = code
	if !rest(ctx, d) {
		call.Code, call.Origin, call.Message = "CANCELLED", result.OriginClient, "context canceled"
	} else if code != "OK" {
		call.Origin, call.Message = result.OriginServer, "as told"
	}
	call.Attempts = append(call.Attempts, result.Attempt{
		Backend: "b0", Code: call.Code, StartNS: int64(call.Sent.Sub(call.Due)), DurationNS: int64(time.Since(call.Sent)),
	})
}

// rest waits for d, or returns false when ctx ends before.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// seen is a log of calls, kept as copies.
type seen struct {
	mu    sync.Mutex
	calls []Call
}

func (s *seen) add(call *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, *call)
}

func open(name string, rate float64, c func() Caller) Entry {
	return Entry{
		Name: name, Method: "GetUser", Kind: result.Unary, Process: new(load.Constant), RatePerSecond: rate, MaxInFlight: 10_000, NewCaller: c,
	}
}

func closed(name string, workers int, think time.Duration, c func() Caller) Entry {
	return Entry{Name: name, Method: "GetUser", Kind: result.Unary, Workers: workers, Think: think, NewCaller: c}
}

func run(t *testing.T, plan Plan) *Outcome {
	t.Helper()
	o, err := Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	checkBooks(t, &plan, o)
	return o
}

// checkBooks checks all that must hold of any outcome.
func checkBooks(t *testing.T, plan *Plan, o *Outcome) {
	t.Helper()
	if len(o.Series) != len(plan.Entries) {
		t.Fatalf("%d series of %d entries", len(o.Series), len(plan.Entries))
	}
	for i, s := range o.Series {
		var codes, failed, origins, errors int64
		for code, n := range s.Codes {
			codes += n
			if code != "OK" {
				failed += n
			}
		}
		for _, n := range s.Origins {
			origins += n
		}
		for _, e := range s.Errors {
			errors += e.Count
		}
		if s.Planned != s.Calls+s.Dropped {
			t.Errorf("%s: planned %d ≠ calls %d + dropped %d", s.Name, s.Planned, s.Calls, s.Dropped)
		}
		if s.Calls != codes+s.Unfinished {
			t.Errorf("%s: calls %d ≠ codes %d + unfinished %d", s.Name, s.Calls, codes, s.Unfinished)
		}
		if s.Unfinished < 0 || s.Dropped < 0 || origins != failed || errors != failed {
			t.Errorf("%s: unfinished %d, dropped %d; %d failed, %d with origin, %d with message",
				s.Name, s.Unfinished, s.Dropped, failed, origins, errors)
		}
		l := s.Latency
		if l[result.Response].Count != s.OK() || l[result.ResponseFailed].Count != failed || l[result.Wait].Count != codes {
			t.Errorf("%s: %d OK and %d failed calls, but %d responses, %d failed ones, %d waits", s.Name, s.OK(), failed,
				l[result.Response].Count, l[result.ResponseFailed].Count, l[result.Wait].Count)
		}

		// The seconds add up to the whole.
		var sum result.IntervalSeries
		sum.Codes = make(map[string]int64)
		var inFlight int64
		for n, interval := range o.Intervals {
			if interval.Second != n {
				t.Fatalf("interval %d is of second %d", n, interval.Second)
			}
			x := interval.Series[i]
			sum.Planned += x.Planned
			sum.Dropped += x.Dropped
			sum.OK += x.OK
			sum.Failed += x.Failed
			sum.InSLO += x.InSLO
			sum.Attempts += x.Attempts
			for code, n := range x.Codes {
				sum.Codes[code] += n
			}
			if x.InFlight < 0 {
				t.Errorf("%s: %d in flight after second %d", s.Name, x.InFlight, n)
			}
			inFlight = x.InFlight
		}
		if sum.Planned != s.Planned || sum.Dropped != s.Dropped || sum.OK != s.OK() || sum.Failed != failed || sum.Attempts != s.Attempts {
			t.Errorf("%s: intervals add up to %+v, the series is %+v", s.Name, sum, s)
		}
		for code, n := range s.Codes {
			if sum.Codes[code] != n {
				t.Errorf("%s: %d %s by interval, %d in all", s.Name, sum.Codes[code], code, n)
			}
		}
		if inFlight > s.Unfinished {
			t.Errorf("%s: %d in flight at the end, %d unfinished", s.Name, inFlight, s.Unfinished)
		}
		if s.Planned > 0 && s.InSLO != float64(sum.InSLO)/float64(s.Planned) {
			t.Errorf("%s: in SLO %v, by interval %d of %d", s.Name, s.InSLO, sum.InSLO, s.Planned)
		}
	}
}
