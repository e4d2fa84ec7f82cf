package fakeserver

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/controlpb"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

func getReady(ctx context.Context, c userpb.UserServiceClient) error {
	_, err := c.GetUser(ctx, &userpb.GetUserRequest{}, grpc.WaitForReady(true))
	return err
}

// Faults on calls come and go while calls are made, through the control service.
func TestLiveFaultOnCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, address, _ := controlled(t, "secret")
		c, err := DialControl(address, "secret", n.Dial)
		must(t, err)
		defer c.Close()
		ctx := t.Context()
		addresses, err := c.Configure(ctx, Config{Backends: 2, Faults: []fault.Rule{{Name: "early", At: -sec, For: sec, Inject: unavailable()}}})
		must(t, err)
		r := &rig{Fleet: f, network: n, addresses: addresses}
		for _, a := range addresses {
			cc := dial(t, a.Address, n.Dial)
			r.clients = append(r.clients, userpb.NewUserServiceClient(cc))
		}
		codesOf := func(backend int) codes.Code { return status.Code(get(ctx, r.clients[backend], "x", "")) }

		_, err = c.AddFault(ctx, fault.Rule{Inject: unavailable()})
		wantCode(t, "before the clock is set", err, codes.InvalidArgument)
		must(t, c.Start(ctx, time.Now(), true))
		time.Sleep(10 * sec)

		name, err := c.AddFault(ctx, fault.Rule{At: sec, For: 2 * sec, Where: fault.Where{Backends: []int{1}}, Inject: unavailable()})
		must(t, err)
		second, err := c.AddFault(ctx, fault.Rule{Name: "mine", For: time.Hour, Where: fault.Where{Method: "CreateUser"}, Inject: unavailable()})
		must(t, err)
		third, err := c.AddFault(ctx, fault.Rule{For: ms, Inject: fault.Inject{Status: &fault.Status{Code: codes.Aborted}}})
		must(t, err)
		if name != "status" || second != "mine" || third != "status2" {
			t.Errorf("names %q, %q, %q", name, second, third)
		}
		time.Sleep(sec - 1) // at counts from when it was added
		if got := codesOf(1); got != codes.OK {
			t.Errorf("before the window: %v", got)
		}
		time.Sleep(time.Nanosecond)
		for backend, want := range []codes.Code{codes.OK, codes.Unavailable} {
			if got := codesOf(backend); got != want {
				t.Errorf("b%d in the window: %v, want %v", backend, got, want)
			}
		}
		got, err := c.Faults(ctx)
		must(t, err)
		if d := cmp.Diff([]FaultState{{Name: "early", Kind: "status"}, {Name: "status", Kind: "status", Added: true, Open: true, Met: 1},
			{Name: "mine", Kind: "status", Added: true, Open: true}, {Name: "status2", Kind: "status", Added: true}}, got); d != "" {
			t.Error(d)
		}
		must(t, c.RemoveFault(ctx, "status"))
		if got := codesOf(1); got != codes.OK {
			t.Errorf("after it was removed: %v", got)
		}
		if s := f.Snapshot().Backends[1]; s.Rules["status"] != 1 {
			t.Errorf("what was counted is gone: %v", s.Rules)
		}
		err = c.RemoveFault(ctx, "status")
		wantCode(t, "removed twice", err, codes.InvalidArgument)
		if !strings.Contains(err.Error(), "there are early, mine, status2") {
			t.Errorf("removed twice: %v", err)
		}

		// Reset goes back to what was configured.
		must(t, c.RemoveFault(ctx, "early"))
		must(t, c.Reset(ctx, 1, 0))
		got, err = c.Faults(ctx)
		must(t, err)
		if d := cmp.Diff([]FaultState{{Name: "early", Kind: "status"}}, got); d != "" {
			t.Error(d)
		}
		must(t, c.Start(ctx, time.Now().Add(sec), true))
		if got := status.Code(getReady(ctx, r.clients[0])); got != codes.Unavailable {
			t.Errorf("the configured fault after Reset: %v", got)
		}
	})
}

