package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// ownService is an engineer's own service: UserService, of which each method
// takes its time.
type ownService struct {
	userpb.UnimplementedUserServiceServer
}

func (ownService) GetUser(ctx context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	switch r.GetUserId() {
	case "nobody":
		s, err := status.New(codes.NotFound, "no \x1b[31muser\x1b[0m").WithDetails(&errdetails.ErrorInfo{Reason: "GONE", Domain: "users"})
		if err != nil {
			return nil, err
		}
		p := s.Proto()
		p.Details = append(p.Details, &anypb.Any{TypeUrl: "type.googleapis.com/secret.Detail", Value: []byte{1}})
		return nil, status.FromProto(p).Err()
	case "hostile":
		return &userpb.GetUserResponse{User: &userpb.User{Id: "\x1b]0;owned\x07 \u202edrow \u009b31m é 😀"}}, nil
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	case "who":
		md, _ := metadata.FromIncomingContext(ctx)
		return &userpb.GetUserResponse{User: &userpb.User{Id: strings.Join(md["authorization"], ","), Email: strings.Join(md["x-run"], ",")}}, nil
	}
	time.Sleep(20 * time.Millisecond)
	_ = grpc.SendHeader(ctx, metadata.Pairs("x-served-by", "b0"))
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-cost", "3"))
	time.Sleep(5 * time.Millisecond)
	return &userpb.GetUserResponse{User: &userpb.User{Id: r.GetUserId()}}, nil
}

func (ownService) ListUsers(r *userpb.ListUsersRequest, s grpc.ServerStreamingServer[userpb.ListUsersResponse]) error {
	for range r.GetMessages() {
		time.Sleep(10 * time.Millisecond)
		if err := s.Send(&userpb.ListUsersResponse{User: &userpb.User{Id: "u"}}); err != nil {
			return err
		}
	}
	return nil
}

func (ownService) BatchCreateUsers(s grpc.ClientStreamingServer[userpb.BatchCreateUsersRequest, userpb.BatchCreateUsersResponse]) error {
	n := int32(0)
	for {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			return s.SendAndClose(&userpb.BatchCreateUsersResponse{Created: n})
		} else if err != nil {
			return err
		}
		n++
	}
}

func (ownService) SyncUsers(s grpc.BidiStreamingServer[userpb.SyncUsersRequest, userpb.SyncUsersResponse]) error {
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if r.GetUserId() == "stop" {
			return status.Error(codes.Aborted, "enough")
		}
		if err := s.Send(&userpb.SyncUsersResponse{User: &userpb.User{Id: r.GetUserId()}}); err != nil {
			return err
		}
	}
}

// serveOwn serves it on l, by default with reflection.
func serveOwn(t *testing.T, l net.Listener, reflected bool, opts ...grpc.ServerOption) {
	t.Helper()
	server := grpc.NewServer(opts...)
	userpb.RegisterUserServiceServer(server, ownService{})
	if reflected {
		reflection.Register(server)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
}

// againstOwn runs the command in virtual time, where the service is at users:1 and
// new:1, and without reflection at bare:1; a connection takes 5 ms.
func againstOwn(t *testing.T, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		for address, reflected := range map[string]bool{"users:1": true, "new:1": true, "bare:1": false} {
			l, err := network.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			serveOwn(t, l, reflected)
		}
		var out, errs bytes.Buffer
		code = runWith(t.Context(), args, &out, &errs, deps{In: strings.NewReader(input),
			Dial: func(ctx context.Context, address string) (net.Conn, error) {
				select {
				case <-time.After(5 * time.Millisecond):
				case <-ctx.Done():
					return nil, ctx.Err()
				}
				return network.Dial(ctx, address)
			}})
		stdout, stderr = out.String(), errs.String()
	})
	return code, stdout, stderr
}

const own = "passthrough:///users:1"

func callOwn(t *testing.T, input, method string, more ...string) (code int, stdout, stderr string) {
	t.Helper()
	return againstOwn(t, input, append([]string{"call", "--target", own, "--call", "user.v1.UserService/" + method}, more...)...)
}

