package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// brokenFor runs a scenario whose fault lasts from second 1 to 2, and returns its
// only trial as it is read from the file.
func brokenFor(t *testing.T, breaker, where, load string) (trial result.Trial) {
	t.Helper()
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet:
  backends: 3
  isolation: inprocess
  faults: [{at: 1s, for: 1s, where: %s, inject: {status: {code: UNAVAILABLE}}}]
client: {pool: {size: 1}, retry: none, breaker: %s}
load: [%s]
warmup: 1s
measure: 3s
trials: 1
`, where, breaker, load))
		mustBeExact(w.T, r)
		trial = saved(w.T, r).Variants[0].Trials[0]
	})
	return trial
}

// changesOf is a trial's changes of breakers in words, each in the second that its
// time is in.
func changesOf(t *testing.T, trial result.Trial) []string {
	t.Helper()
	var all []string
	for _, interval := range trial.Intervals {
		for _, c := range interval.Breakers {
			if second := c.AtNS / int64(time.Second); second != int64(interval.Second) {
				t.Errorf("a change at %v is in second %d", time.Duration(c.AtNS), interval.Second)
			}
			all = append(all, fmt.Sprintf("%v %s %s>%s", time.Duration(c.AtNS).Truncate(100*time.Millisecond), c.Name, c.From, c.To))
		}
	}
	return all
}

// messagesOf is the errors of a series, sorted.
func messagesOf(s result.Series) []string {
	var all []string
	for _, e := range s.Errors {
		all = append(all, string(e.Origin)+": "+e.Message)
	}
	slices.Sort(all)
	return all
}

// A breaker of the client refuses calls, which are never sent: they are in the
// series by origin, and in nobody's attempts.
func TestBreakerOfTheClientInTheResult(t *testing.T) {
	trial := brokenFor(t, "{failures: 3, reset: 400ms, scope: client}", "{}", "{call: GetUser, arrivals: constant, rate: 100/s}")
	want := []string{"1s  closed>open", "1.4s  open>half_open", "1.4s  half_open>open", "1.8s  open>half_open", "1.8s  half_open>open", "2.2s  open>half_open", "2.2s  half_open>closed"}
	if diff := cmp.Diff(want, changesOf(t, trial)); diff != "" {
		t.Errorf("changes of the breaker (-want +got):\n%s", diff)
	}
	s := trial.Series[0]
	refused := s.Origins[result.OriginBreaker]
	if refused < 110 || refused != trial.Client.Breaker.Rejected || trial.Client.Breaker.Opened != 3 {
		t.Errorf("%d calls were refused; the breaker says %+v", refused, trial.Client.Breaker)
	}
	// Three failures opened it, and two probes met the fault.
	if got := s.Origins[result.OriginServer]; got != 5 || s.OK() != s.Calls-refused-5 {
		t.Errorf("%d calls failed on the fleet and %d of %d were OK, want 5 and what was not refused", got, s.OK(), s.Calls)
	}
	var picked int64
	for _, p := range trial.Client.Picks {
		picked += p.Picks
	}
	if sent := s.Calls - refused; picked != sent || received(trial) != sent {
		t.Errorf("%d calls were not refused, %d were picked a backend for, %d came there", sent, picked, received(trial))
	}
	// However long it still is open: the message is one.
	if diff := cmp.Diff([]string{"breaker: breaker: the circuit breaker is open", "server: injected fault"}, messagesOf(s)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// A breaker of a method leaves the other methods alone.
func TestBreakerOfAMethodInTheResult(t *testing.T) {
	trial := brokenFor(t, "{failures: 3, reset: 5s, scope: method}", "{method: GetUser}",
		"{call: GetUser, arrivals: constant, rate: 100/s}, {call: ListUsers, messages: 2, arrivals: constant, rate: 100/s}")
	want := []string{"1s user.v1.UserService/GetUser closed>open"}
	if diff := cmp.Diff(want, changesOf(t, trial)); diff != "" {
		t.Errorf("changes of the breaker (-want +got):\n%s", diff)
	}
	broken, well := trial.Series[0], trial.Series[1]
	if n := broken.Origins[result.OriginBreaker]; n != broken.Calls-broken.OK()-3 || n < 190 {
		t.Errorf("%d calls of GetUser were refused", n)
	}
	if well.OK() != well.Calls || well.Calls == 0 {
		t.Errorf("%d of %d calls of ListUsers were OK", well.OK(), well.Calls)
	}
}

// The breaker of a backend takes it out of the choice: nothing is refused, and a
// few calls fail.
func TestBreakerOfABackendInTheResult(t *testing.T) {
	trial := brokenFor(t, "{failures: 3, reset: 5s, scope: backend}", "{backends: [1]}", "{call: GetUser, arrivals: constant, rate: 300/s}")
	changes := changesOf(t, trial)
	if len(changes) != 1 || !strings.HasSuffix(changes[0], "b1 closed>open") {
		t.Errorf("changes %q, want one of b1", changes)
	}
	s := trial.Series[0]
	if s.Origins[result.OriginServer] != 3 || s.OK() != s.Calls-3 || trial.Client.Breaker.Rejected != 0 {
		t.Errorf("%v, of %d calls %d were OK", s.Origins, s.Calls, s.OK())
	}
	// A second of a third, and three.
	if got := trial.Client.Picks[1].Picks; got < 101 || got > 105 {
		t.Errorf("b1 was picked %d times, want about 103", got)
	}
}

// Calls that wait for room on a channel are in the result, to the nanosecond: one
// channel, one call at a time, twice the calls that fit.
func TestWaitsForThePoolInTheResult(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 20ms}}
client: {pool: {size: 1, max_in_flight: 1}, retry: none, timeout: 0s}
load: [{call: GetUser, arrivals: constant, rate: 100/s}]
warmup: 0s
measure: 1s
drain: 5s
trials: 1
`))
		trial := saved(w.T, r).Variants[0].Trials[0]
		s := trial.Series[0]
		if s.OK() != 100 || s.Calls != 100 {
			w.Fatalf("%d of %d calls were OK, want 100", s.OK(), s.Calls)
		}
		// The n-th call comes 10 ms after the one before, and leaves 20 ms after it.
		if waited := time.Duration(trial.Client.Pool.WaitedNS); trial.Client.Pool.Waits != 99 || waited != 10*time.Millisecond*99*100/2 {
			w.Errorf("%d calls waited %v, want 99 and 49.5s", trial.Client.Pool.Waits, waited)
		}
	})
}

// Channels that are replaced are in the result, and no call fails over it.
func TestRecycledChannelsInTheResult(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.run(w.plan(`
fleet: {backends: 2, isolation: inprocess, service_time: {fixed: 20ms}}
client: {pool: {size: 2, max_age: 1s}, retry: none}
load: [{call: GetUser, arrivals: constant, rate: 100/s}]
warmup: 1s
measure: 5s
trials: 1
`))
		mustBeExact(w.T, r)
		trial := saved(w.T, r).Variants[0].Trials[0]
		if s := trial.Series[0]; s.OK() != s.Calls || s.Calls != 500 {
			w.Errorf("%d of %d calls were OK, want 500", s.OK(), s.Calls)
		}
		if n := trial.Client.Pool.Recycles; n < 6 || n > 14 {
			w.Errorf("%d channels were recycled, want about 10", n)
		}
	})
}
