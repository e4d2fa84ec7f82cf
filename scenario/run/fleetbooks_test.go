package run_test

import (
	"testing"
	"time"
)

// The fleet's books are in the result: attempts by number, wasted work, the line,
// connections; of the measurement alone, and adding up with the client's.
func TestFleetBooksInTheResult(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet:
  backends: 2
  isolation: inprocess
  service_time: {exponential: 20ms}
  concurrency: 2
  queue: 20
  faults:
    - {name: cut, at: 1s, for: 300ms, where: {backends: [1]}, inject: down}
    - {name: some, at: -1s, probability: 0.2, inject: {status: {code: ABORTED}}}
client: {pool: {size: 1}, timeout: 300ms, retry: {attempts: 3, base: 5ms, attempt_timeout: 60ms}}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 150/s}]
warmup: 1s
measure: 3s
trials: 1
`))
		mustBeExact(w.T, r)
		trial := saved(w.T, r).Variants[0].Trials[0]
		byAttempt, picked := map[int]int64{}, int64(0)
		for _, a := range trial.Client.Attempts {
			picked += a.Picked
		}
		for _, b := range trial.Fleet.Backends {
			var lengths, waits, refused int64
			for _, s := range b.Series {
				byAttempt[s.Attempt] += s.Received
				refused += s.Codes["RESOURCE_EXHAUSTED"]
				if s.Kind != "unary" || s.Method != "user.v1.UserService/GetUser" || s.Rules["some"] != s.Codes["ABORTED"] {
					t.Errorf("%s: %+v", b.Name, s)
				}
			}
			for _, bucket := range b.QueueLength {
				lengths += bucket.Count
			}
			for _, bucket := range b.QueueWaitNS {
				waits += bucket.Count
			}
			if lengths == 0 || waits == 0 || waits > lengths-b.Refused || refused != b.Refused {
				t.Errorf("%s: %d came to the line, %d got a slot, %d were refused, %d are counted so", b.Name, lengths, waits, b.Refused, refused)
			}
			// A call that was given up in 60 ms has wasted no more than that.
			if b.Wasted == 0 || b.WastedNS <= 0 || b.WastedNS > b.Wasted*int64(60*time.Millisecond) {
				t.Errorf("%s: wasted %d, %v", b.Name, b.Wasted, time.Duration(b.WastedNS))
			}
		}
		s := trial.Series[0]
		if byAttempt[1] > s.Calls || byAttempt[1] < s.Calls*9/10 || byAttempt[2] == 0 || byAttempt[3] >= byAttempt[2] || byAttempt[4] != 0 {
			t.Errorf("received by attempt: %v of %d calls", byAttempt, s.Calls)
		}
		b0, b1 := trial.Fleet.Backends[0].Connections, trial.Fleet.Backends[1].Connections
		if b0.Opened != 0 || b0.Closed != 0 || b0.Open != 1 || b1.Killed != 1 || b1.Closed != 1 || b1.Opened != 1 || b1.Open != 1 {
			t.Errorf("connections %+v and %+v: only b1's was killed, and made anew", b0, b1)
		}
		if got := trial.Fleet.Backends[1].Rules["cut"]; got != 1 {
			t.Errorf("cut happened %d times", got)
		}
	})
}
