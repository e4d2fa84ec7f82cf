package fakeserver

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// rig is a fleet on a network in memory, with a client for each backend.
type rig struct {
	*Fleet
	network   *memnet.Network
	addresses []Address
	conns     []*grpc.ClientConn
	clients   []userpb.UserServiceClient
}

// newRig must run in a bubble when time is to be virtual. All ends with the test.
func newRig(t *testing.T, c Config) *rig {
	t.Helper()
	r := &rig{network: memnet.New()}
	r.Fleet = NewFleet("secret", r.network.Listen)
	t.Cleanup(r.Close)
	var err error
	r.addresses, err = r.Configure(c)
	must(t, err)
	for _, a := range r.addresses {
		cc := dial(t, a.Address, r.network.Dial)
		r.conns = append(r.conns, cc)
		r.clients = append(r.clients, userpb.NewUserServiceClient(cc))
	}
	return r
}

func dial(t *testing.T, address string, dialer func(context.Context, string) (net.Conn, error), more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1 << 30)),
		// Dialled again every 10 ms: without any wait a refused client would
		// spin, and virtual time with it stand still.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: 10 * ms, MaxDelay: 10 * ms, Multiplier: 1}, MinConnectTimeout: sec}),
	}
	if dialer != nil {
		options = append(options, grpc.WithContextDialer(dialer))
	}
	cc, err := grpc.NewClient("passthrough:///"+address, append(options, more...)...)
	must(t, err)
	t.Cleanup(func() { cc.Close() })
	return cc
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func timeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func ptr[T any](v T) *T { return &v }

func fixed(d time.Duration) servicetime.Choice {
	return servicetime.Choice{Fixed: &servicetime.Fixed{Time: d}}
}

func wantCode(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// took runs f and checks how long it took.
func took(t *testing.T, what string, want time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if got := time.Since(began); got != want {
		t.Errorf("%s took %v, want %v", what, got, want)
	}
}

// get calls GetUser under a call id and attempt number.
func get(ctx context.Context, c userpb.UserServiceClient, id string, previous string) error {
	kv := []string{callKey, id}
	if previous != "" {
		kv = append(kv, previousKey, previous)
	}
	_, err := c.GetUser(metadata.AppendToOutgoingContext(ctx, kv...), &userpb.GetUserRequest{UserId: "7"})
	return err
}

func TestEveryMethod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(10 * ms)})
		c, ctx := r.clients[0], t.Context()

		took(t, "GetUser", 10*ms, func() {
			out, err := c.GetUser(ctx, &userpb.GetUserRequest{UserId: "7", ResponseBytes: 100})
			must(t, err)
			u := out.GetUser()
			if u.GetId() != "7" || u.GetUsername() != "7" || u.GetEmail() != "7@example.com" || u.GetFullName() != "User 7" ||
				!u.GetCreatedAt().AsTime().Equal(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)) || len(u.GetPayload()) != 100 {
				t.Errorf("GetUser: %v", u)
			}
		})
		took(t, "CreateUser", 10*ms, func() {
			out, err := c.CreateUser(ctx, &userpb.CreateUserRequest{
				User: &userpb.User{Id: "8", Username: "ann", Email: "a@b", FullName: "Ann B", Payload: make([]byte, 9)}, ResponseBytes: 5})
			must(t, err)
			u := out.GetUser()
			if u.GetId() != "8" || u.GetUsername() != "ann" || u.GetEmail() != "a@b" || u.GetFullName() != "Ann B" ||
				u.GetCreatedAt() == nil || len(u.GetPayload()) != 5 {
				t.Errorf("CreateUser: %v", u)
			}
		})
		took(t, "ListUsers", 10*ms, func() {
			ss, err := c.ListUsers(ctx, &userpb.ListUsersRequest{UserId: "7", Messages: 3, ResponseBytes: 10})
			must(t, err)
			for _, want := range []string{"7-1", "7-2", "7-3"} {
				out, err := ss.Recv()
				must(t, err)
				if out.GetUser().GetId() != want || len(out.GetUser().GetPayload()) != 10 {
					t.Errorf("ListUsers: %v, want %s", out.GetUser(), want)
				}
			}
			if _, err := ss.Recv(); err != io.EOF {
				t.Errorf("ListUsers end: %v", err)
			}
		})
		took(t, "BatchCreateUsers", 30*ms, func() {
			ss, err := c.BatchCreateUsers(ctx)
			must(t, err)
			for i := range 3 {
				must(t, ss.Send(&userpb.BatchCreateUsersRequest{ResponseBytes: int32(7 + i)}))
				time.Sleep([]time.Duration{15 * ms, 5 * ms, 0}[i]) // the service begins at the end of the request
			}
			out, err := ss.CloseAndRecv()
			must(t, err)
			if out.GetCreated() != 3 || len(out.GetPayload()) != 7 {
				t.Errorf("BatchCreateUsers: %v", out)
			}
		})
		took(t, "SyncUsers", 10*ms, func() {
			ss, err := c.SyncUsers(ctx)
			must(t, err)
			for _, id := range []string{"a", "b"} {
				must(t, ss.Send(&userpb.SyncUsersRequest{UserId: id, ResponseBytes: 3}))
				out, err := ss.Recv()
				must(t, err)
				if out.GetUser().GetId() != id || len(out.GetUser().GetPayload()) != 3 {
					t.Errorf("SyncUsers: %v", out.GetUser())
				}
			}
			must(t, ss.CloseSend())
			if _, err := ss.Recv(); err != io.EOF {
				t.Errorf("SyncUsers end: %v", err)
			}
		})

		want := Snapshot{Backends: []BackendSnapshot{{
			Name: "b0", Address: "127.0.0.1:1",
			Attempts: map[string]int64{
				"user.v1.UserService/GetUser": 1, "user.v1.UserService/CreateUser": 1, "user.v1.UserService/ListUsers": 1,
				"user.v1.UserService/BatchCreateUsers": 1, "user.v1.UserService/SyncUsers": 1,
			},
			Codes: map[string]int64{"OK": 5}, Faults: map[string]int64{}, Rules: map[string]int64{},
			ConnectionsOpened: 1, ConnectionsOpen: 1, Services: 5, Asked: 50 * ms, Actual: 50 * ms,
		}}}
		for _, m := range []method{createUser, getUser, listUsers, batchCreateUsers, syncUsers} {
			want.Backends[0].Series = append(want.Backends[0].Series, AttemptsSnapshot{Method: methods[m], Kind: string(m.kind()),
				Attempt: 1, Received: 1, Codes: map[string]int64{"OK": 1}, Rules: map[string]int64{}})
		}
		if d := cmp.Diff(want, r.Snapshot()); d != "" {
			t.Error(d)
		}
	})
}

func TestBadRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Default())
		c, ctx := r.clients[0], t.Context()
		_, err := c.GetUser(ctx, &userpb.GetUserRequest{ResponseBytes: -1})
		wantCode(t, "negative size", err, codes.InvalidArgument)
		_, err = c.GetUser(ctx, &userpb.GetUserRequest{ResponseBytes: maxMessage + 1})
		wantCode(t, "size over the limit", err, codes.InvalidArgument)
		out, err := c.GetUser(ctx, &userpb.GetUserRequest{ResponseBytes: maxMessage})
		if err != nil || len(out.GetUser().GetPayload()) != maxMessage {
			t.Errorf("size at the limit: %v", err)
		}
		ss, err := c.ListUsers(ctx, &userpb.ListUsersRequest{Messages: -1})
		must(t, err)
		_, err = ss.Recv()
		wantCode(t, "negative messages", err, codes.InvalidArgument)
		wantCode(t, "unknown method", r.conns[0].Invoke(ctx, "/user.v1.UserService/Nope", &userpb.User{}, &userpb.User{}), codes.Unimplemented)
		wantCode(t, "unknown service", r.conns[0].Invoke(ctx, "/x.Y/Z", &userpb.User{}, &userpb.User{}), codes.Unimplemented)
		s := r.Snapshot().Backends[0]
		if d := cmp.Diff(map[string]int64{"OK": 1, "INVALID_ARGUMENT": 3, "UNIMPLEMENTED": 2}, s.Codes); d != "" {
			t.Error(d)
		}
		if s.Attempts["unknown"] != 2 || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A caller that leaves frees its place, whatever it was doing there.
func TestCallersThatLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(sec), Concurrency: 1})
		c := r.clients[0]
		in := func(d time.Duration) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			t.Cleanup(cancel)
			return ctx
		}
		ends := make(chan error, 3)
		go func() { ends <- get(in(500*ms), c, "served", "") }()
		time.Sleep(ms)
		go func() { ends <- get(in(100*ms), c, "waiting", "") }()
		time.Sleep(ms)
		go func() { ends <- get(in(5*sec), c, "next", "") }()
		synctest.Wait()
		if s := r.Snapshot().Backends[0]; s.InFlight != 3 || s.InService != 1 || s.Queued != 2 {
			t.Errorf("in flight %d, in service %d, queued %d; want 3, 1, 2", s.InFlight, s.InService, s.Queued)
		}
		wantCode(t, "the one in line", <-ends, codes.DeadlineExceeded)
		wantCode(t, "the one in service", <-ends, codes.DeadlineExceeded)
		wantCode(t, "the next", <-ends, codes.OK)
		if got, want := time.Duration(time.Now().UnixNano()%int64(time.Hour)), 1500*ms; got != want {
			t.Errorf("the next ended after %v, want %v: it must not wait for those that left", got, want)
		}

		// A request whose message never comes is in flight until its caller leaves.
		ctx, cancel := context.WithCancel(t.Context())
		_, err := r.conns[0].NewStream(ctx, &grpc.StreamDesc{}, userpb.UserService_GetUser_FullMethodName)
		must(t, err)
		synctest.Wait()
		if s := r.Snapshot().Backends[0]; s.InFlight != 1 {
			t.Errorf("in flight %d, want 1", s.InFlight)
		}
		cancel()
		synctest.Wait()
		s := r.Snapshot().Backends[0]
		if s.InFlight != 0 || s.InService != 0 || s.Queued != 0 || s.Services != 1 {
			t.Errorf("%+v", s)
		}
		if d := cmp.Diff(map[string]int64{"OK": 1, "CANCELLED": 3}, s.Codes); d != "" {
			t.Error(d)
		}
	})
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 2, ServiceTime: fixed(sec), Concurrency: 1, Faults: []fault.Rule{
			{For: time.Hour, Where: fault.Where{Backends: []int{1}}, Inject: fault.Inject{Down: &fault.Down{}}},
			{At: -time.Hour, Where: fault.Where{Method: "CreateUser"}, Inject: fault.Inject{Status: &fault.Status{Code: codes.Aborted}}},
		}})
		ctx := t.Context()
		r.Start(time.Now(), true)
		synctest.Wait()
		wantCode(t, "call to a backend that is down", get(ctx, r.clients[1], "x", ""), codes.Unavailable)
		ends := make(chan error, 2)
		for range 2 {
			go func() { ends <- get(ctx, r.clients[0], "x", "") }()
		}
		synctest.Wait()
		took(t, "Reset", 0, func() { must(t, r.Reset(1, 2)) })
		wantCode(t, "call in flight over Reset", <-ends, codes.Unavailable)
		wantCode(t, "call in line over Reset", <-ends, codes.Unavailable)
		empty := func(i int, name string) BackendSnapshot {
			return BackendSnapshot{Name: name, Address: r.addresses[i].Address,
				Attempts: map[string]int64{}, Codes: map[string]int64{}, Faults: map[string]int64{}, Rules: map[string]int64{}}
		}
		if d := cmp.Diff(Snapshot{[]BackendSnapshot{empty(0, "b0"), empty(1, "b1")}}, r.Snapshot()); d != "" {
			t.Error(d)
		}
		// Faults are over and the clock is not set: nothing fails now.
		for i, c := range r.clients {
			took(t, "a call", sec, func() {
				_, err := c.CreateUser(ctx, &userpb.CreateUserRequest{}, grpc.WaitForReady(true))
				must(t, err)
			})
			if s := r.Snapshot().Backends[i]; s.Codes["OK"] != 1 || s.ConnectionsOpened != 1 {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestConfigureReplacesTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 2})
		must(t, get(t.Context(), r.clients[1], "x", ""))
		addresses, err := r.Configure(Config{Backends: 1})
		must(t, err)
		if d := cmp.Diff([]Address{{Name: "b0", Address: "127.0.0.1:3"}}, addresses); d != "" {
			t.Error(d)
		}
		wantCode(t, "call to a backend of the old fleet", get(t.Context(), r.clients[1], "x", ""), codes.Unavailable)
		if _, err := r.Configure(Config{}); err == nil || len(r.Snapshot().Backends) != 1 {
			t.Errorf("an invalid configuration: %v", err)
		}
		r.Close()
		r.Close()
		if _, err := r.Configure(Default()); !errors.Is(err, ErrClosed) {
			t.Errorf("Configure after Close: %v", err)
		}
		if err := r.Reset(0, 0); !errors.Is(err, ErrClosed) {
			t.Errorf("Reset after Close: %v", err)
		}
		l, err := r.network.Listen("tcp", "")
		must(t, err)
		if err := r.ServeControl(l); !errors.Is(err, ErrClosed) {
			t.Errorf("ServeControl after Close: %v", err)
		}
	})
}

// A backend that cannot listen makes Configure fail and leaves nothing behind.
func TestConfigureFailure(t *testing.T) {
	full := errors.New("no room")
	network, n := memnet.New(), 0
	f := NewFleet("", func(kind, address string) (net.Listener, error) {
		if n++; n == 3 {
			return nil, full
		}
		return network.Listen(kind, address)
	})
	defer f.Close()
	if _, err := f.Configure(Config{Backends: 3}); !errors.Is(err, full) {
		t.Errorf("Configure: %v", err)
	}
	if s := f.Snapshot(); len(s.Backends) != 0 {
		t.Errorf("backends left: %+v", s)
	}
	if _, err := network.Dial(t.Context(), "127.0.0.1:1"); err == nil {
		t.Error("the first backend still listens")
	}
}