// Faults on backends begin and end at once, whether the backend had any before
// or not, and a removed one does not come back.
func TestLiveFaultOnBackend(t *testing.T) {
	for _, configured := range [][]fault.Rule{nil, {{At: time.Hour, Inject: down()}}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Backends: 2, Faults: configured})
			t0 := time.Now()
			r.Start(t0, true)
			refuses := func(backend int) bool {
				synctest.Wait()
				conn, err := r.network.Dial(t.Context(), r.addresses[backend].Address)
				if err == nil {
					conn.Close()
				}
				return errors.Is(err, syscall.ECONNREFUSED)
			}
			name, err := r.AddFault(fault.Rule{Name: "x", For: 3 * sec, Where: fault.Where{Backends: []int{1}}, Inject: down()})
			must(t, err)
			if refuses(0) || !refuses(1) {
				t.Error("it did not begin")
			}
			sleepTo(t0, sec)
			must(t, r.RemoveFault(name))
			if refuses(1) {
				t.Error("it did not end")
			}
			sleepTo(t0, 2*sec)
			if refuses(1) {
				t.Error("it came back")
			}
			name, err = r.AddFault(fault.Rule{At: sec, For: sec, Inject: down()})
			must(t, err)
			sleepTo(t0, 3*sec-1)
			if refuses(0) || refuses(1) {
				t.Error("too early")
			}
			sleepTo(t0, 3*sec)
			if !refuses(0) || !refuses(1) {
				t.Error("too late")
			}
			sleepTo(t0, 4*sec)
			if refuses(0) || refuses(1) {
				t.Error("it stayed")
			}
			if got := r.Snapshot().Backends[1].Rules; got["x"] != 1 || got[name] != 1 {
				t.Errorf("windows counted: %v", got)
			}
			// A reset while one is open.
			_, err = r.AddFault(fault.Rule{Inject: down()})
			must(t, err)
			if !refuses(0) {
				t.Error("the last did not begin")
			}
			must(t, r.Reset(1, 0))
			r.Start(time.Now(), true)
			if refuses(0) {
				t.Error("it outlived the reset")
			}
		})
	}
}

// A fault that is over as soon as it has begun is not open ever after.
func TestMomentaryFaultIsNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{
			{At: sec, Inject: fault.Inject{Disconnect: &fault.Disconnect{}}},
			{At: sec, Inject: down()},
		}})
		r.Start(time.Now(), true)
		time.Sleep(time.Hour)
		synctest.Wait()
		want := []FaultState{{Name: "disconnect", Kind: "disconnect", Met: 1}, {Name: "down", Kind: "down", Open: true, Met: 1}}
		if d := cmp.Diff(want, r.Faults()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// A fault that is added again, under the name that it had, is counted on there, and
// once by kind, also where another kind has the name now.
func TestFaultAddedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1})
		r.Start(time.Now(), true)
		meet := func(in fault.Inject, calls int) {
			name, err := r.AddFault(fault.Rule{Name: "mine", Inject: in})
			must(t, err)
			synctest.Wait()
			for range calls {
				_ = get(t.Context(), r.clients[0], "x", "")
			}
			must(t, r.RemoveFault(name))
		}
		meet(latency(ms), 2)
		meet(latency(2*ms), 3)
		meet(unavailable(), 4)
		meet(fault.Inject{Freeze: &fault.Freeze{}}, 0)
		s := r.Snapshot().Backends[0]
		if d := cmp.Diff(map[string]int64{"latency": 5, "status": 4, "freeze": 1}, s.Faults); d != "" {
			t.Errorf("by kind (-want +got):\n%s", d)
		}
		if d := cmp.Diff(map[string]int64{"mine": 10}, s.Rules); d != "" {
			t.Errorf("by rule (-want +got):\n%s", d)
		}
	})
}

