package fakeserver

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/link"
	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// A call takes a round trip longer, the first one two more for its connection;
// a message takes its size ÷ bandwidth.
func TestNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(5 * ms), Network: link.Config{RTT: 20 * ms}})
		took(t, "the first call", 65*ms, func() { must(t, get(t.Context(), r.clients[0], "x", "")) })
		for range 3 {
			took(t, "a call", 25*ms, func() { must(t, get(t.Context(), r.clients[0], "x", "")) })
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Network: link.Config{RTT: 10 * ms, Bandwidth: 1e6}})
		must(t, get(t.Context(), r.clients[0], "x", ""))
		const size = 2_000_000
		began := time.Now()
		_, err := r.clients[0].GetUser(t.Context(), &userpb.GetUserRequest{ResponseBytes: size})
		must(t, err)
		// HTTP/2's flow control makes the sender wait for a round trip now and then.
		if got := float64(size) / time.Since(began).Seconds(); got < 0.95e6 || got > 1.0e6 {
			t.Errorf("%.0f bytes a second, want 1,000,000 within 5 %%", got)
		}
	})
}

// On real TCP only a loose bound: no quicker than asked, and not half as slow
// again, when it is not disturbed.
func TestNetworkOnTCP(t *testing.T) {
	f := NewFleet("", nil)
	defer f.Close()
	addresses, err := f.Configure(Config{Backends: 1, Network: link.Config{RTT: 10 * ms}})
	must(t, err)
	client := userpb.NewUserServiceClient(dial(t, addresses[0].Address, nil))
	must(t, get(t.Context(), client, "x", ""))
	best := time.Hour
	for range 20 {
		began := time.Now()
		must(t, get(t.Context(), client, "x", ""))
		took := time.Since(began)
		if took < 10*ms {
			t.Fatalf("a call took %v, less than the round trip", took)
		}
		best = min(best, took)
	}
	t.Logf("best of 20 calls over a round trip of 10 ms: %v", best)
	if best > 15*ms {
		t.Errorf("the best of 20 calls took %v", best)
	}
}

func secured(t *testing.T, r *rig, address Address) userpb.UserServiceClient {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(address.Authority)) {
		t.Fatalf("no certificate: %q", address.Authority)
	}
	cc, err := grpc.NewClient("passthrough:///"+address.Address, grpc.WithContextDialer(r.network.Dial),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: TLSName})),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 10 * ms, MaxDelay: 10 * ms, Multiplier: 1}, MinConnectTimeout: sec}))
	must(t, err)
	t.Cleanup(func() { cc.Close() })
	return userpb.NewUserServiceClient(cc)
}

func TestTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 2, TLS: SelfSigned})
		for i, a := range r.addresses {
			must(t, get(t.Context(), secured(t, r, a), "x", ""))
			wantCode(t, "in plain text", get(t.Context(), r.clients[i], "x", ""), codes.Unavailable)
		}
	})
}

// Handshakes fail while the window is open; connections that are there stay.
func TestTLSFailure(t *testing.T) {
	for certificate, message := range map[fault.BadCertificate]string{
		fault.UnknownAuthority: "authentication handshake failed: tls: failed to verify certificate: x509: certificate signed by unknown authority",
		fault.Expired:          "x509: certificate has expired or is not yet valid",
		fault.WrongName:        "x509: certificate is valid for elsewhere.invalid, not localhost",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Backends: 1, TLS: SelfSigned, Faults: []fault.Rule{
				{At: sec, For: sec, Inject: fault.Inject{TLSFailure: &fault.TLSFailure{Certificate: certificate}}}}})
			old := secured(t, r, r.addresses[0])
			must(t, get(t.Context(), old, "x", ""))
			t0 := time.Now()
			r.Start(t0, true)
			sleepTo(t0, 1500*ms)
			must(t, get(t.Context(), old, "x", ""))
			fresh := secured(t, r, r.addresses[0])
			wantStatus(t, get(t.Context(), fresh, "x", ""), codes.Unavailable, message)
			sleepTo(t0, 2100*ms)
			must(t, get(t.Context(), fresh, "x", ""))
		})
	}
}

// A backend comes back while a client is in the middle of a handshake with the
// server that it had: that handshake needs nothing that who ends the server holds,
// or both would wait for ever.
func TestHandshakesDoNotHoldUpOpen(t *testing.T) {
	n := memnet.New()
	f := NewFleet("secret", n.Listen)
	defer f.Close()
	addresses, err := f.Configure(Config{Backends: 1, TLS: SelfSigned})
	must(t, err)
	life := f.backends[0].life
	life.mu.Lock() // as Open does, until the old server's handshakes have ended
	defer life.mu.Unlock()
	raw, err := n.Dial(t.Context(), addresses[0].Address)
	must(t, err)
	defer raw.Close()
	ctx, cancel := timeout(t, 10*sec)
	defer cancel()
	if err := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).HandshakeContext(ctx); err != nil {
		t.Errorf("the handshake: %v", err)
	}
}

