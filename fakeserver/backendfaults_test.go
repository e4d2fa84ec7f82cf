package fakeserver

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// started is a rig whose clients are connected and whose clock shows 0 at t0.
func started(t *testing.T, c Config) (*rig, time.Time) {
	t.Helper()
	r := newRig(t, c)
	for _, client := range r.clients {
		must(t, get(t.Context(), client, "connects", ""))
	}
	t0 := time.Now()
	r.Start(t0, true)
	synctest.Wait()
	return r, t0
}

// sight is what a plain client sees of a call that it makes at a time of the
// fleet's clock: its code, and how long it took.
type sight struct {
	at   time.Duration
	code codes.Code
	took time.Duration
}

// see makes the calls and checks what is seen.
func see(t *testing.T, c userpb.UserServiceClient, t0 time.Time, wants []sight) {
	t.Helper()
	ends := make(chan string, len(wants))
	for _, want := range wants {
		go func() {
			sleepTo(t0, want.at)
			began := time.Now()
			err := get(t.Context(), c, fmt.Sprint(want.at), "")
			if code, took := status.Code(err), time.Since(began); code != want.code || took != want.took {
				ends <- fmt.Sprintf("at %v: %v after %v, want %v after %v", want.at, err, took, want.code, want.took)
				return
			}
			ends <- ""
		}()
	}
	for range wants {
		if end := <-ends; end != "" {
			t.Error(end)
		}
	}
}

// A freeze adds what is left of it to every call that it meets, whether that
// was being served or came in the middle; even one that takes no time.
func TestFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := fault.Rule{At: sec, For: 500 * ms, Inject: fault.Inject{Freeze: &fault.Freeze{}}}
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), Faults: []fault.Rule{rule}})
		see(t, r.clients[0], t0, []sight{
			{900*ms - 1, codes.OK, 100 * ms},
			{950 * ms, codes.OK, 600 * ms},
			{1200 * ms, codes.OK, 400 * ms},
			{1500 * ms, codes.OK, 100 * ms},
		})
		s := r.Snapshot().Backends[0]
		if s.Asked != s.Actual || s.Faults["freeze"] != 1 {
			t.Errorf("asked %v, actual %v, %v: what a fault adds is no lateness of the fleet", s.Asked, s.Actual, s.Faults)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		rule := fault.Rule{At: sec, For: 500 * ms, Inject: fault.Inject{Freeze: &fault.Freeze{}}}
		r, t0 := started(t, Config{Backends: 1, Faults: []fault.Rule{rule}})
		see(t, r.clients[0], t0, []sight{{0, codes.OK, 0}, {1200 * ms, codes.OK, 300 * ms}, {1500 * ms, codes.OK, 0}})
	})
}

// Two freezes that overlap are one, until both are over: the fault has no
// settings by which one could be told from the other.
func TestFreezesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), Faults: []fault.Rule{
			{Name: "first", At: sec, For: 500 * ms, Inject: fault.Inject{Freeze: &fault.Freeze{}}},
			{Name: "second", At: 1200 * ms, For: sec, Inject: fault.Inject{Freeze: &fault.Freeze{}}},
		}})
		see(t, r.clients[0], t0, []sight{
			{1100 * ms, codes.OK, 1200 * ms},
			{1600 * ms, codes.OK, 700 * ms},
			{2200 * ms, codes.OK, 100 * ms},
		})
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := []fault.Rule{
			{At: sec, For: sec, Inject: fault.Inject{Slow: &fault.Slow{Speed: 0.25}}},
			{At: 5 * sec, Inject: fault.Inject{Slow: &fault.Slow{Speed: 0.5, Ramp: sec}}},
		}
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), Faults: rules})
		see(t, r.clients[0], t0, []sight{
			{500 * ms, codes.OK, 100 * ms},
			{950 * ms, codes.OK, 250 * ms}, // half of it slow
			{1200 * ms, codes.OK, 400 * ms},
			{1800 * ms, codes.OK, 250 * ms}, // half of it done when it is over
			{2 * sec, codes.OK, 100 * ms},
			{6 * sec, codes.OK, 200 * ms},
		})
	})
}