// What cannot be added says why.
func TestAddFaultRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFleet("", memnet.New().Listen)
		defer f.Close()
		if _, err := f.AddFault(fault.Rule{Inject: down()}); !errors.Is(err, ErrFault) {
			t.Errorf("without a configuration: %v", err)
		}
		_, err := f.Configure(Config{Backends: 1, Faults: []fault.Rule{{Name: "taken", Inject: unavailable()}}})
		must(t, err)
		f.Start(time.Now(), true)
		for want, r := range map[string]fault.Rule{
			`the name "taken" is taken`: {Name: "taken", Inject: down()},
			"must name a fault":         {},
			"must be from 0 to 0":       {Where: fault.Where{Backends: []int{3}}, Inject: down()},
			"needs concurrency":         {Inject: fault.Inject{Overload: &fault.Overload{Capacity: 0.5}}},
			"follow the frames":         {Inject: fault.Inject{GoAway: &fault.GoAway{}}},
		} {
			if _, err := f.AddFault(r); !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		if n := len(f.Faults()); n != 1 {
			t.Errorf("%d faults in force, want 1", n)
		}
	})
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, address, served := controlled(t, "secret")
		c, err := DialControl(address, "secret", n.Dial)
		must(t, err)
		defer c.Close()
		addresses, err := c.Configure(t.Context(), Default())
		must(t, err)
		client := userpb.NewUserServiceClient(dial(t, addresses[0].Address, n.Dial))
		began := time.Now()
		var seen []int64
		var when []time.Duration
		ended := make(chan error, 1)
		go func() {
			ended <- c.Watch(t.Context(), 250*ms, func(s Snapshot) {
				seen = append(seen, s.Backends[0].Codes["OK"])
				when = append(when, time.Since(began))
			})
		}()
		for range 4 {
			time.Sleep(200 * ms)
			must(t, get(t.Context(), client, "x", ""))
		}
		synctest.Wait()
		if d := cmp.Diff([]int64{0, 1, 2, 3}, seen); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]time.Duration{0, 250 * ms, 500 * ms, 750 * ms}, when); d != "" {
			t.Error(d)
		}
		f.Close()
		must(t, <-served)
		wantCode(t, "a fleet that is gone", <-ended, codes.Unavailable)
	})
}

// A token guards the streams as well.
func TestWatchNeedsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n, address, _ := controlled(t, "secret")
		c, err := DialControl(address, "wrong", n.Dial)
		must(t, err)
		defer c.Close()
		wantCode(t, "Watch", c.Watch(t.Context(), sec, func(Snapshot) { t.Error("it sees") }), codes.Unauthenticated)
	})
}

// shifted is a control service on a machine whose clock is ahead, over a way that
// takes longer there than back, once it has been quick.
type shifted struct {
	controlpb.UnimplementedControlServer
	ahead time.Duration
	asked int
}

func (s *shifted) Clock(context.Context, *controlpb.ClockRequest) (*controlpb.ClockResponse, error) {
	s.asked++
	if s.asked == 4 {
		time.Sleep(ms) // the quickest, and even
	} else {
		time.Sleep(40 * ms)
	}
	at := time.Now().Add(s.ahead)
	time.Sleep(5 * ms) // its own time does not count
	out := &controlpb.ClockResponse{ReceivedUnixNanos: at.UnixNano(), SentUnixNanos: time.Now().Add(s.ahead).UnixNano()}
	time.Sleep(ms)
	return out, nil
}

func TestOffset(t *testing.T) {
	for _, ahead := range []time.Duration{0, 3 * time.Hour, -17 * sec} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			l, err := n.Listen("tcp", "there")
			must(t, err)
			server := grpc.NewServer()
			controlpb.RegisterControlServer(server, &shifted{ahead: ahead})
			served := make(chan error, 1)
			go func() { served <- server.Serve(l) }()
			defer func() { server.Stop(); <-served }()
			c, err := DialControl("there", "", func(ctx context.Context, a string) (net.Conn, error) { return n.Dial(ctx, a) })
			must(t, err)
			defer c.Close()
			got, way, err := c.Offset(t.Context())
			must(t, err)
			if got != ahead || way != 2*ms {
				t.Errorf("%v ahead, %v on the way; want %v, 2ms", got, way, ahead)
			}
		})
	}
}