// TLS, frames that are followed and a network, all at once.
func TestTLSWithFramesAndNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, TLS: SelfSigned, Network: link.Config{RTT: 10 * ms}, Faults: []fault.Rule{
			{At: sec, Inject: fault.Inject{GoAway: &fault.GoAway{}}}}})
		client := secured(t, r, r.addresses[0])
		must(t, get(t.Context(), client, "x", ""))
		t0 := time.Now()
		r.Start(t0, true)
		sleepTo(t0, 2*sec)
		must(t, get(t.Context(), client, "x", ""))
		if s := r.Snapshot().Backends[0]; s.ConnectionsOpened != 2 || s.ConnectionsOpen != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// Connections go to the backends in turn, past those that are down; with none
// left they are reset.
func TestFront(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 3, Front: L4, Faults: []fault.Rule{
			{At: sec, For: 2 * sec, Where: fault.Where{Backends: []int{1}}, Inject: down()},
			{At: 2 * sec, For: sec, Where: fault.Where{Backends: []int{0, 2}}, Inject: down()},
		}})
		if d := cmp.Diff([]Address{{Name: "front", Address: "127.0.0.1:1"}}, r.addresses); d != "" {
			t.Fatal(d)
		}
		opened := func() (all []int64) {
			for _, b := range r.Snapshot().Backends {
				all = append(all, b.ConnectionsOpened)
			}
			return all
		}
		connect := func(n int, want codes.Code) {
			t.Helper()
			for range n {
				wantCode(t, "a call", get(t.Context(), userpb.NewUserServiceClient(dial(t, r.addresses[0].Address, r.network.Dial)), "x", ""), want)
			}
		}
		connect(6, codes.OK)
		if d := cmp.Diff([]int64{2, 2, 2}, opened()); d != "" {
			t.Error(d)
		}
		t0 := time.Now()
		r.Start(t0, true)
		sleepTo(t0, 1500*ms) // two connections of b1 were reset, and come back elsewhere
		before := opened()
		connect(4, codes.OK)
		after := opened()
		if d := cmp.Diff([]int64{2, 0, 2}, []int64{after[0] - before[0], after[1] - before[1], after[2] - before[2]}); d != "" {
			t.Error(d)
		}
		sleepTo(t0, 2500*ms)
		connect(1, codes.Unavailable)
		sleepTo(t0, 3500*ms)
		connect(1, codes.OK)
		// A Reset begins with the first backend again.
		must(t, r.Reset(1, 0))
		for _, b := range r.Snapshot().Backends {
			if b.Address != "127.0.0.1:1" {
				t.Errorf("%s is at %s", b.Name, b.Address)
			}
		}
	})
}

// What a method has of its own comes before what a backend has, and that before
// what the fleet has.
func TestTimesOfMethodsAndBackends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{
			Backends: 3, ServiceTime: fixed(10 * ms),
			Each:    []Backend{{}, {Speed: 0.5}, {ServiceTime: fixed(30 * ms), Speed: 2}},
			Methods: map[string]Method{"CreateUser": {ServiceTime: fixed(40 * ms)}},
		})
		for i, want := range []struct{ get, create time.Duration }{{10 * ms, 40 * ms}, {20 * ms, 80 * ms}, {15 * ms, 20 * ms}} {
			took(t, fmt.Sprintf("GetUser on b%d", i), want.get, func() { must(t, get(t.Context(), r.clients[i], "x", "")) })
			took(t, fmt.Sprintf("CreateUser on b%d", i), want.create, func() {
				_, err := r.clients[i].CreateUser(t.Context(), &userpb.CreateUserRequest{})
				must(t, err)
			})
		}
	})
}

func TestMessagesTakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{
			Backends: 1, ServiceTime: fixed(10 * ms), MessageTime: fixed(2 * ms), MessageGap: 5 * ms, Concurrency: 1,
			Methods: map[string]Method{"SyncUsers": {MessageTime: fixed(3 * ms)}},
		})
		c, ctx := r.clients[0], t.Context()
		ss, err := c.ListUsers(ctx, &userpb.ListUsersRequest{Messages: 3})
		must(t, err)
		for i, want := range []time.Duration{12 * ms, 7 * ms, 7 * ms} {
			took(t, fmt.Sprintf("message %d", i), want, func() {
				_, err := ss.Recv()
				must(t, err)
			})
		}
		took(t, "BatchCreateUsers of 4", 18*ms, func() {
			ss, err := c.BatchCreateUsers(ctx)
			must(t, err)
			for range 4 {
				must(t, ss.Send(&userpb.BatchCreateUsersRequest{}))
			}
			_, err = ss.CloseAndRecv()
			must(t, err)
		})
		sync, err := c.SyncUsers(ctx)
		must(t, err)
		for i, want := range []time.Duration{13 * ms, 3 * ms} {
			took(t, fmt.Sprintf("echo %d", i), want, func() {
				must(t, sync.Send(&userpb.SyncUsersRequest{}))
				_, err := sync.Recv()
				must(t, err)
			})
		}
		must(t, sync.CloseSend())
		// The gap needs no slot, a message does.
		one, err := c.ListUsers(ctx, &userpb.ListUsersRequest{Messages: 2})
		must(t, err)
		_, err = one.Recv()
		must(t, err)
		took(t, "a call in the gap, which the second message waits for", 10*ms, func() { must(t, get(ctx, c, "x", "")) })
		took(t, "the second message", 2*ms, func() {
			_, err := one.Recv()
			must(t, err)
		})
	})
}

func TestValidateCapacity(t *testing.T) {
	slow, overload := fault.Inject{Slow: &fault.Slow{Speed: 0.5}}, fault.Inject{Overload: &fault.Overload{Capacity: 0.5}}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Backends: 2, Each: []Backend{{Speed: 0.5}}}, "backends: must be as many as the list has items, 1 (got 2)"},
		{Config{Backends: 1, Each: []Backend{{Speed: -1, Concurrency: -1, ServiceTime: fixed(-1)}}},
			"backends[0].service_time.fixed: must be > 0 (got -1ns)\n" +
				"backends[0].speed: must be > 0 and at most 1000 (got -1)\nbackends[0].concurrency: must be >= 1, or left out (got -1)"},
		{Config{Backends: 1, Each: []Backend{{Concurrency: 2}}, Queue: ptr(1)}, ""},
		{Config{Backends: 1, MessageGap: -1, Methods: map[string]Method{
			"GetUser":   {MessageTime: fixed(ms), MessageGap: ptr(ms)},
			"ListUsers": {MessageGap: ptr(-ms)}, "user.v1.UserService/ListUsers": {}, "Nope": {}}},
			"message_gap: must be >= 0 (got -1ns)\n" +
				"methods.GetUser.message_time: is for streams: GetUser is unary\n" +
				"methods.GetUser.message_gap: is for server streams, and GetUser is none\n" +
				"methods.ListUsers.message_gap: must be >= 0 (got -1ms)\n" +
				"methods.Nope: must be one of CreateUser, GetUser, ListUsers, BatchCreateUsers, SyncUsers (got \"Nope\")\n" +
				"methods.user.v1.UserService/ListUsers: the method is set twice: as ListUsers too"},
		{Config{Backends: 1, Network: link.Config{RTT: -1}}, "network.rtt: must be >= 0 (got -1ns)"},
		{Config{Backends: 2, Faults: []fault.Rule{{Inject: slow}, {Inject: overload}, {Inject: fault.Inject{TLSFailure: &fault.TLSFailure{}}}}},
			"faults[0].inject.slow: needs service_time: a backend that takes no time is no slower at any speed\n" +
				"faults[1].inject.overload: needs concurrency: a backend that serves any number of calls at once has no capacity to lose\n" +
				"faults[2].inject.tls_failure: needs tls: self_signed: in plain text there is no handshake to fail"},
		{Config{Backends: 2, Each: []Backend{{Concurrency: 1, ServiceTime: fixed(ms)}, {}}, Faults: []fault.Rule{
			{Inject: slow, Where: fault.Where{Backends: []int{0}}}, {Inject: overload, Where: fault.Where{Backends: []int{0}}}}}, ""},
		{Config{Backends: 1, Faults: []fault.Rule{
			{Inject: fault.Inject{Restart: &fault.Restart{Cold: 2, Ramp: -1}}}, {For: sec, Inject: fault.Inject{Disconnect: &fault.Disconnect{}}}}},
			"faults[0].inject.restart.ramp: must be >= 0 (got -1ns)\n" +
				"faults[0].for: must be set: how long the backend is down\n" +
				"faults[1].for: must be left out: disconnect happens at a moment"},
	} {
		if got := render(c.config.Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	unread := Config{Backends: 1, ServiceTime: servicetime.Choice{Quantiles: &servicetime.Quantiles{File: "x.csv"}}}
	f := NewFleet("", nil)
	defer f.Close()
	if _, err := f.Configure(unread); render(err) != "service_time: must be loaded first: its file was not read" {
		t.Errorf("%v", err)
	}
}
