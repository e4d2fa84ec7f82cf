package fakeserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// seen is what a plain grpc-go client, without any policy, sees of a call.
type seen struct {
	Code     codes.Code
	Message  string
	Took     time.Duration
	Messages int // responses received; for SyncUsers answered, too
}

// callers make one call of each kind: streams have 3 messages, and requests
// have a payload of size bytes.
var callers = map[fault.RPCKind]func(ctx context.Context, c userpb.UserServiceClient, size int) (int, error){
	fault.Unary: func(ctx context.Context, c userpb.UserServiceClient, size int) (int, error) {
		_, err := c.GetUser(ctx, &userpb.GetUserRequest{UserId: "7", Payload: make([]byte, size)})
		if err != nil {
			return 0, err
		}
		return 1, nil
	},
	fault.ServerStream: func(ctx context.Context, c userpb.UserServiceClient, size int) (n int, err error) {
		ss, err := c.ListUsers(ctx, &userpb.ListUsersRequest{UserId: "7", Messages: 3, Payload: make([]byte, size)})
		for err == nil {
			if _, err = ss.Recv(); err == nil {
				n++
			}
		}
		return n, ended(err)
	},
	fault.ClientStream: func(ctx context.Context, c userpb.UserServiceClient, size int) (int, error) {
		ss, err := c.BatchCreateUsers(ctx)
		if err != nil {
			return 0, err
		}
		for range 3 {
			if err := ss.Send(&userpb.BatchCreateUsersRequest{User: &userpb.User{Payload: make([]byte, size)}}); err != nil {
				break
			}
		}
		if _, err := ss.CloseAndRecv(); err != nil {
			return 0, err
		}
		return 1, nil
	},
	fault.BidiStream: func(ctx context.Context, c userpb.UserServiceClient, size int) (n int, err error) {
		ss, err := c.SyncUsers(ctx)
		if err != nil {
			return 0, err
		}
		for range 3 {
			if err := ss.Send(&userpb.SyncUsersRequest{UserId: "7", Payload: make([]byte, size)}); err != nil && !errors.Is(err, io.EOF) {
				return n, err
			}
			if _, err := ss.Recv(); err != nil {
				return n, ended(err)
			}
			n++
		}
		if err := ss.CloseSend(); err != nil {
			return n, err
		}
		_, err = ss.Recv()
		return n, ended(err)
	},
}

// ended is err, but nil for the end of a stream.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func look(ctx context.Context, c userpb.UserServiceClient, kind fault.RPCKind, size int) seen {
	began := time.Now()
	n, err := callers[kind](ctx, c, size)
	s := status.Convert(err)
	// Protobuf writes one sort of space or the other, so that nobody relies on it.
	message := strings.ReplaceAll(s.Message(), "\u00a0", " ")
	if s.Code() == codes.DeadlineExceeded {
		// Whether the client's own timer or the server's RST_STREAM of the same
		// moment is first decides what it says.
		message = late
	}
	return seen{Code: s.Code(), Message: message, Took: time.Since(began), Messages: n}
}

const (
	patience = 10 * sec // the deadline of each call below
	late     = "too late"
)

// passing is how long messages take at 1000 bytes a second.
func passing(messages ...proto.Message) (d time.Duration) {
	for _, m := range messages {
		d += time.Duration(proto.Size(m)) * ms
	}
	return d
}

