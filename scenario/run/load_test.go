package run_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/run"
)

// A generator that sends paced messages late says so, however long their calls take
// by plan: the server has not kept them waiting.
func TestLateMessagesAreTheGenerators(t *testing.T) {
	for loop, rate := range map[string]string{"open": "rate: 4/s, arrivals: constant", "closed": "workers: 4"} {
		for _, late := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond} {
			inWorld(t, func(w *world) {
				deps := w.deps()
				var waits, t0 atomic.Int64
				deps.Sleep = func(ctx context.Context, until time.Time) error {
					// The first wait is for the begin. Whoever arrives is in time: only every
					// other of the messages is not.
					t0.CompareAndSwap(0, until.UnixNano())
					if (until.UnixNano()-t0.Load())%int64(250*time.Millisecond) != 0 && waits.Add(1)%2 == 0 {
						until = until.Add(late)
					}
					timer := time.NewTimer(time.Until(until))
					defer timer.Stop()
					select {
					case <-timer.C:
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				r, err := run.Run(w.Context(), w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 2ms}}
load: [{name: feed, call: SyncUsers, %s, messages: {count: 30, every: 40ms}}]
warmup: 0s
measure: 4s
`, rate), deps, run.Options{Version: "test"})
				if err != nil {
					t.Fatal(err)
				}
				trial := r.Variants[0].Trials[0]
				want := map[time.Duration]result.Verdict{0: result.Valid, 5 * time.Millisecond: result.Suspect, 20 * time.Millisecond: result.Invalid}[late]
				if v := trial.Validity; v.Verdict != want || late > 0 && (len(v.Reasons) != 1 || v.Reasons[0].Code != "lag_p99" || v.Reasons[0].Detail != "feed: messages left late") {
					t.Errorf("%s loop, %v late: %+v", loop, late, v)
				}
				if lag := trial.Series[0].Latency[result.Lag]; lag.MaxNS != int64(late) || lag.Count < 29*trial.Series[0].OK() {
					t.Errorf("%s loop, %v late: lag up to %v, %d values of %d calls", loop, late, time.Duration(lag.MaxNS), lag.Count, trial.Series[0].Calls)
				}
			})
		}
	}
}

// Every form of load, through the whole stack: the books hold, what was asked
// for is what the fleet received, and the result says what it was.
func TestFormsOfLoad(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan("%s", `
name: forms
fleet: {backends: 2, isolation: inprocess, service_time: {fixed: 5ms}}
load:
  - {name: traffic, mix: {GetUser: 75, ListUsers: 25}, rate: 200/s, arrivals: constant, messages: 2}
  - {name: users, call: GetUser, rate: 10/s, arrivals: constant, sessions: {calls: 3, think: 45ms}}
  - {name: feed, call: SyncUsers, rate: 2/s, arrivals: constant, messages: {count: 4, every: 100ms}, request: {uniform: {min: 10B, max: 1KiB}}}
  - {name: peak, call: GetUser, rate: 50/s, arrivals: constant, shape: {spike: {times: 5, at: 1s, for: 1s}}, keys: zipf}
  - {name: crew, call: GetUser, workers: 4, think: 5ms, shape: {stages: [{for: 1s, at: 0.5}, {for: 2s, at: 1}]}}
warmup: 200ms
measure: 3s
`))
		mustBeExact(t, r)
		trial := r.Variants[0].Trials[0]
		series := map[string]*result.Series{}
		var attempts int64
		for i := range trial.Series {
			s := &trial.Series[i]
			series[s.Name] = s
			attempts += s.Attempts
			if s.Failed() != 0 {
				t.Errorf("%s: %d failed: %v", s.Name, s.Failed(), s.Errors)
			}
		}
		if got := received(trial); got != attempts {
			t.Errorf("the client made %d attempts, the fleet received %d", attempts, got)
		}
		get, list := series["traffic.getuser"], series["traffic.listusers"]
		if get == nil || list == nil || get.Planned+list.Planned != 600 || get.Planned < 400 || get.Planned > 500 {
			t.Fatalf("the mix: %+v and %+v", get, list)
		}
		// 30 users × 3 calls, 50 ms apart. All that come before 2.9 s make all of
		// theirs, and the one at 2.9 s two.
		if s := series["users"]; s.Planned != 89 {
			t.Errorf("sessions: %d calls", s.Planned)
		}
		feed := series["feed"]
		// The fleet takes its service time before a stream's first answer.
		if l := feed.Latency[result.MessageResponse]; l.Count != 4*feed.OK() || l.MinNS != 0 || l.MaxNS != int64(5*time.Millisecond) {
			t.Errorf("message responses: %+v of %d calls", l, feed.OK())
		}
		if l := feed.Latency[result.Response]; l.MinNS < int64(300*time.Millisecond) {
			t.Errorf("a paced stream took %v", time.Duration(l.MinNS))
		}
		if s := series["peak"]; s.Planned != 2*50+250 {
			t.Errorf("spike: %d calls", s.Planned)
		}
		// A worker makes 100 calls a second: two for the first, four from then on.
		if s := series["crew"]; s.Planned < 990 || s.Planned > 1010 {
			t.Errorf("stages: %d calls", s.Planned)
		}

		loads := map[string]result.Load{}
		for _, l := range r.Variants[0].Loads {
			loads[l.Name] = l
		}
		if l := loads["traffic.getuser"]; l.RatePerS != 150 || l.Method != "user.v1.UserService/GetUser" {
			t.Errorf("%+v", l)
		}
		if l := loads["users"]; l.SessionCalls != 3 || l.ThinkNS != int64(45*time.Millisecond) {
			t.Errorf("%+v", l)
		}
		if l := loads["feed"]; l.MessageEveryNS != int64(100*time.Millisecond) || l.Messages != 4 || l.RequestSizes != "uniform 10–1024 B" || l.RequestB != 517 {
			t.Errorf("%+v", l)
		}
		if l := loads["peak"]; l.Shape != "spike: {times: 5, at: 1s, for: 1s}" || l.Keys != "zipf" {
			t.Errorf("%+v", l)
		}
	})
}
