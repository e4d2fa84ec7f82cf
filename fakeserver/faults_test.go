package fakeserver

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

func unavailable() fault.Inject {
	return fault.Inject{Status: &fault.Status{Code: codes.Unavailable}}
}

func latency(d time.Duration) fault.Inject {
	return fault.Inject{Latency: &fault.Latency{Delay: d}}
}

func down() fault.Inject { return fault.Inject{Down: &fault.Down{}} }

// sleepTo sleeps until a time of the fleet's clock.
func sleepTo(t0 time.Time, at time.Duration) { time.Sleep(time.Until(t0.Add(at))) }

func TestStatusWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 2, ServiceTime: fixed(ms), Concurrency: 1, Queue: ptr(0), Faults: []fault.Rule{
			{At: sec, For: sec, Inject: unavailable(), Where: fault.Where{Backends: []int{1}, Method: "user.v1.UserService/GetUser"}},
		}})
		ctx := t.Context()
		must(t, get(ctx, r.clients[1], "before the clock is set", ""))
		t0 := time.Now().Add(sec)
		r.Start(t0, true)
		for _, c := range []struct {
			at   time.Duration
			want codes.Code
		}{{-sec + 1, codes.OK}, {sec - 1, codes.OK}, {sec + ms, codes.Unavailable}, {2*sec - 1, codes.Unavailable}, {2 * sec, codes.OK}} {
			sleepTo(t0, c.at)
			began := time.Now()
			wantCode(t, fmt.Sprint(c.at), get(ctx, r.clients[1], "x", ""), c.want)
			if took := time.Since(began); c.want != codes.OK && took != 0 {
				t.Errorf("at %v the fault took %v: it must not be served", c.at, took)
			}
			wantCode(t, "another backend", get(ctx, r.clients[0], "x", ""), codes.OK)
			_, err := r.clients[1].CreateUser(ctx, &userpb.CreateUserRequest{})
			wantCode(t, "another method", err, codes.OK)
		}
		s := r.Snapshot()
		if d := cmp.Diff([]map[string]int64{{}, {"status": 2}}, []map[string]int64{s.Backends[0].Faults, s.Backends[1].Faults}); d != "" {
			t.Error(d)
		}
	})
}

// Latency comes before the slot: it occupies nothing.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(10 * ms), Concurrency: 1, Queue: ptr(0), Faults: []fault.Rule{
			{Inject: latency(20 * ms)},
			{Inject: latency(5 * ms), Where: fault.Where{Method: "ListUsers"}},
			{Inject: unavailable(), Where: fault.Where{Method: "CreateUser"}},
			{Inject: latency(time.Hour), Where: fault.Where{Method: "CreateUser"}},
		}})
		ctx, c := t.Context(), r.clients[0]
		took(t, "before the clock is set", 10*ms, func() { must(t, get(ctx, c, "x", "")) })
		r.Start(time.Now(), true)
		took(t, "one rule", 30*ms, func() {
			end := make(chan error)
			go func() { end <- get(ctx, c, "x", "") }()
			time.Sleep(10 * ms)
			synctest.Wait()
			if s := r.Snapshot().Backends[0]; s.InService != 0 || s.InFlight != 1 {
				t.Errorf("while delayed: %+v", s)
			}
			must(t, <-end)
		})
		took(t, "two rules", 35*ms, func() {
			ss, err := c.ListUsers(ctx, &userpb.ListUsersRequest{Messages: 1})
			must(t, err)
			_, err = ss.Recv()
			must(t, err)
		})
		took(t, "then a status, which ends it", 20*ms, func() {
			_, err := c.CreateUser(ctx, &userpb.CreateUserRequest{})
			wantCode(t, "CreateUser", err, codes.Unavailable)
		})
		if d := cmp.Diff(map[string]int64{"latency": 4, "status": 1}, r.Snapshot().Backends[0].Faults); d != "" {
			t.Error(d)
		}
	})
}

func TestDownWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 2, ServiceTime: fixed(10 * sec), Faults: []fault.Rule{
			{At: sec, For: 2 * sec, Where: fault.Where{Backends: []int{1}}, Inject: down()},
			{At: 2 * sec, For: 2 * sec, Where: fault.Where{Backends: []int{1}}, Inject: down()},
		}})
		t0 := time.Now()
		r.Start(t0, true)
		inFlight := make(chan error, 2)
		for i := range 2 {
			go func() { inFlight <- get(t.Context(), r.clients[i], "x", "") }()
		}
		refused := func(at time.Duration, want bool) {
			t.Helper()
			sleepTo(t0, at)
			synctest.Wait()
			conn, err := r.network.Dial(t.Context(), r.addresses[1].Address)
			if got := errors.Is(err, syscall.ECONNREFUSED); got != want {
				t.Errorf("at %v: refused %v (%v), want %v", at, got, err, want)
			}
			if err == nil {
				conn.Close()
			}
		}
		refused(sec-1, false)
		refused(sec, true)
		wantCode(t, "the call in flight", <-inFlight, codes.Unavailable)
		if s := r.Snapshot().Backends[1]; s.InFlight != 0 || s.ConnectionsOpen != 0 || s.Codes["CANCELLED"] != 1 {
			t.Errorf("while down: %+v", s)
		}
		refused(3*sec, true) // the first window is over, the second is not
		refused(4*sec-1, true)
		refused(4*sec, false)
		wantCode(t, "the call to another backend", <-inFlight, codes.OK)
		took(t, "a call afterwards", 10*sec, func() { must(t, get(t.Context(), r.clients[1], "x", "")) })
		if got := r.Snapshot().Backends[1].Faults["down"]; got != 2 {
			t.Errorf("%d windows, want 2", got)
		}
	})
}

// While t0 is provisional the clock stops short of 0: windows before it open
// and close, those at it or after wait for the final one.
func TestProvisionalClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{
			{Name: "warm", At: -2 * sec, For: sec, Where: fault.Where{Method: "CreateUser"}, Inject: unavailable()},
			{Name: "across", At: -ms, For: 10 * ms, Where: fault.Where{Method: "GetUser"}, Inject: unavailable()},
			{Name: "first", For: 5 * ms, Where: fault.Where{Method: "CreateUser"}, Inject: unavailable()},
			{Name: "gone", At: -5 * sec, For: sec, Inject: down()},
			{Name: "later", At: ms, For: ms, Inject: down()},
		}})
		c, ctx := r.clients[0], t.Context()
		check := func(when string, createWant, getWant codes.Code) {
			t.Helper()
			synctest.Wait()
			_, err := c.CreateUser(ctx, &userpb.CreateUserRequest{})
			wantCode(t, when+": CreateUser", err, createWant)
			wantCode(t, when+": GetUser", get(ctx, c, "x", ""), getWant)
		}
		t0 := time.Now().Add(4500 * ms)
		r.Start(t0, false)
		synctest.Wait()
		if _, err := r.network.Dial(ctx, r.addresses[0].Address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a window that began before Start: %v", err)
		}
		sleepTo(t0, -3*sec)
		check("-3s", codes.OK, codes.OK)
		sleepTo(t0, -2*sec)
		check("-2s", codes.Unavailable, codes.OK)
		sleepTo(t0, -sec)
		check("-1s", codes.OK, codes.OK)
		for _, at := range []time.Duration{0, 5 * ms, 7 * sec} { // the clock stands
			sleepTo(t0, at)
			check(fmt.Sprint("provisional ", at), codes.OK, codes.Unavailable)
		}
		t0 = time.Now().Add(100 * ms)
		r.Start(t0, true)
		check("final -100ms", codes.OK, codes.OK)
		sleepTo(t0, 0)
		check("final 0", codes.Unavailable, codes.Unavailable)
		sleepTo(t0, ms)
		synctest.Wait()
		if _, err := r.network.Dial(ctx, r.addresses[0].Address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("final 1ms: %v", err)
		}
		sleepTo(t0, 200*ms)
		check("final 200ms", codes.OK, codes.OK)
		// "gone" was met once although the final clock passed it again.
		if got := r.Snapshot().Backends[0].Faults["down"]; got != 2 {
			t.Errorf("%d windows, want 2", got)
		}
	})
}

