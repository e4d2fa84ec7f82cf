package fakeserver

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// inject is a fleet of one backend, of 100 ms a call, with one fault.
func inject(r fault.Rule) Config {
	return Config{Backends: 1, ServiceTime: fixed(100 * ms), Faults: []fault.Rule{r}}
}

// wantStatus checks the code and the message of an error.
func wantStatus(t *testing.T, err error, code codes.Code, message string) {
	t.Helper()
	if s := status.Convert(err); s.Code() != code || !strings.Contains(s.Message(), message) {
		t.Errorf("%v, want %v: …%s…", err, code, message)
	}
}

// A connection that is cut fails the calls on it, and the next call finds a new
// one: every time that the window comes round.
func TestDisconnect(t *testing.T) {
	for with, message := range map[fault.Ending]string{fault.RST: "error reading from server: ", fault.FIN: "error reading from server: EOF"} {
		synctest.Test(t, func(t *testing.T) {
			r, t0 := started(t, inject(fault.Rule{At: sec, Every: sec, Inject: fault.Inject{Disconnect: &fault.Disconnect{With: with}}}))
			for i := range 3 {
				at := sec * time.Duration(i+1)
				sleepTo(t0, at-50*ms)
				took(t, "the call", 50*ms, func() {
					wantStatus(t, get(t.Context(), r.clients[0], "cut", ""), codes.Unavailable, message)
				})
				see(t, r.clients[0], t0, []sight{{at + 20*ms, codes.OK, 100 * ms}})
			}
			s := r.Snapshot().Backends[0]
			if s.ConnectionsOpened != 4 || s.ConnectionsOpen != 1 || s.Faults["disconnect"] != 3 || s.Codes["CANCELLED"] != 3 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// GOAWAY lets calls in flight end; with a last stream ID of 0 they are tried
// again, unseen.
func TestGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, inject(fault.Rule{At: sec, Inject: fault.Inject{GoAway: &fault.GoAway{}}}))
		see(t, r.clients[0], t0, []sight{
			{950 * ms, codes.OK, 100 * ms}, // ends where it is
			{1010 * ms, codes.OK, 100 * ms},
		})
		s := r.Snapshot().Backends[0]
		if s.ConnectionsOpened != 2 || s.ConnectionsOpen != 1 || s.Codes["OK"] != 3 || len(s.Codes) != 1 || s.Faults["goaway"] != 1 {
			t.Errorf("%+v", s)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, inject(fault.Rule{At: sec, Inject: fault.Inject{GoAway: &fault.GoAway{Refuse: true}}}))
		see(t, r.clients[0], t0, []sight{
			{950 * ms, codes.OK, 150 * ms}, // begins again
			{1010 * ms, codes.OK, 100 * ms},
		})
		s := r.Snapshot().Backends[0]
		if s.ConnectionsOpened != 2 || s.Attempts["user.v1.UserService/GetUser"] != 4 || s.Codes["OK"] != 3 || s.Codes["CANCELLED"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// Nothing tells a client of a blackhole but time: without keepalive calls wait
// for their deadline, and end late when it is over in time.
func TestBlackhole(t *testing.T) {
	rule := fault.Rule{At: sec, For: 10 * sec, Inject: fault.Inject{Blackhole: &fault.Blackhole{}}}
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, inject(rule))
		late := make(chan error, 1)
		go func() {
			sleepTo(t0, 5*sec)
			late <- get(t.Context(), r.clients[0], "waits", "")
		}()
		sleepTo(t0, 950*ms)
		took(t, "a call that is being served", 2*sec, func() {
			ctx, cancel := timeout(t, 2*sec)
			defer cancel()
			wantStatus(t, get(ctx, r.clients[0], "x", ""), codes.DeadlineExceeded, "context deadline exceeded")
		})
		// A new connection is accepted, and hears nothing.
		client := userpb.NewUserServiceClient(dial(t, r.addresses[0].Address, r.network.Dial))
		took(t, "a call on a new connection", sec, func() {
			ctx, cancel := timeout(t, sec)
			defer cancel()
			_, err := client.GetUser(ctx, &userpb.GetUserRequest{}, grpc.WaitForReady(true))
			wantStatus(t, err, codes.DeadlineExceeded, "")
		})
		if s := r.Snapshot().Backends[0]; s.ConnectionsOpened < 2 {
			t.Errorf("%d connections: it must accept them", s.ConnectionsOpened)
		}
		must(t, <-late)
		if at := time.Since(t0); at != 11*sec+100*ms {
			t.Errorf("the call that waits ended at %v, want 11.1 s", at)
		}
		see(t, r.clients[0], t0, []sight{{12 * sec, codes.OK, 100 * ms}})
	})
}

// Two that overlap are one, until both are over.
func TestBlackholesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), Faults: []fault.Rule{
			{Name: "first", At: sec, For: sec, Inject: fault.Inject{Blackhole: &fault.Blackhole{}}},
			{Name: "second", At: 1500 * ms, For: sec, Inject: fault.Inject{Blackhole: &fault.Blackhole{}}},
		}})
		see(t, r.clients[0], t0, []sight{
			{1200 * ms, codes.OK, 1400 * ms},
			{2100 * ms, codes.OK, 500 * ms},
			{2500 * ms, codes.OK, 100 * ms},
		})
	})
}

