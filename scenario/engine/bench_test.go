package engine

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// endlessly is a recorder in the middle of a phase, and a call that ended.
func endlessly() (*recorder, *Call) {
	r := newRecorder([]Entry{open("reads", 1, nil)})
	start := time.Now()
	r.begin(start, start.Add(time.Hour), start.Add(time.Hour))
	call := &Call{
		Entry: &r.entries[0], Worker: -1, Due: start, Dispatch: start.Add(time.Microsecond), Sent: start.Add(2 * time.Microsecond),
		Done: start.Add(time.Millisecond), Code: "OK", Picks: 1,
		Attempts: []result.Attempt{{Backend: "b0", Code: "OK", DurationNS: 900_000}},
	}
	return r, call
}

// vary makes the i-th call differ from the one before.
func vary(call *Call, i int) {
	call.Ordinal = uint64(i)
	call.Done = call.Due.Add(time.Millisecond + time.Duration(load.Mix(uint64(i))%1_000_000))
}

// BenchmarkRecord records calls of an open loop, whose lag counts too, with
// timestamps given, from as many workers as it says.
func BenchmarkRecord(b *testing.B) {
	r, call := endlessly()
	done := make([]time.Time, 1024)
	for i := range done {
		vary(call, i)
		done[i] = call.Done
	}
	for _, workers := range []int{1, 2, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			before := cpuTime()
			each := b.N/workers + 1
			var group sync.WaitGroup
			for w := range workers {
				group.Go(func() {
					place, call := r.place(w), *call
					for i := range each {
						call.Ordinal, call.Done = uint64(i), done[i%len(done)]
						r.arrival(&place, 0, call.Due, call.Dispatch, false)
						r.finish(&place, 0, &call, false)
					}
				})
			}
			group.Wait()
			// What others do to the machine meanwhile is not counted.
			b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(each*workers), "cpu-ns/call")
		})
	}
}

// cpuTime is what the process has used so far.
func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // fails for no process's own
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func BenchmarkRecordFailed(b *testing.B) {
	r, call := endlessly()
	call.Code, call.Origin, call.Message = "UNAVAILABLE", result.OriginTransport, "connection refused"
	place := r.place(0)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		vary(call, i)
		i++
		r.arrival(&place, 0, call.Due, call.Dispatch, false)
		r.finish(&place, 0, call, false)
	}
}

func TestRecordingDoesNotAllocate(t *testing.T) {
	for _, code := range []string{"OK", "UNAVAILABLE"} {
		r, call := endlessly()
		call.Code, call.Message = code, "connection refused by a server with quite a lot to say"
		i, place := 0, r.place(0)
		one := func() {
			// Each is the slowest yet: as in an overload.
			i++
			call.Ordinal, call.Done = uint64(i), call.Due.Add(time.Duration(i)*time.Microsecond)
			r.arrival(&place, 0, call.Due, call.Dispatch, false)
			r.finish(&place, 0, call, false)
		}
		for range 100 {
			one()
		}
		if n := testing.AllocsPerRun(1000, one); n != 0 {
			t.Errorf("%s: %v allocations per call", code, n)
		}
	}
}

// null makes calls that take no time.
func null() Caller {
	return callerFunc(func(_ context.Context, call *Call) {
		call.Sent = time.Now()
		call.Code, call.Picks = "OK", 1
		call.Attempts = append(call.Attempts, result.Attempt{Backend: "b0", Code: "OK", DurationNS: 1000})
	})
}

func BenchmarkClosedLoop(b *testing.B) {
	b.ReportAllocs()
	var calls int64
	for b.Loop() {
		o, err := Run(b.Context(), Plan{Measure: time.Second, Entries: []Entry{closed("sync", 8, 0, null)}})
		if err != nil {
			b.Fatal(err)
		}
		calls += o.Series[0].Calls
	}
	b.ReportMetric(float64(calls)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls), "ns/call")
}

// spin works for d.
func spin(d time.Duration) func() Caller {
	return callers(func(_ context.Context, call *Call) {
		call.Sent = time.Now()
		for time.Since(call.Sent) < d {
		}
		call.Code, call.Picks = "OK", 1
	})
}

// pause waits for d, as for a server.
func pause(d time.Duration) func() Caller {
	return callers(func(ctx context.Context, call *Call) {
		call.Sent = time.Now()
		_ = SleepUntil(ctx, call.Sent.Add(d))
		call.Code, call.Picks = "OK", 1
	})
}

func BenchmarkOpenLoop(b *testing.B) {
	for _, c := range []struct {
		name   string
		rate   float64
		caller func() Caller
		sleep  func(context.Context, time.Time) error
	}{
		{"null/1000/exact", 1000, null, SleepUntil},
		{"null/1000/timer", 1000, null, nil},
		{"null/10000/exact", 10_000, null, SleepUntil},
		{"null/10000/timer", 10_000, null, nil},
		{"spin100us/10000/exact", 10_000, spin(100 * time.Microsecond), SleepUntil},
		{"spin100us/10000/timer", 10_000, spin(100 * time.Microsecond), nil},
		{"pause100us/10000/exact", 10_000, pause(100 * time.Microsecond), SleepUntil},
		{"pause100us/10000/timer", 10_000, pause(100 * time.Microsecond), nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := open("reads", c.rate, c.caller)
			e.Process = new(load.Poisson)
			var o *Outcome
			b.ReportAllocs()
			for b.Loop() {
				var err error
				o, err = Run(b.Context(), Plan{
					Warmup: 500 * time.Millisecond, Measure: 2 * time.Second, Drain: time.Second, Entries: []Entry{e}, Sleep: c.sleep,
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			lag := o.Series[0].Latency[result.Lag]
			b.ReportMetric(float64(*lag.P50NS)/1e3, "lag-p50-µs")
			b.ReportMetric(float64(*lag.P99NS)/1e3, "lag-p99-µs")
			b.ReportMetric(100*o.SentShare, "sent-%")
		})
	}
}
