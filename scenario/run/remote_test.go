package run_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/run"
)

const remoteToken = "GRPCBENCH_TEST_TOKEN"

// host is another machine with a fleet that waits to be configured.
func (w *world) host(control, token string) *fakeserver.Fleet {
	w.Helper()
	f := fakeserver.NewFleet(token, w.net.Listen)
	l, err := w.net.Listen("tcp", control)
	if err != nil {
		w.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- f.ServeControl(l) }()
	w.Cleanup(func() { f.Close(); <-served })
	return f
}

const remoteScenario = `
seed: 5
fleet:
  backends: 3
  %s
  service_time: {exponential: 3ms}
  concurrency: 4
  faults:
    - {name: out, at: 300ms, for: 400ms, where: {backends: [1]}, inject: down}
    - {name: some, at: -1s, probability: 0.2, inject: {status: {code: ABORTED}}}
client: {pool: {size: 1}, timeout: 1s, retry: {attempts: 3, base: 10ms}}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 200/s}]
warmup: 200ms
measure: 1s
trials: 2
`

// A fleet that is spread over machines is the fleet that it is in one place: the
// same backends by name, the same faults, and books that are exact.
func TestRemoteFleetIsTheSame(t *testing.T) {
	t.Setenv(remoteToken, "secret")
	summary := func(r *result.Result) (lines []string) {
		for _, trial := range r.Variants[0].Trials {
			var aborted, received int64
			for _, b := range trial.Fleet.Backends {
				lines = append(lines, fmt.Sprintf("%s out %d", b.Name, b.Rules["out"]))
				aborted += b.Rules["some"]
				received += b.Attempts["user.v1.UserService/GetUser"]
			}
			s := trial.Series[0]
			lines = append(lines, fmt.Sprintf("planned %d, met more than none: %v, books: %v", s.Planned, aborted > 0, received >= s.OK()))
		}
		return lines
	}
	var want, got []string
	inWorld(t, func(w *world) {
		r := w.run(w.plan(remoteScenario, "isolation: inprocess"))
		mustBeExact(w.T, r)
		want = summary(r)
	})
	inWorld(t, func(w *world) {
		hosts := []*fakeserver.Fleet{w.host("one:7000", "secret"), w.host("two:7000", "secret")}
		r := w.run(w.plan(remoteScenario, "remote: [one:7000, two:7000]\n  token: ${"+remoteToken+"}"))
		mustBeExact(w.T, r)
		got = summary(saved(w.T, r))
		var names []string
		for _, f := range hosts {
			for _, b := range f.Snapshot().Backends {
				names = append(names, b.Name)
			}
		}
		if d := cmp.Diff([]string{"b0", "b2", "b1"}, names); d != "" {
			w.Errorf("backends by host: %s", d)
		}
		if r.Scenario.Isolation != "remote" || strings.Contains(r.Scenario.Document, "secret") {
			w.Errorf("isolation %s, document %s", r.Scenario.Isolation, r.Scenario.Document)
		}
		remotes := r.Variants[0].Trials[1].Fleet.Remotes
		if d := cmp.Diff([]result.Remote{{Address: "one:7000"}, {Address: "two:7000"}}, remotes); d != "" {
			w.Errorf("remotes, whose clock is ours: %s", d)
		}
	})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("in one place and spread (-one +spread):\n%s", d)
	}
}

// A machine that is lost makes its trial INVALID; when it is back the run goes on
// with it.
func TestRemoteFleetIsLostAndComesBack(t *testing.T) {
	t.Setenv(remoteToken, "secret")
	inWorld(t, func(w *world) {
		w.host("one:7000", "secret")
		lost := w.host("two:7000", "secret")
		plan := w.plan(remoteScenario, "remote: [one:7000, two:7000]\n  token: ${"+remoteToken+"}")
		go func() {
			time.Sleep(600 * time.Millisecond) // of the first trial, and its warm-up
			lost.Close()
			w.host("two:7000", "secret")
		}()
		r := w.run(plan)
		trials := r.Variants[0].Trials
		if len(trials) != 2 || trials[0].Validity.Verdict != result.Invalid || trials[0].Validity.Reasons[0].Code != "fleet_died" ||
			trials[1].Validity.Verdict != result.Valid {
			w.Errorf("%d trials: %+v", len(trials), trials)
		}
	})
}