// With keepalive a client finds it within time + timeout.
func TestKeepaliveFindsABlackhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, inject(fault.Rule{At: sec, Inject: fault.Inject{Blackhole: &fault.Blackhole{}}}))
		cc, err := grpc.NewClient("passthrough:///"+r.addresses[0].Address, grpc.WithContextDialer(r.network.Dial),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * sec, Timeout: 2 * sec}))
		must(t, err)
		defer cc.Close()
		client := userpb.NewUserServiceClient(cc)
		must(t, get(t.Context(), client, "connects", ""))
		sleepTo(t0, 1500*ms)
		err = get(t.Context(), client, "x", "")
		wantStatus(t, err, codes.Unavailable, "keepalive ping failed to receive ACK within timeout")
		if at := time.Since(t0); at < 10*sec || at > 14*sec {
			t.Errorf("found at %v, want about 12 s", at)
		}
	})
}

// Connections go when they reach the age; calls end, or are cut off after the
// grace.
func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, inject(fault.Rule{At: 0, For: 10 * sec, Inject: fault.Inject{MaxAge: &fault.MaxAge{Age: 2 * sec}}}))
		for i := range 100 {
			see(t, r.clients[0], t0, []sight{{time.Duration(i) * 150 * ms, codes.OK, 100 * ms}})
		}
		// Each dies 2 s old, the next begins with the next call: at about 2, 4,
		// 6 and 8 s, and the one of 8 s lives past the window.
		if s := r.Snapshot().Backends[0]; s.ConnectionsOpened != 5 || s.ConnectionsOpen != 1 || s.Codes["OK"] != 101 || len(s.Codes) != 1 {
			t.Errorf("%+v", s)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := inject(fault.Rule{Inject: fault.Inject{MaxAge: &fault.MaxAge{Age: sec, Grace: 30 * ms}}})
		r, t0 := started(t, c)
		see(t, r.clients[0], t0, []sight{{850 * ms, codes.Unavailable, 80 * ms}}) // the connection is 100 ms older than t0
	})
}

// The client queues what does not fit, from the window's begin to its end, on
// connections that are new, too.
func TestMaxStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, inject(fault.Rule{At: sec, For: sec, Inject: fault.Inject{MaxStreams: &fault.MaxStreams{N: 2}}}))
		three := func(c userpb.UserServiceClient, at time.Duration, last time.Duration) {
			t.Helper()
			see(t, c, t0, []sight{{at, codes.OK, 100 * ms}, {at + ms, codes.OK, 100 * ms}, {at + 2*ms, codes.OK, last}})
		}
		three(r.clients[0], 500*ms, 100*ms)
		three(r.clients[0], 1100*ms, 198*ms)
		fresh := userpb.NewUserServiceClient(dial(t, r.addresses[0].Address, r.network.Dial))
		must(t, get(t.Context(), fresh, "connects", ""))
		three(fresh, 1500*ms, 198*ms)
		three(r.clients[0], 2*sec, 100*ms)
		three(fresh, 2500*ms, 100*ms)
	})
}

// A call that waits for a stream while its caller gives up never reaches the
// backend.
func TestMaxStreamsQueuesAtTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, t0 := started(t, inject(fault.Rule{Inject: fault.Inject{MaxStreams: &fault.MaxStreams{N: 1}}}))
		first := make(chan error, 1)
		go func() { first <- get(t.Context(), r.clients[0], "x", "") }()
		sleepTo(t0, ms)
		ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		took(t, "the second", 50*ms, func() {
			wantCode(t, "the second", get(ctx, r.clients[0], "y", ""), codes.DeadlineExceeded)
		})
		must(t, <-first)
		if s := r.Snapshot().Backends[0]; s.Attempts["user.v1.UserService/GetUser"] != 2 {
			t.Errorf("%+v", s)
		}
	})
}