// fates makes n calls, each on a backend of the caller's choice, and returns
// what happened to each: its code and how long it took.
func fates(t *testing.T, r *rig, n int, backend func(i int) int, attempt string) []string {
	t.Helper()
	out := make([]string, n)
	for i := range n {
		began := time.Now()
		err := get(t.Context(), r.clients[backend(i)], fmt.Sprintf("reads/%d", i), attempt)
		out[i] = fmt.Sprint(err == nil, time.Since(began))
	}
	return out
}

// Faults by chance follow from seed, block, call and attempt alone.
func TestChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, share = 1000, 0.3
		c := Config{
			Backends:    3,
			ServiceTime: servicetime.Choice{Exponential: &servicetime.Exponential{Average: ms}},
			Faults:      []fault.Rule{{At: -time.Hour, Probability: ptr(share), Inject: unavailable()}},
		}
		if !c.NeedsCallID() {
			t.Error("NeedsCallID() = false")
		}
		first := func(int) int { return 0 }
		spread := func(i int) int { return (i * 7) % 3 }
		run := func(r *rig, seed uint64, block uint32, backend func(int) int, attempt string) []string {
			must(t, r.Reset(seed, block))
			r.Start(time.Now(), true)
			for _, cc := range r.conns {
				cc.Connect()
			}
			synctest.Wait()
			return fates(t, r, n, backend, attempt)
		}
		a, b := newRig(t, c), newRig(t, c)
		want := run(a, 1, 2, first, "")
		failed := 0
		for _, f := range want {
			if f == "false 0s" {
				failed++
			}
		}
		if off := math.Abs(float64(failed) - n*share); off > 4*math.Sqrt(n*share*(1-share)) {
			t.Errorf("%d of %d calls failed, want %g", failed, n, n*share)
		}
		if got := a.Snapshot().Backends[0].Faults["status"]; got != int64(failed) {
			t.Errorf("%d faults counted, %d calls failed", got, failed)
		}
		if got := run(b, 1, 2, spread, ""); !slices.Equal(got, want) {
			t.Error("another fleet, other backends: other fates")
		}
		if got := run(a, 1, 2, first, ""); !slices.Equal(got, want) {
			t.Error("the same again: other fates")
		}
		for what, got := range map[string][]string{
			"seed": run(a, 9, 2, first, ""), "block": run(a, 1, 9, first, ""), "attempt": run(a, 1, 2, first, "1"),
		} {
			same := 0
			for i := range got {
				if got[i] == want[i] {
					same++
				}
			}
			// By chance share² of the calls fail in both.
			if off := math.Abs(float64(same) - n*share*share); off > 4*math.Sqrt(n*share*share*(1-share*share)) {
				t.Errorf("another %s: %d of %d fates are the same", what, same, n)
			}
		}
	})
}

// Calls without an id are told apart by their order.
func TestChanceWithoutID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{{Probability: ptr(0.5), Inject: unavailable()}}})
		run := func() (out string) {
			must(t, r.Reset(5, 0))
			r.Start(time.Now(), true)
			r.conns[0].Connect()
			synctest.Wait()
			for range 64 {
				if _, err := r.clients[0].GetUser(t.Context(), &userpb.GetUserRequest{}); err != nil {
					out += "x"
				} else {
					out += "."
				}
			}
			return out
		}
		one := run()
		if two := run(); one != two {
			t.Errorf("two runs differ:\n%s\n%s", one, two)
		}
		if !slices.Contains([]byte(one), 'x') || !slices.Contains([]byte(one), '.') {
			t.Errorf("all calls meet the same: %s", one)
		}
	})
}