// TestCallFaults shows what a plain client sees of each fault on calls, for
// each kind of call: code, message, time and number of messages. Serving takes
// 10 ms, once for each call.
func TestCallFaults(t *testing.T) {
	const (
		u, l, b, s = fault.Unary, fault.ServerStream, fault.ClientStream, fault.BidiStream
		badProto   = "grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data"
		rst        = "stream terminated by RST_STREAM with error code: "
	)
	served := map[fault.RPCKind]seen{
		u: {Took: 10 * ms, Messages: 1}, l: {Took: 10 * ms, Messages: 3}, b: {Took: 10 * ms, Messages: 1}, s: {Took: 10 * ms, Messages: 3},
	}
	users := newUsers()
	user := func(id string) *userpb.User { return users.user(id, nil) }
	kilo := make([]byte, 1000)
	create := &userpb.BatchCreateUsersRequest{User: &userpb.User{Payload: kilo}}
	sync, synced := &userpb.SyncUsersRequest{UserId: "7", Payload: kilo}, &userpb.SyncUsersResponse{User: user("7")}
	every := func(see seen) map[fault.RPCKind]seen { return map[fault.RPCKind]seen{u: see, l: see, b: see, s: see} }
	for _, c := range []struct {
		what   string
		inject fault.Inject
		size   int
		met    int64 // of the four calls
		want   map[fault.RPCKind]seen
	}{
		{"status", fault.Inject{Status: &fault.Status{Code: codes.Unavailable}}, 0, 4,
			every(seen{codes.Unavailable, "injected fault", 0, 0})},
		{"status with a message", fault.Inject{Status: &fault.Status{Code: codes.DataLoss, Message: "it broke"}}, 0, 4,
			every(seen{codes.DataLoss, "it broke", 0, 0})},
		{"latency", latency(20 * ms), 0, 4, map[fault.RPCKind]seen{
			u: {Took: 30 * ms, Messages: 1}, l: {Took: 30 * ms, Messages: 3}, b: {Took: 30 * ms, Messages: 1}, s: {Took: 30 * ms, Messages: 3}}},
		{"hang", fault.Inject{Hang: &fault.Hang{}}, 0, 4, every(seen{codes.DeadlineExceeded, late, patience, 0})},
		{"truncate at once", fault.Inject{Truncate: &fault.Truncate{Code: codes.Unavailable}}, 0, 3, map[fault.RPCKind]seen{
			u: served[u],
			l: {codes.Unavailable, "injected fault", 10 * ms, 0},
			b: {codes.Unavailable, "injected fault", 0, 0},
			s: {codes.Unavailable, "injected fault", 10 * ms, 0}}},
		{"truncate", fault.Inject{Truncate: &fault.Truncate{After: 2, Code: codes.Aborted, Message: "enough"}}, 0, 3, map[fault.RPCKind]seen{
			u: served[u], l: {codes.Aborted, "enough", 10 * ms, 2}, b: {codes.Aborted, "enough", 0, 0}, s: {codes.Aborted, "enough", 10 * ms, 2}}},
		{"truncate at the end", fault.Inject{Truncate: &fault.Truncate{After: 3, Code: codes.Aborted}}, 0, 3, map[fault.RPCKind]seen{
			u: served[u], l: {codes.Aborted, "injected fault", 10 * ms, 3}, b: {codes.Aborted, "injected fault", 0, 0}, s: {codes.Aborted, "injected fault", 10 * ms, 3}}},
		{"truncate too late", fault.Inject{Truncate: &fault.Truncate{After: 4, Code: codes.Aborted}}, 0, 0, served},
		{"reset at once", fault.Inject{Reset: &fault.Reset{Code: "INTERNAL_ERROR"}}, 0, 4,
			every(seen{codes.Internal, rst + "INTERNAL_ERROR", 0, 0})},
		{"reset", fault.Inject{Reset: &fault.Reset{Code: "ENHANCE_YOUR_CALM", After: 2}}, 0, 3, map[fault.RPCKind]seen{
			u: served[u],
			l: {codes.ResourceExhausted, rst + "ENHANCE_YOUR_CALM", 10 * ms, 2},
			b: {codes.ResourceExhausted, rst + "ENHANCE_YOUR_CALM", 0, 0},
			s: {codes.ResourceExhausted, rst + "ENHANCE_YOUR_CALM", 10 * ms, 2}}},
		{"reset at the end", fault.Inject{Reset: &fault.Reset{Code: "CANCEL", After: 3}}, 0, 3, map[fault.RPCKind]seen{
			u: served[u], l: {codes.Canceled, rst + "CANCEL", 10 * ms, 3}, b: {codes.Canceled, rst + "CANCEL", 0, 0}, s: {codes.Canceled, rst + "CANCEL", 10 * ms, 3}}},
		{"corrupt", fault.Inject{Corrupt: &fault.Corrupt{}}, 0, 4, every(seen{codes.Internal, badProto, 10 * ms, 0})},
		{"corrupt later", fault.Inject{Corrupt: &fault.Corrupt{After: 1}}, 0, 2, map[fault.RPCKind]seen{
			u: served[u], l: {codes.Internal, badProto, 10 * ms, 1}, b: served[b], s: {codes.Internal, badProto, 10 * ms, 1}}},
		{"oversize", fault.Inject{Oversize: &fault.Oversize{Size: 4<<20 + 1}}, 0, 4,
			every(seen{codes.ResourceExhausted, "grpc: received message larger than max (4194305 vs. 4194304)", 10 * ms, 0})},
		{"as large as can be", fault.Inject{Oversize: &fault.Oversize{Size: 4 << 20}}, 0, 4, served},
		{"oversize later", fault.Inject{Oversize: &fault.Oversize{Size: 5 << 20, After: 2}}, 0, 2, map[fault.RPCKind]seen{
			u: served[u], l: {codes.ResourceExhausted, "grpc: received message larger than max (5242880 vs. 4194304)", 10 * ms, 2},
			b: served[b], s: {codes.ResourceExhausted, "grpc: received message larger than max (5242880 vs. 4194304)", 10 * ms, 2}}},
		{"slow_read", fault.Inject{SlowRead: &fault.SlowRead{For: 2 * sec}}, 0, 4, map[fault.RPCKind]seen{
			u: {Took: 2010 * ms, Messages: 1}, l: {Took: 2010 * ms, Messages: 3}, b: {Took: 2010 * ms, Messages: 1}, s: {Took: 2010 * ms, Messages: 3}}},
		{"slow_read for good", fault.Inject{SlowRead: &fault.SlowRead{After: 1}}, 0, 2, map[fault.RPCKind]seen{
			u: served[u], l: served[l], b: {codes.DeadlineExceeded, late, patience, 0}, s: {codes.DeadlineExceeded, late, patience, 1}}},
		{"throttle", fault.Inject{Throttle: &fault.Throttle{PerSecond: 1000}}, 1000, 4, map[fault.RPCKind]seen{
			u: {Took: 10*ms + passing(&userpb.GetUserRequest{UserId: "7", Payload: kilo}, &userpb.GetUserResponse{User: user("7")}), Messages: 1},
			l: {Took: 10*ms + passing(&userpb.ListUsersRequest{UserId: "7", Messages: 3, Payload: kilo}, &userpb.ListUsersResponse{User: user("7-1")},
				&userpb.ListUsersResponse{User: user("7-2")}, &userpb.ListUsersResponse{User: user("7-3")}), Messages: 3},
			b: {Took: 10*ms + passing(create, create, create, &userpb.BatchCreateUsersResponse{Created: 3}), Messages: 1},
			s: {Took: 10*ms + passing(sync, synced, sync, synced, sync, synced), Messages: 3}}},
		{"headers", fault.Inject{Headers: &fault.Headers{Size: 1 << 20, Metadata: map[string]string{"surprise": "1"}}}, 0, 4, served},
		{"more headers than a client takes", fault.Inject{Headers: &fault.Headers{Size: 20 << 20}}, 0, 4,
			every(seen{codes.Unavailable, "error reading from server: connection error: PROTOCOL_ERROR", 10 * ms, 0})},
	} {
		t.Run(c.what, func(t *testing.T) {
			if h := c.inject.Headers; raceEnabled && h != nil && h.Size > 1<<20 {
				t.Skip("takes the race detector ten seconds")
			}
			met := int64(0)
			for kind, want := range c.want {
				t.Run(string(kind), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t, Config{Backends: 1, ServiceTime: fixed(10 * ms), Faults: []fault.Rule{{Name: "it", Inject: c.inject}}})
						client := userpb.NewUserServiceClient(dial(t, r.addresses[0].Address, r.network.Dial,
							grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(4<<20))))
						ctx, cancel := timeout(t, patience)
						defer cancel()
						// Connected, and once through, before the fault begins.
						if got := look(ctx, client, kind, 0); got.Code != codes.OK {
							t.Fatalf("before the fault: %+v", got)
						}
						r.Start(time.Now(), true)
						ctx, cancel = timeout(t, patience)
						defer cancel()
						if d := cmp.Diff(want, look(ctx, client, kind, c.size)); d != "" {
							t.Errorf("(-want +got):\n%s", d)
						}
						synctest.Wait()
						b := r.Snapshot().Backends[0]
						if b.Faults[c.inject.Kind()] != b.Rules["it"] || b.InFlight != 0 {
							t.Errorf("the books afterwards: %+v", b)
						}
						met += b.Rules["it"]
					})
				})
			}
			if met != c.met {
				t.Errorf("%d calls have met it, want %d", met, c.met)
			}
		})
	}
}

