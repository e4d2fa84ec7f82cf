package run_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
)

// wrong answers every other user with somebody else, and those of user-00007 not
// at all.
type wrong struct {
	userpb.UnimplementedUserServiceServer
	calls int
}

func (s *wrong) GetUser(_ context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	s.calls++
	switch s.calls % 4 {
	case 1:
		return &userpb.GetUserResponse{User: &userpb.User{Id: r.GetUserId(), Username: "right"}}, nil
	case 2:
		return &userpb.GetUserResponse{User: &userpb.User{Id: "x", Username: "wrong"}}, nil
	case 3:
		return nil, status.Error(codes.NotFound, "no such user")
	default:
		return nil, status.Error(codes.PermissionDenied, "not yours")
	}
}

func (*wrong) ListUsers(r *userpb.ListUsersRequest, stream grpc.ServerStreamingServer[userpb.ListUsersResponse]) error {
	for i := range r.GetMessages() {
		name := "right"
		if i == 2 {
			name = "wrong"
		}
		if err := stream.Send(&userpb.ListUsersResponse{User: &userpb.User{Username: name}}); err != nil {
			return err
		}
	}
	return nil
}

func expecting(w *world, expect string) result.Series {
	w.Helper()
	r := w.run(w.plan(`
name: expecting
target: passthrough:///a:1
client: {pool: {size: 1}, retry: none, metadata: {x-secret: "${SECRET}"}}
load: [{name: reads, %s, arrivals: constant, rate: 100/s}]
trials: 1
warmup: 0s
measure: 4s
`, expect))
	mustBeExact(w.T, r)
	return r.Variants[0].Trials[0].Series[0]
}

// A fast wrong answer is not goodput: the call has failed, under a code, an origin
// and a message that say why, and the books hold.
func TestExpectedFields(t *testing.T) {
	t.Setenv("SECRET", "wrong")
	inWorld(t, func(w *world) {
		w.serve("a:1", &wrong{})
		s := expecting(w, `call: GetUser, expect: {fields: {user.username: right}}`)
		if s.OK() != 100 || s.Codes["DATA_LOSS"] != 100 || s.Codes["NOT_FOUND"] != 100 || s.Codes["PERMISSION_DENIED"] != 100 {
			t.Errorf("%v", s.Codes)
		}
		if s.Origins[result.OriginExpectation] != 100 || s.Origins[result.OriginServer] != 200 {
			t.Errorf("%v", s.Origins)
		}
		if s.InSLO != 0.25 || s.GoodputPerS != 25 || s.Latency[result.Response].Count != 100 {
			t.Errorf("%v in SLO, goodput %v/s, %d responses", s.InSLO, s.GoodputPerS, s.Latency[result.Response].Count)
		}
		found := false
		for _, e := range s.Errors {
			// The secret is masked wherever it turns up.
			if e.Origin == result.OriginExpectation && e.Message == `user.username: want "right", got "***"` && e.Code == "DATA_LOSS" {
				found = true
			}
		}
		if !found {
			t.Errorf("%+v", s.Errors)
		}
	})
}

// A code that is expected counts as success; OK and other answers are then misses,
// and what no server has answered stays what it is.
func TestExpectedCode(t *testing.T) {
	t.Setenv("SECRET", "unseen")
	inWorld(t, func(w *world) {
		w.serve("a:1", &wrong{})
		s := expecting(w, `call: GetUser, expect: {code: NOT_FOUND}`)
		if s.OK() != 100 || s.Codes["DATA_LOSS"] != 200 || s.Codes["PERMISSION_DENIED"] != 100 || s.Codes["NOT_FOUND"] != 0 {
			t.Errorf("%v", s.Codes)
		}
		if s.Origins[result.OriginExpectation] != 300 || len(s.Origins) != 1 {
			t.Errorf("%v", s.Origins)
		}
		var texts []string
		for _, e := range s.Errors {
			texts = append(texts, e.Message)
		}
		if got := strings.Join(texts, "; "); got != "code: want NOT_FOUND, got OK; code: want NOT_FOUND, got PERMISSION_DENIED: not yours" {
			t.Error(got)
		}
	})
	inWorld(t, func(w *world) { // nobody there
		r := w.run(w.plan(`
target: passthrough:///a:1
client: {retry: none}
load: [{call: GetUser, expect: {code: NOT_FOUND}, arrivals: constant, rate: 100/s}]
trials: 1
warmup: 0s
measure: 4s
`))
		s := r.Variants[0].Trials[0].Series[0]
		if s.Codes["UNAVAILABLE"] != 400 || s.Origins[result.OriginTransport]+s.Origins[result.OriginPool]+s.Origins[result.OriginBalancer] != 400 {
			t.Errorf("%v, %v", s.Codes, s.Origins)
		}
	})
}

// Of a stream the last message counts, or each, or their number.
func TestExpectedOfStreams(t *testing.T) {
	t.Setenv("SECRET", "unseen")
	for _, c := range []struct {
		load string
		ok   int64
		miss string
	}{
		{"call: ListUsers, messages: 4, expect: {fields: {user.username: right}}", 400, ""},
		{"call: ListUsers, messages: 3, expect: {fields: {user.username: right}}", 0, `user.username: want "right", got "wrong"`},
		{"call: ListUsers, messages: 4, expect: {fields: {user.username: right}, each: true}", 0, `message 3: user.username: want "right", got "wrong"`},
		{"call: ListUsers, messages: 4, expect: {messages: 4}", 400, ""},
		{"call: ListUsers, messages: 4, expect: {messages: {min: 5}}", 0, "messages: want at least 5, got 4"},
	} {
		inWorld(t, func(w *world) {
			w.serve("a:1", &wrong{})
			s := expecting(w, c.load)
			if s.OK() != c.ok || c.miss != "" && (len(s.Errors) != 1 || s.Errors[0].Message != c.miss) {
				t.Errorf("%s: %v %+v", c.load, s.Codes, s.Errors)
			}
		})
	}
}

// All four kinds of calls of the built-in service are judged.
func TestExpectedOfEveryKind(t *testing.T) {
	for _, c := range []struct{ right, wrong string }{
		{"call: CreateUser, expect: {fields: {user.email: {matches: '@'}}}", "call: CreateUser, expect: {fields: {user.email: x}}"},
		{"call: GetUser, expect: {fields: {user.id: {matches: '^user-'}}}", "call: GetUser, expect: {fields: {user: {exists: false}}}"},
		{"call: ListUsers, expect: {messages: 10}", "call: ListUsers, expect: {messages: 9}"},
		{"call: BatchCreateUsers, expect: {fields: {created: 10}}", "call: BatchCreateUsers, expect: {fields: {created: {max: 9}}}"},
		{"call: SyncUsers, expect: {messages: 10}", "call: SyncUsers, expect: {messages: 11}"},
		{"call: SyncUsers, messages: {count: 3, every: 1ms}, expect: {messages: 3}", "call: SyncUsers, messages: {count: 3, every: 1ms}, expect: {messages: 4}"},
	} {
		for load, want := range map[string]int64{c.right: 20, c.wrong: 0} {
			inWorld(t, func(w *world) {
				r := w.run(w.plan(`
fleet: {backends: 1, isolation: inprocess}
client: {retry: none}
load: [{%s, arrivals: constant, rate: 20/s}]
trials: 1
warmup: 0s
measure: 1s
`, load))
				mustBeExact(t, r)
				if s := r.Variants[0].Trials[0].Series[0]; s.OK() != want || s.Origins[result.OriginExpectation] != 20-want {
					t.Errorf("%s: %v %+v", load, s.Codes, s.Errors)
				}
			})
		}
	}
}
