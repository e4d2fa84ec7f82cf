package rpc

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// server is a UserService that notes what it was asked, answers each message
// 10 ms after the last, and does as `fail` says.
type server struct {
	userpb.UnimplementedUserServiceServer
	fail  func(sent int) error // asked before each answer
	mu    sync.Mutex
	users []string
	sizes []int
	ids   []string
	keys  [][]string // as each message's call had them
}

func (s *server) note(ctx context.Context, user string, payload []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users, s.sizes = append(s.users, user), append(s.sizes, len(payload))
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		s.ids = append(s.ids, md.Get(CallIDKey)...)
		s.keys = append(s.keys, md.Get("x-user"))
	}
}

func (s *server) before(sent int) error {
	time.Sleep(10 * time.Millisecond)
	if s.fail != nil {
		return s.fail(sent)
	}
	return nil
}

func (s *server) GetUser(ctx context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	s.note(ctx, r.GetUserId(), r.GetPayload())
	return &userpb.GetUserResponse{}, s.before(0)
}

func (s *server) CreateUser(ctx context.Context, r *userpb.CreateUserRequest) (*userpb.CreateUserResponse, error) {
	s.note(ctx, r.GetUser().GetId(), r.GetUser().GetPayload())
	return &userpb.CreateUserResponse{}, s.before(0)
}