// What a client is told of a status beside its code.
func TestStatusInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{{Inject: fault.Inject{Status: &fault.Status{
			Code: codes.ResourceExhausted, Message: "no more", Pushback: ptr(250 * ms), Details: []fault.Detail{
				{RetryInfo: &fault.RetryInfo{Delay: sec}},
				{ErrorInfo: &fault.ErrorInfo{Reason: "QUOTA_EXCEEDED", Domain: "example.com", Metadata: map[string]string{"limit": "10"}}},
				{Message: &fault.JSONDetail{Type: "google.rpc.RequestInfo", JSON: `{"requestId": "r-17"}`}},
				{Raw: &fault.RawDetail{Type: "example.v1.Reason", Base64: "CAE="}},
			}}}}}})
		r.Start(time.Now(), true)
		var trailer metadata.MD
		_, err := r.clients[0].GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.Trailer(&trailer))
		wantCode(t, "the call", err, codes.ResourceExhausted)
		if got := trailer.Get("grpc-retry-pushback-ms"); !slices.Equal(got, []string{"250"}) {
			t.Errorf("pushback %q", got)
		}
		want := []*anypb.Any{
			detail(t, &errdetails.RetryInfo{RetryDelay: durationpb.New(sec)}),
			detail(t, &errdetails.ErrorInfo{Reason: "QUOTA_EXCEEDED", Domain: "example.com", Metadata: map[string]string{"limit": "10"}}),
			detail(t, &errdetails.RequestInfo{RequestId: "r-17"}),
			{TypeUrl: "type.googleapis.com/example.v1.Reason", Value: []byte{8, 1}},
		}
		if d := cmp.Diff(want, status.Convert(err).Proto().GetDetails(), protocmp.Transform()); d != "" {
			t.Errorf("details (-want +got):\n%s", d)
		}
	})
}