// TestCallPhases is a call of each kind, with the time of each phase to the
// nanosecond.
func TestCallPhases(t *testing.T) {
	code, stdout, stderr := callOwn(t, "", "GetUser", "-v", "-d", `{"userId": "7"}`)
	const answer = "{\n  \"user\": {\n    \"id\": \"7\"\n  }\n}\n"
	const want = `user.v1.UserService/GetUser of passthrough:///users:1 at users:1
headers          content-type: application/grpc+proto
                 x-served-by: b0
trailers         x-cost: 3
connect          5ms
HTTP/2 settings  0s
from the start of the call:
  request sent   0s    1 message
  headers        20ms  network and server together: nothing on the wire tells them apart
  first message  25ms
  total          25ms
total            30ms  connection and call, without asking what methods there are
`
	if code != exitOK || stdout != answer || stderr != want {
		t.Errorf("code %d\n%s\nwant\n%s\ngot\n%s", code, stdout, want, stderr)
	}

	code, stdout, stderr = callOwn(t, "", "ListUsers", "-v", "--data", `{"messages": 3}`)
	if code != exitOK || strings.Count(stdout, `"id": "u"`) != 3 {
		t.Errorf("code %d\n%s", code, stdout)
	}
	for _, want := range []string{"  headers        10ms", "  first message  10ms", "  last message   30ms  3 messages", "  total          30ms"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in\n%s", want, stderr)
		}
	}
}