func (s *server) ListUsers(r *userpb.ListUsersRequest, out grpc.ServerStreamingServer[userpb.ListUsersResponse]) error {
	s.note(out.Context(), r.GetUserId(), r.GetPayload())
	for i := range int(r.GetMessages()) {
		if err := s.before(i); err != nil {
			return noError(err)
		}
		if err := out.Send(&userpb.ListUsersResponse{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) BatchCreateUsers(in grpc.ClientStreamingServer[userpb.BatchCreateUsersRequest, userpb.BatchCreateUsersResponse]) error {
	for n := 0; ; n++ {
		r, err := in.Recv()
		if err == io.EOF {
			return in.SendAndClose(&userpb.BatchCreateUsersResponse{Created: int32(n)})
		}
		if err != nil {
			return err
		}
		s.note(in.Context(), r.GetUser().GetId(), r.GetUser().GetPayload())
		if err := s.before(n); err != nil {
			return err
		}
	}
}

func (s *server) SyncUsers(both grpc.BidiStreamingServer[userpb.SyncUsersRequest, userpb.SyncUsersResponse]) error {
	for n := 0; ; n++ {
		r, err := both.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		s.note(both.Context(), r.GetUserId(), r.GetPayload())
		if err := s.before(n); err != nil {
			return noError(err)
		}
		if err := both.Send(&userpb.SyncUsersResponse{}); err != nil {
			return err
		}
	}
}

// errStop makes a stream end OK before its time.
var errStop = status.Error(codes.OutOfRange, "stop")

func noError(err error) error {
	if err == errStop {
		return nil
	}
	return err
}

// call makes one call of a method in virtual time.
func call(t *testing.T, s *server, spec Spec, c *Call) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { err = callIn(t, s, spec, c) })
	return err
}

// callIn is call within a bubble.
func callIn(t *testing.T, s *server, spec Spec, c *Call) error {
	listener := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	userpb.RegisterUserServiceServer(g, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(listener) }()
	defer func() { g.Stop(); <-done }()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	newDriver, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return newDriver().Do(t.Context(), conn, c)
}

const service = "user.v1.UserService/"

// A call's user is in its metadata, once, where its request cannot tell it in time;
// and in every call's, where nobody looks into requests.
func TestUserKey(t *testing.T) {
	for _, k := range kinds() {
		for _, always := range []bool{false, true} {
			s, c := &server{}, &Call{Seed: 20_042}
			if err := call(t, s, Spec{Method: k.method, Messages: 2, UserKey: "x-user", KeyAlways: always}, c); err != nil {
				t.Fatal(err)
			}
			want := []string{"user-00042"}
			if told := k.method == service+"GetUser" || k.method == service+"ListUsers"; told && !always {
				want = nil
			}
			if got := s.keys[0]; !slices.Equal(got, want) {
				t.Errorf("%s, always %v: %q, want %q", k.method, always, got, want)
			}
		}
	}
}

func TestEveryMethod(t *testing.T) {
	tests := map[string]struct{ requests, gaps int }{
		"GetUser":          {1, 0},
		"CreateUser":       {1, 0},
		"ListUsers":        {1, 3},
		"BatchCreateUsers": {4, 0},
		"SyncUsers":        {4, 3},
	}
	if len(tests) != len(kinds()) {
		t.Fatalf("%d methods are tested, there are %d", len(tests), len(kinds()))
	}
	for method, want := range tests {
		t.Run(method, func(t *testing.T) {
			s, c := &server{}, &Call{ID: "reads/7", Seed: 20_042}
			if err := call(t, s, Spec{Method: service + method, Messages: 4, RequestBytes: 100, SendCallID: true}, c); err != nil {
				t.Fatal(err)
			}
			if len(s.users) != want.requests || s.users[0] != "user-00042" || s.sizes[0] != 100 {
				t.Errorf("the server saw users %v, payloads of %v bytes; want %d of user-00042 with 100", s.users, s.sizes, want.requests)
			}
			if !slices.Contains(s.ids, "reads/7") {
				t.Errorf("call ids %v, want reads/7", s.ids)
			}
			if len(c.Gaps) != want.gaps {
				t.Errorf("%d gaps, want %d", len(c.Gaps), want.gaps)
			}
			for _, gap := range c.Gaps {
				if gap != 10*time.Millisecond {
					t.Errorf("gap %v, want 10ms", gap)
				}
			}
			if streams := want.requests > 1 || want.gaps > 0; c.First.IsZero() == streams {
				t.Errorf("first message at %v", c.First)
			}
		})
	}
}

func TestNoCallIDUnlessAskedFor(t *testing.T) {
	s := &server{}
	if err := call(t, s, Spec{Method: service + "GetUser"}, &Call{ID: "reads/7"}); err != nil {
		t.Fatal(err)
	}
	if len(s.ids) != 0 {
		t.Errorf("the server was sent call ids %v", s.ids)
	}
}

// TestStatusSurvives: a stream that the server ends early keeps its status,
// also where Send says only io.EOF.
func TestStatusSurvives(t *testing.T) {
	for _, k := range kinds() {
		for _, at := range []int{0, 2} {
			if at > 0 && (k.method == service+"GetUser" || k.method == service+"CreateUser") {
				continue
			}
			s := &server{fail: func(sent int) error {
				if sent == at {
					return status.Error(codes.ResourceExhausted, "enough")
				}
				return nil
			}}
			err := call(t, s, Spec{Method: k.method, Messages: 50, RequestBytes: 40_000}, &Call{})
			if got := status.Convert(err); got.Code() != codes.ResourceExhausted || got.Message() != "enough" {
				t.Errorf("%s, ended at message %d: %v", k.method, at, err)
			}
		}
	}
}

// TestShortStreamIsNoSuccess: a stream that ends OK without all its messages
// is a failed call.
func TestShortStreamIsNoSuccess(t *testing.T) {
	for _, method := range []string{"ListUsers", "SyncUsers"} {
		s := &server{fail: func(sent int) error {
			if sent == 2 {
				return errStop
			}
			return nil
		}}
		if err := call(t, s, Spec{Method: service + method, Messages: 4}, &Call{}); status.Code(err) != codes.DataLoss {
			t.Errorf("%s: %v, want DATA_LOSS", method, err)
		}
	}
}

func TestUnknownMethod(t *testing.T) {
	if _, err := New(Spec{Method: "user.v1.UserService/DropUsers"}); err == nil {
		t.Error("no error")
	}
}

// Paced messages are sent when they are due, answered or not, and each answer
// counts from there: the stall of the third holds up those behind it.
func TestPacedMessages(t *testing.T) {
	const ms = time.Millisecond
	for method, answered := range map[string]bool{"SyncUsers": true, "BatchCreateUsers": false} {
		var came []time.Duration
		var begin time.Time
		s := &server{}
		s.fail = func(n int) error { // 10 ms after the message came, or the one before was answered
			came = append(came, time.Since(begin))
			if n == 2 {
				time.Sleep(100 * ms)
			}
			return nil
		}
		c := &Call{}
		synctest.Test(t, func(t *testing.T) {
			begin = time.Now()
			c.Due = begin.Add(-5 * ms) // it was sent late
			if err := callIn(t, s, Spec{Method: service + method, Messages: 5, Every: 40 * ms}, c); err != nil {
				t.Fatal(err)
			}
		})
		want := []time.Duration{10 * ms, 45 * ms, 85 * ms, 195 * ms, 205 * ms}
		if !slices.Equal(came, want) {
			t.Errorf("%s: served at %v, want %v", method, came, want)
		}
		if !answered {
			if len(c.Responses) != 0 {
				t.Errorf("%s: responses %v of messages without an answer", method, c.Responses)
			}
			continue
		}
		// Due at −5, 35, 75, 115, 155 ms.
		if want := []time.Duration{15 * ms, 10 * ms, 110 * ms, 80 * ms, 50 * ms}; !slices.Equal(c.Responses, want) {
			t.Errorf("%s: responses %v, want %v", method, c.Responses, want)
		}
		if len(c.Gaps) != 4 {
			t.Errorf("%s: gaps %v", method, c.Gaps)
		}
	}
}

// How late messages leave is told, but not what kept them otherwise: that their
// stream began late, or took the one before only after a while.
func TestLagOfPacedMessages(t *testing.T) {
	const ms = time.Millisecond
	for _, method := range []string{"SyncUsers", "BatchCreateUsers"} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			spec := Spec{Method: service + method, Messages: 7, Every: 40 * ms}
			spec.Sleep = func(_ context.Context, until time.Time) error {
				late := map[time.Duration]time.Duration{75 * ms: 20 * ms, 155 * ms: 50 * ms}[until.Sub(begin)]
				time.Sleep(time.Until(until.Add(late)))
				return nil
			}
			c := &Call{Due: begin.Add(-45 * ms), Lags: make([]time.Duration, 0, 7)}
			reused := &c.Lags[:1][0]
			if err := callIn(t, &server{}, spec, c); err != nil {
				t.Fatal(err)
			}
			// Due at −45, −5, 35, 75, 115, 155 and 195 ms. The call is sent at 0, and so
			// are the first two. The one of 75 ms leaves at 95, that of 155 ms at 205 ms,
			// which is when the one behind it can.
			if want := []time.Duration{0, 0, 20 * ms, 0, 50 * ms, 0}; !slices.Equal(c.Lags, want) {
				t.Errorf("%s: lags %v, want %v", method, c.Lags, want)
			}
			if &c.Lags[0] != reused {
				t.Errorf("%s: the lags are in new memory", method)
			}
		})
	}
	c := &Call{}
	if err := call(t, &server{}, Spec{Method: service + "SyncUsers", Messages: 7}, c); err != nil || len(c.Lags) != 0 {
		t.Errorf("lags %v of messages that have no time: %v", c.Lags, err)
	}
}