func detail(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	must(t, err)
	return a
}

// A client with retries of its own does as pushback says: here the backoff of
// its policy would be an hour.
func TestPushbackIsObeyed(t *testing.T) {
	const policy = `{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "3600s",
		"maxBackoff": "3600s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`
	for pushback, want := range map[time.Duration]time.Duration{250 * ms: 500 * ms, -ms: 0} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{
				{Inject: fault.Inject{Status: &fault.Status{Code: codes.Unavailable, Pushback: &pushback}}}}})
			client := userpb.NewUserServiceClient(dial(t, r.addresses[0].Address, r.network.Dial, grpc.WithDefaultServiceConfig(policy)))
			r.Start(time.Now(), true)
			took(t, fmt.Sprint("pushback ", pushback), want, func() {
				_, err := client.GetUser(t.Context(), &userpb.GetUserRequest{})
				wantCode(t, "the call", err, codes.Unavailable)
			})
		})
	}
}

// RST_STREAM with each code there is, as a client sees it, and what of the
// connection: nothing, the next call on it is well.
func TestResetWithEveryCode(t *testing.T) {
	var code fault.HTTP2Code
	want := map[string]codes.Code{
		"NO_ERROR": codes.Internal, "PROTOCOL_ERROR": codes.Internal, "INTERNAL_ERROR": codes.Internal,
		"FLOW_CONTROL_ERROR": codes.ResourceExhausted, "SETTINGS_TIMEOUT": codes.Internal, "STREAM_CLOSED": codes.Internal,
		"FRAME_SIZE_ERROR": codes.Internal, "REFUSED_STREAM": codes.Unavailable, "CANCEL": codes.Canceled,
		"COMPRESSION_ERROR": codes.Internal, "CONNECT_ERROR": codes.Internal, "ENHANCE_YOUR_CALM": codes.ResourceExhausted,
		"INADEQUATE_SECURITY": codes.PermissionDenied, "HTTP_1_1_REQUIRED": codes.Internal,
	}
	for _, name := range code.Words() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{Backends: 1, ServiceTime: fixed(ms), Faults: []fault.Rule{
					{For: sec, Where: fault.Where{Method: "GetUser"}, Inject: fault.Inject{Reset: &fault.Reset{Code: fault.HTTP2Code(name)}}},
					{For: sec, Where: fault.Where{Method: "SyncUsers"}, Inject: fault.Inject{Reset: &fault.Reset{Code: fault.HTTP2Code(name), After: 1}}},
				}})
				t0 := time.Now()
				r.Start(t0, true)
				ctx, c := t.Context(), r.clients[0]
				got := look(ctx, c, fault.Unary, 0)
				if got.Code != want[name] || got.Took != 0 {
					t.Errorf("%+v, want %v at once", got, want[name])
				}
				attempts := int64(1)
				if name == "REFUSED_STREAM" {
					attempts = 2 // gRPC tries once more by itself, as the same attempt
				}
				synctest.Wait()
				if b := r.Snapshot().Backends[0]; b.Attempts[methods[getUser]] != attempts || b.Codes["CANCELLED"] != attempts || b.InFlight != 0 {
					t.Errorf("the books: %+v", b)
				}
				if got := look(ctx, c, fault.BidiStream, 0); got.Code != want[name] || got.Messages != 1 {
					t.Errorf("%+v, want %v after a message", got, want[name])
				}
				sleepTo(t0, sec)
				for kind := range callers {
					if got := look(ctx, c, kind, 0); got.Code != codes.OK {
						t.Errorf("%s afterwards: %+v", kind, got)
					}
				}
				synctest.Wait()
				if b := r.Snapshot().Backends[0]; b.ConnectionsOpened != 1 || b.ConnectionsOpen != 1 || b.InFlight != 0 {
					t.Errorf("the books: %+v", b)
				}
			})
		})
	}
}