func TestCallSends(t *testing.T) {
	t.Setenv("TOKEN", "s3cret-of-mine")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	lines := file("two.jsonl", "{\"userId\": \"a\"}\n\n{\"userId\": \"b\"}\n")
	bearer := file("token", "from-a-file\n")
	tests := map[string]struct {
		input, method string
		args          []string
		want          []string
	}{
		"nothing":             {"", "GetUser", nil, []string{`"user": {}`}},
		"defaults":            {"", "GetUser", []string{"--emit-defaults"}, []string{`"fullName": ""`}},
		"a file":              {"", "GetUser", []string{"-d", "@" + file("one.json", "{\n\"userId\": \"9\"}")}, []string{`"id": "9"`}},
		"a template":          {"", "GetUser", []string{"-d", `{"userId": "u{{ .message }}"}`}, []string{`"id": "u0"`}},
		"standard input":      {"{\n \"userId\":\n \"in\"}", "GetUser", []string{"-d", "@-"}, []string{`"id": "in"`}},
		"a list":              {"", "BatchCreateUsers", []string{"-d", `[{}, {}, {}]`}, []string{`"created": 3`}},
		"no message":          {"", "BatchCreateUsers", nil, []string{"{}"}},
		"one message":         {"", "BatchCreateUsers", []string{"-d", `{}`}, []string{`"created": 1`}},
		"lines":               {"", "SyncUsers", []string{"-d", "@" + lines}, []string{`"id": "a"`, `"id": "b"`}},
		"lines of stdin":      {"{\"userId\": \"x\"}\n{\"userId\": \"y\"}", "SyncUsers", []string{"-d", "@-"}, []string{`"id": "x"`, `"id": "y"`}},
		"values of stdin":     {"{\n\"userId\": \"x\"}{\"userId\":\n\"y\"}", "SyncUsers", []string{"-d", "@-"}, []string{`"id": "x"`, `"id": "y"`}},
		"a list of stdin":     {" [{}, {}]", "BatchCreateUsers", []string{"-d", "@-"}, []string{`"created": 2`}},
		"metadata":            {"", "GetUser", []string{"-d", `{"userId": "who"}`, "-H", "X-Run: 7", "--metadata", "authorization=Bearer ${TOKEN}"}, []string{`"Bearer s3cret-of-mine"`, `"7"`}},
		"a bearer's file":     {"", "GetUser", []string{"-d", `{"userId": "who"}`, "--bearer-file", bearer}, []string{`"Bearer from-a-file"`}},
		"a secret beside one": {"", "GetUser", []string{"-d", `{"userId": "who"}`, "-H", "x-run=${TOKEN}-{{ .call }}"}, []string{`"s3cret-of-mine-0"`}},
		"templated metadata":  {"", "GetUser", []string{"-d", `{"userId": "who"}`, "-H", "x-run=r-{{ .call }}"}, []string{`"r-0"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := callOwn(t, test.input, test.method, test.args...)
			if code != exitOK || stderr != "" {
				t.Errorf("code %d, %s", code, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %s in %s", want, stdout)
				}
			}
		})
	}
}

// TestCallFails: what a server says is no success, and its text is not obeyed.
func TestCallFails(t *testing.T) {
	code, stdout, stderr := callOwn(t, "", "GetUser", "-d", `{"userId": "nobody"}`)
	const want = `NOT_FOUND: no ` + "\ufffd[31muser\ufffd[0m" + `
  What the request names does not exist.
{
  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
  "reason": "GONE",
  "domain": "users"
}
{
  "@type": "type.googleapis.com/secret.Detail",
  "bytes": "AQ=="
}
`
	if code != 1 || stdout != "" || stderr != want {
		t.Errorf("code %d, stdout %q, want\n%s\ngot\n%s", code, stdout, want, stderr)
	}

	code, _, stderr = callOwn(t, "", "GetUser", "-d", `{"userId": "slow"}`, "--timeout", "2s")
	if code != 1 || !strings.HasPrefix(stderr, "DEADLINE_EXCEEDED: ") {
		t.Errorf("code %d, %s", code, stderr)
	}

	// What had come before it stays.
	code, stdout, stderr = callOwn(t, "", "SyncUsers", "-d", `[{"userId": "a"}, {"userId": "stop"}, {"userId": "b"}]`)
	if code != 1 || strings.Count(stdout, `"id"`) != 1 || !strings.HasPrefix(stderr, "ABORTED: enough\n") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
}

func TestCallShowsHostileText(t *testing.T) {
	code, stdout, stderr := callOwn(t, "", "GetUser", "-d", `{"userId": "hostile"}`)
	if want := `"id": "\u001b]0;owned\u0007 \u202edrow \u009b31m é 😀"`; code != exitOK || !strings.Contains(stdout, want) {
		t.Errorf("code %d, %s; want %s in\n%s", code, stderr, want, stdout)
	}
}

func TestCallIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		l, err := network.Listen("tcp", "users:1")
		if err != nil {
			t.Fatal(err)
		}
		serveOwn(t, l, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var out, errs bytes.Buffer
		code := runWith(ctx, []string{"call", "--target", own, "--call", "user.v1.UserService/GetUser", "-d", `{"userId": "slow"}`}, &out, &errs,
			deps{Dial: func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) }})
		if code != exitInterrupted {
			t.Errorf("code %d, %s", code, errs.String())
		}
	})
}

// TestCallMistakes: one clear sentence each, exit code 2, nothing on stdout.
func TestCallMistakes(t *testing.T) {
	const method = "user.v1.UserService/GetUser"
	target := []string{"call", "--target", own}
	with := func(args ...string) []string { return append(append([]string{}, target...), args...) }
	tests := map[string]struct {
		args []string
		want string
	}{
		"no target":             {[]string{"call", "--call", method}, "which server? Give --target host:port"},
		"no method":             {target, "'grpcbench services --target passthrough:///users:1' lists them"},
		"a wrong target":        {[]string{"call", "--target", "http://users", "--call", method}, `--target: unknown scheme "http"`},
		"unreachable":           {[]string{"call", "--target", "passthrough:///nobody:1", "--call", method}, "cannot reach passthrough:///nobody:1: "},
		"no reflection":         {[]string{"call", "--target", "passthrough:///bare:1", "--call", method}, "passthrough:///bare:1: the server has no reflection: give its .proto files (--proto) or a file of descriptors (--protoset) instead"},
		"a wrong method":        {with("--call", "user.v1.UserService/GetUsr"), "--call: no method \"GetUsr\" in user.v1.UserService, did you mean GetUser?"},
		"a wrong service":       {with("--call", "user.v1.UserServic/GetUser"), "did you mean user.v1.UserService?"},
		"no method's name":      {with("--call", "GetUser"), "--call: must be a method's full name, such as user.v1.UserService/"},
		"no JSON":               {with("--call", method, "-d", "{userId: 7}"), "--data:1:2: "},
		"an unknown field":      {with("--call", method, "-d", `{"usrId": "7"}`), "--data:1:2: usrId: unknown field, did you mean userId?"},
		"a wrong type":          {with("--call", method, "-d", `{"messages": "x"}`), "--data:1:"},
		"a missing file":        {with("--call", method, "-d", "@nowhere.json"), "--data: nowhere.json: no such file or directory"},
		"stdin":                 {with("--call", "user.v1.UserService/CreateUser", "-d", "@-"), "takes one message (got 2)"},
		"a list":                {with("--call", method, "-d", "[{}]"), "--data:1:1: "},
		"two for one":           {with("--call", method, "-d", "@-"), "--data: GetUser takes one message (got 2)"},
		"a row":                 {with("--call", method, "-d", `{"userId": "{{ .row.id }}"}`), "--data: names a column of a row, and a single call has no feed"},
		"metadata without =":    {with("--call", method, "-H", "s3cret-of-mine"), "--metadata: want KEY=VALUE (got no =)"},
		"metadata twice":        {with("--call", method, "-H", "a=1", "-H", "A=2"), `--metadata: "a" is given twice`},
		"a secret not there":    {with("--call", method, "-H", "a=${NOT_SET_ANYWHERE}"), "the environment variable NOT_SET_ANYWHERE is not set"},
		"gRPC's own metadata":   {with("--call", method, "-H", "grpc-timeout=1"), "which belongs to gRPC"},
		"bearer twice":          {with("--call", method, "--bearer-file", "x", "-H", "Authorization: y"), "are the same metadata: give one"},
		"no bearer's file":      {with("--call", method, "--bearer-file", "nowhere"), "nowhere"},
		"descriptors twice":     {with("--call", method, "--proto", "a.proto", "--protoset", "b"), "two ways to describe the methods"},
		"imports of nothing":    {with("--call", method, "--import-path", "a"), "--import-path is for --proto"},
		"no proto":              {with("--call", method, "--proto", "nowhere.proto"), "--proto: no file nowhere.proto"},
		"no protoset":           {with("--call", method, "--protoset", "nowhere.binpb"), "--protoset: "},
		"no CA":                 {with("--call", method, "--cacert", "nowhere.pem"), "--cacert: must be a file that exists (nowhere.pem does not)"},
		"a CA and none":         {with("--call", method, "--cacert", "ca.pem", "--insecure-skip-verify"), "--cacert: must be left out"},
		"half a certificate":    {with("--call", method, "--cert", "c.pem"), "--key: must be set as well"},
		"two names":             {with("--call", method, "--servername", "a", "--authority", "b"), "--authority: must be left out"},
		"a wrong authority":     {with("--call", method, "--authority", "https://a"), "--authority: must be a host"},
		"a timeout":             {with("--call", method, "--timeout", "-1s"), "--timeout must be >= 0"},
		"words after the flags": {with("--call", method, "GetUser"), "grpcbench call takes no arguments (got \"GetUser\")"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := againstOwn(t, "{}\n{}\n", test.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "s3cret") {
				t.Errorf("code %d, stdout %q, stderr %q; want %q", code, stdout, stderr, test.want)
			}
		})
	}
}

// TestCallOverTLS: over the real network, with what the server's certificate says.
func TestCallOverTLS(t *testing.T) {
	dir := t.TempDir()
	pair := selfSigned(t, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOwn(t, l, true, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert})))
	args := []string{"call", "--target", l.Addr().String(), "--call", "user.v1.UserService/GetUser", "-v",
		"--cert", filepath.Join(dir, "self.pem"), "--key", filepath.Join(dir, "self.key")}
	code, _, stderr := command(t, append(args, "--cacert", filepath.Join(dir, "self.pem"), "--servername", "localhost")...)
	if code != exitOK || !strings.Contains(stderr, "TLS 1.3, certificate of localhost until ") || strings.Contains(stderr, "NOT VERIFIED") {
		t.Errorf("code %d, %s", code, stderr)
	}
	code, _, stderr = command(t, append(args, "--insecure-skip-verify")...)
	if code != exitOK || !strings.Contains(stderr, "accepts ANY server's certificate") || !strings.Contains(stderr, "NOT VERIFIED") {
		t.Errorf("code %d, %s", code, stderr)
	}
	code, _, stderr = command(t, append(args, "--tls", "--servername", "localhost")...)
	if code != exitUsage || !strings.Contains(stderr, "which is not trusted") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("code %d, %s", code, stderr)
	}
}

// A Unix socket is called as any other target.
func TestCallOverUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serveOwn(t, l, true)
	code, stdout, stderr := command(t, "call", "--target", "unix://"+path, "--call", "user.v1.UserService/GetUser", "-v")
	if code != exitOK || !strings.Contains(stdout, `"user"`) || !strings.Contains(stderr, "at "+path) {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
}

func TestServices(t *testing.T) {
	code, stdout, stderr := againstOwn(t, "", "services", "--target", own)
	const methods = `user.v1.UserService
  CreateUser        unary          user.v1.CreateUserRequest → user.v1.CreateUserResponse
  GetUser           unary          user.v1.GetUserRequest → user.v1.GetUserResponse
  ListUsers         server stream  user.v1.ListUsersRequest → stream of user.v1.ListUsersResponse
  BatchCreateUsers  client stream  stream of user.v1.BatchCreateUsersRequest → user.v1.BatchCreateUsersResponse
  SyncUsers         bidi stream    stream of user.v1.SyncUsersRequest → stream of user.v1.SyncUsersResponse
`
	if code != exitOK || !strings.HasSuffix(stdout, methods) || !strings.HasPrefix(stdout, "grpc.reflection.v1.ServerReflection\n") {
		t.Errorf("code %d, %s\n%s", code, stderr, stdout)
	}
	if code, stdout, stderr = againstOwn(t, "", "services", "--target", own, "user.v1.UserService"); code != exitOK || stdout != methods {
		t.Errorf("code %d, %s\n%s", code, stderr, stdout)
	}
	// What it prints can be sent as it stands, whatever the kind.
	for _, method := range []string{"CreateUser", "GetUser", "BatchCreateUsers", "SyncUsers"} {
		code, request, stderr := againstOwn(t, "", "services", "--target", own, "user.v1.UserService/"+method)
		if code != exitOK || !strings.HasPrefix(request, "{\n  \"") {
			t.Errorf("code %d, %s\n%s", code, stderr, request)
		}
		code, _, stderr = callOwn(t, request, method, "-d", "@-")
		if code == exitUsage || strings.Contains(stderr, "--data") {
			t.Errorf("%s: code %d, %s", method, code, stderr)
		}
	}
}

// Without a server, by files.
func TestServicesOfFiles(t *testing.T) {
	const folder = "../../scenario/descriptor/testdata/protos"
	code, stdout, stderr := command(t, "services", "--proto", folder+"/pay/v1/pay.proto", "--import-path", folder, "pay.v1.Payments/Charge")
	if code != exitOK || !strings.HasPrefix(stdout, "{\n") {
		t.Errorf("code %d, %s\n%s", code, stderr, stdout)
	}
	for want, args := range map[string][]string{
		"which server? Give --target": {"services"},
		"want one service or method":  {"services", "--target", own, "a", "b"},
		`did you mean`:                {"services", "--proto", folder + "/pay/v1/pay.proto", "--import-path", folder, "pay.v1.Payment"},
	} {
		if code, _, stderr := command(t, args...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: code %d, %s; want %q", args, code, stderr, want)
		}
	}
}