// So does one that is lost while the clients still connect, before the first call.
func TestRemoteFleetIsLostWhileClientsConnect(t *testing.T) {
	t.Setenv(remoteToken, "secret")
	inWorld(t, func(w *world) {
		w.host("one:7000", "secret")
		lost := w.host("two:7000", "secret")
		deps := w.deps()
		var once sync.Once
		deps.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			if address == "one:7000" || address == "two:7000" {
				return w.net.Dial(ctx, address)
			}
			once.Do(func() { // the first connection to a backend
				lost.Close()
				w.host("two:7000", "secret")
			})
			return w.net.Dial(ctx, address)
		}
		plan := w.plan(remoteScenario, "remote: [one:7000, two:7000]\n  token: ${"+remoteToken+"}")
		r, err := run.Run(w.Context(), plan, deps, run.Options{Version: "test"})
		if err != nil {
			w.Fatal(err)
		}
		trials := r.Variants[0].Trials
		if len(trials) != 2 || trials[0].Validity.Verdict != result.Invalid || trials[0].Validity.Reasons[0].Code != "fleet_died" ||
			trials[1].Validity.Verdict != result.Valid {
			w.Errorf("%d trials: %+v", len(trials), trials)
		}
	})
}

// far is a connection on which everything that is sent takes its time.
type far struct {
	net.Conn
	time.Duration
}

func (c far) Write(p []byte) (int, error) {
	time.Sleep(c.Duration)
	return c.Conn.Write(p)
}

// However long it takes to tell the machines when the measurement begins, it begins
// after that: no call is late before the first is made.
func TestRemoteFleetFarAway(t *testing.T) {
	t.Setenv(remoteToken, "secret")
	inWorld(t, func(w *world) {
		w.host("one:7000", "secret")
		w.host("two:7000", "secret")
		deps := w.deps()
		deps.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := w.net.Dial(ctx, address)
			if err == nil && (address == "one:7000" || address == "two:7000") {
				conn = far{conn, 40 * time.Millisecond}
			}
			return conn, err
		}
		r, err := run.Run(w.Context(), w.plan(remoteScenario, "remote: [one:7000, two:7000]\n  token: ${"+remoteToken+"}"), deps, run.Options{Version: "test"})
		if err != nil {
			w.Fatal(err)
		}
		mustBeExact(w.T, r)
		for _, trial := range r.Variants[0].Trials {
			if lag := trial.Series[0].Latency[result.Lag]; lag.Count == 0 || lag.MaxNS != 0 {
				w.Errorf("block %d: calls left up to %v late", trial.Block, time.Duration(lag.MaxNS))
			}
			for _, m := range trial.Fleet.Remotes {
				if m.RoundTripNS < int64(40*time.Millisecond) {
					w.Errorf("%s is %v away", m.Address, time.Duration(m.RoundTripNS))
				}
			}
		}
	})
}

// A machine that is not there, or wants another token, ends the run with a reason.
func TestRemoteFleetThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct{ control, token, want string }{
		"not there":   {"elsewhere:7000", "secret", "the fleet at one:7000"},
		"other token": {"one:7000", "secret2", "must be the fleet's token"},
		"no token":    {"one:7000", "", "${" + remoteToken + "}: is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(remoteToken, map[bool]string{true: "secret"}[c.token != ""])
			inWorld(t, func(w *world) {
				w.host(c.control, c.token)
				_, err := run.Run(w.Context(), w.plan(remoteScenario, "remote: [one:7000]\n  token: ${"+remoteToken+"}"), w.deps(), run.Options{})
				if err == nil || !strings.Contains(err.Error(), c.want) {
					w.Errorf("got %v, want %s", err, c.want)
				}
			})
		})
	}
}