// A stream that ends while messages are still to come ends the call at once,
// with the server's status, and leaves nothing behind (the bubble sees to it).
func TestPacedStreamsEndEarly(t *testing.T) {
	for _, method := range []string{"SyncUsers", "BatchCreateUsers"} {
		s := &server{fail: func(n int) error {
			if n == 1 {
				return status.Error(codes.ResourceExhausted, "enough")
			}
			return nil
		}}
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			err := callIn(t, s, Spec{Method: service + method, Messages: 1000, Every: time.Second}, &Call{Due: begin})
			if status.Code(err) != codes.ResourceExhausted || time.Since(begin) > 2*time.Second {
				t.Errorf("%s: %v after %v", method, err, time.Since(begin))
			}
		})
	}
}

// Sizes and users are drawn from the seed: the same for the same call.
func TestDraws(t *testing.T) {
	spec := Spec{
		RequestBytes: 100, RequestSize: func(seed uint64) int64 { return int64(seed % 101) },
		User: func(seed uint64) int { return int(seed % 3) },
	}
	for _, k := range kinds() {
		spec.Method, spec.Messages = k.method, 20
		sizes := func(seed uint64) []int {
			s := &server{}
			if err := call(t, s, spec, &Call{Seed: seed}); err != nil {
				t.Fatal(err)
			}
			if want := []string{"user-00000", "user-00001", "user-00002"}[seed%3]; s.users[0] != want {
				t.Errorf("%s: user %s, want %s", k.method, s.users[0], want)
			}
			return s.sizes
		}
		one, again, other := sizes(7), sizes(7), sizes(8)
		if !slices.Equal(one, again) || slices.Equal(one, other) {
			t.Errorf("%s: sizes %v, again %v, of another call %v", k.method, one, again, other)
		}
		if len(one) > 1 && len(slices.Compact(slices.Sorted(slices.Values(one)))) < 5 && k.method != service+"ListUsers" {
			t.Errorf("%s: sizes hardly differ: %v", k.method, one)
		}
	}
}