// With half of its slots a backend serves half as many calls at once; those
// that are being served when it begins go on.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := fault.Rule{At: sec, For: sec, Inject: fault.Inject{Overload: &fault.Overload{Capacity: 0.5}}}
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), Concurrency: 2, Faults: []fault.Rule{rule}})
		same := func(at time.Duration, tooks ...time.Duration) (all []sight) {
			for i, took := range tooks {
				all = append(all, sight{at + time.Duration(i), codes.OK, took - time.Duration(i)})
			}
			return all
		}
		see(t, r.clients[0], t0, same(500*ms, 100*ms, 100*ms+1))
		see(t, r.clients[0], t0, []sight{
			{950 * ms, codes.OK, 100 * ms}, {950 * ms, codes.OK, 100 * ms}, // before it begins
			{1010 * ms, codes.OK, 140 * ms}, // when one slot of the one is free
		})
		see(t, r.clients[0], t0, same(1200*ms, 100*ms, 200*ms, 300*ms))
		// The third gets the second slot when it is over.
		see(t, r.clients[0], t0, same(1850*ms, 100*ms, 200*ms, 250*ms))
	})
}

// A restart cuts calls off, refuses for the length of its window and is slow
// at first.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := fault.Rule{At: sec, For: sec, Inject: fault.Inject{Restart: &fault.Restart{Cold: 0.5, Ramp: sec}}}
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), Faults: []fault.Rule{rule}})
		see(t, r.clients[0], t0, []sight{
			{800 * ms, codes.OK, 100 * ms},
			{950 * ms, codes.Unavailable, 50 * ms},
			{1500 * ms, codes.Unavailable, 0},
		})
		_, err := r.network.Dial(t.Context(), r.addresses[0].Address)
		if err == nil {
			t.Error("it listens while it is down")
		}
		sleepTo(t0, 2*sec+11*ms)
		// ∫ (0.5 + t/2s) dt = 100 ms from t = 11 ms on.
		began := time.Now()
		must(t, get(t.Context(), r.clients[0], "cold", ""))
		if took := time.Since(began); took < 180*ms || took > 184*ms {
			t.Errorf("cold, a call took %v, want about 182 ms", took)
		}
		see(t, r.clients[0], t0, []sight{{3 * sec, codes.OK, 100 * ms}})
	})
}

// A graceful restart lets calls in flight end; a client learns by GOAWAY and
// fails no call but those that find nobody.
func TestGracefulRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := fault.Rule{At: sec, For: sec, Inject: fault.Inject{Restart: &fault.Restart{Graceful: true}}}
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(300 * ms), Faults: []fault.Rule{rule}})
		see(t, r.clients[0], t0, []sight{
			{900 * ms, codes.OK, 300 * ms},
			{1500 * ms, codes.Unavailable, 0},
			{2100 * ms, codes.OK, 300 * ms},
		})
	})
	// What has not ended when it is back is cut off.
	synctest.Test(t, func(t *testing.T) {
		rule := fault.Rule{At: sec, For: 200 * ms, Inject: fault.Inject{Restart: &fault.Restart{Graceful: true}}}
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(300 * ms), Faults: []fault.Rule{rule}})
		see(t, r.clients[0], t0, []sight{
			{950 * ms, codes.Unavailable, 250 * ms},
			{1300 * ms, codes.OK, 300 * ms},
		})
	})
}

// A backend that goes down while it drains cuts off the calls that were to end.
func TestDownCutsADrainShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(300 * ms), Faults: []fault.Rule{
			{At: sec, For: sec, Inject: fault.Inject{Restart: &fault.Restart{Graceful: true}}},
			{At: 1100 * ms, For: 2 * sec, Inject: down()},
		}})
		see(t, r.clients[0], t0, []sight{
			{750 * ms, codes.OK, 300 * ms}, // drained
			{950 * ms, codes.Unavailable, 150 * ms},
			{2500 * ms, codes.Unavailable, 0},
			{3200 * ms, codes.OK, 300 * ms},
		})
	})
}

// A caller that leaves frees its place, or, where that is ignored, keeps it.
func TestOnCancel(t *testing.T) {
	for on, want := range map[OnCancel]time.Duration{Stop: 150 * ms, Ignore: 200 * ms} {
		t.Run(onCancelWords[on], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), Concurrency: 1, OnCancel: on})
				left := make(chan error, 1)
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
					defer cancel()
					left <- get(ctx, r.clients[0], "left", "")
				}()
				synctest.Wait()
				took(t, "the next", want, func() { must(t, get(t.Context(), r.clients[0], "next", "")) })
				wantCode(t, "the one that left", <-left, codes.DeadlineExceeded)
				synctest.Wait()
				s := r.Snapshot().Backends[0]
				if s.InFlight != 0 || s.InService != 0 || s.Codes["CANCELLED"] != 1 || s.Codes["OK"] != 2 {
					t.Errorf("%+v", s)
				}
				// What is done for nobody ends with the backend: the bubble would
				// find it.
				ctx, cancel := timeout(t, 10*ms)
				defer cancel()
				wantCode(t, "another that left", get(ctx, r.clients[0], "another", ""), codes.DeadlineExceeded)
			})
		})
	}
}