// While a backend does not read, a client can send what fits into HTTP/2's
// window of a stream (64 KiB at first, more as gRPC measures the connection)
// and its own buffer of 64 KiB, and no more. Other calls are not held up.
func TestSlowReadClosesTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{
			{Where: fault.Where{Method: "BatchCreateUsers"}, Inject: fault.Inject{SlowRead: &fault.SlowRead{For: 5 * sec}}}}})
		t0 := time.Now()
		r.Start(t0, true)
		ss, err := r.clients[0].BatchCreateUsers(t.Context())
		must(t, err)
		sent := 0
		var last time.Duration
		for range 30 {
			must(t, ss.Send(&userpb.BatchCreateUsersRequest{User: &userpb.User{Payload: make([]byte, 10<<10)}}))
			if time.Since(t0) == 0 {
				sent++
			} else if last == 0 {
				last = time.Since(t0)
				took(t, "another call", 0, func() { must(t, get(t.Context(), r.clients[0], "x", "")) })
			}
		}
		if sent < 12 || sent > 25 || last != 5*sec {
			t.Errorf("%d messages of 10 KiB were sent at once, the next one after %v", sent, last)
		}
		out, err := ss.CloseAndRecv()
		must(t, err)
		if out.GetCreated() != 30 || time.Since(t0) != 5*sec {
			t.Errorf("%d created after %v", out.GetCreated(), time.Since(t0))
		}
	})
}

// Metadata that the fleet adds arrives, and a client that says how much it
// takes is not sent more.
func TestHeadersArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{
			{Inject: fault.Inject{Headers: &fault.Headers{Size: 20_000, Metadata: map[string]string{"surprise": "yes"}}}}}})
		r.Start(time.Now(), true)
		var header metadata.MD
		_, err := r.clients[0].GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.Header(&header))
		must(t, err)
		size := 0
		for _, v := range header.Get("grpcbench-filler") {
			size += len(v)
		}
		if size != 20_000 || !slices.Equal(header.Get("surprise"), []string{"yes"}) {
			t.Errorf("%d bytes, surprise %q", size, header.Get("surprise"))
		}
		careful := userpb.NewUserServiceClient(dial(t, r.addresses[0].Address, r.network.Dial, grpc.WithMaxHeaderListSize(8<<10)))
		want := seen{Code: codes.Internal, Message: "stream terminated by RST_STREAM with error code: INTERNAL_ERROR"}
		if d := cmp.Diff(want, look(t.Context(), careful, fault.Unary, 0)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}
