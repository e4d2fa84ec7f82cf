package interceptor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// sent is what a call had when it got below the interceptors.
type sent struct {
	ctx  context.Context
	opts []grpc.CallOption
}

// unary makes a call through interceptors to an end that returns err after d.
func unary(ctx context.Context, d time.Duration, err error, opts []grpc.CallOption, chain ...Interceptor) (*sent, error) {
	var got *sent
	var list []grpc.UnaryClientInterceptor
	for _, i := range chain {
		list = append(list, i.Unary)
	}
	call := Unary(func(ctx context.Context, _ string, _, _ any, opts ...grpc.CallOption) error {
		got = &sent{ctx, opts}
		time.Sleep(d)
		return err
	}, list...)
	return got, call(ctx, "/user.v1.UserService/GetUser", nil, nil, opts...)
}

// stream opens a stream through interceptors, which fails with err if that is
// not nil, and else is ended by the returned function.
func stream(ctx context.Context, err error, opts []grpc.CallOption, chain ...Interceptor) (*sent, func(error), error) {
	var got *sent
	var list []grpc.StreamClientInterceptor
	for _, i := range chain {
		list = append(list, i.Stream)
	}
	finish := func(err error) {
		for _, o := range got.opts {
			if f, ok := o.(grpc.OnFinishCallOption); ok {
				f.OnFinish(err)
			}
		}
	}
	open := Stream(func(ctx context.Context, _ *grpc.StreamDesc, _ string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		got = &sent{ctx, opts}
		if err != nil {
			finish(err)
			return nil, err
		}
		return openStream{}, nil
	}, list...)
	_, err = open(ctx, &grpc.StreamDesc{ServerStreams: true}, "/user.v1.UserService/ListUsers", opts...)
	return got, finish, err
}

type openStream struct{ grpc.ClientStream }

// note is an interceptor that writes down when it is passed, both ways.
func note(name string, log *[]string) Interceptor {
	return Interceptor{
		Unary: func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			*log = append(*log, name+" in")
			err := invoke(ctx, method, args, reply, cc, opts...)
			*log = append(*log, name+" out")
			return err
		},
		Stream: func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			*log = append(*log, name+" in")
			s, err := open(ctx, desc, cc, method, opts...)
			*log = append(*log, name+" out")
			return s, err
		},
	}
}

// TestChainOrder: the first is outermost, for 0 to 4 interceptors, and each call
// passes all of them once however often the chain is used.
func TestChainOrder(t *testing.T) {
	for n := range 5 {
		var log, want []string
		var chain []Interceptor
		for i := range n {
			chain = append(chain, note(fmt.Sprint(i), &log))
			want = append(want, fmt.Sprint(i, " in"))
		}
		for i := n - 1; i >= 0; i-- {
			want = append(want, fmt.Sprint(i, " out"))
		}
		for range 2 {
			log = nil
			if _, err := unary(t.Context(), 0, io.EOF, nil, chain...); err != io.EOF || !slices.Equal(log, want) {
				t.Errorf("unary: %v in the order %v, want %v", err, log, want)
			}
			log = nil
			if _, _, err := stream(t.Context(), nil, nil, chain...); err != nil || !slices.Equal(log, want) {
				t.Errorf("stream: %v in the order %v, want %v", err, log, want)
			}
		}
	}
}

// TestChainDoesNotAllocate: a chain is put together once.
func TestChainDoesNotAllocate(t *testing.T) {
	pass := func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoke(ctx, method, args, reply, cc, opts...)
	}
	off := Logging(slog.New(slog.DiscardHandler), LogOptions{}).Unary
	failures := Logging(slog.New(slog.DiscardHandler), LogOptions{Level: Failures}).Unary
	call := Unary(func(context.Context, string, any, any, ...grpc.CallOption) error { return nil }, pass, off, failures, pass)
	ctx := context.Background()
	if got := testing.AllocsPerRun(100, func() { _ = call(ctx, "/s/M", nil, nil) }); got != 0 {
		t.Errorf("%v allocations per call", got)
	}
}

// lines is what was logged, one map per line.
func lines(t *testing.T, b *bytes.Buffer) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(b.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("not a line of JSON: %q", line)
		}
		delete(m, "time")
		all = append(all, m)
	}
	b.Reset()
	return all
}

func TestLogging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&out, nil))
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		notFound := status.Error(codes.NotFound, "no user 7")
		for _, test := range []struct {
			name  string
			level Level
			ctx   context.Context
			err   error
			want  string // level and code; "" is no line
		}{
			{"off", Off, t.Context(), notFound, ""},
			{"failures, ok", Failures, t.Context(), nil, ""},
			{"failures, failed", Failures, t.Context(), notFound, "WARN NOT_FOUND"},
			{"failures, cancelled by its caller", Failures, cancelled, status.Error(codes.Canceled, "context canceled"), "INFO CANCELLED"},
			{"failures, cancelled by the server", Failures, t.Context(), status.Error(codes.Canceled, "no"), "WARN CANCELLED"},
			{"failures, no status", Failures, t.Context(), io.ErrUnexpectedEOF, "WARN UNKNOWN"},
			{"calls, ok", Calls, t.Context(), nil, "INFO OK"},
			{"calls, failed", Calls, t.Context(), status.Error(codes.DeadlineExceeded, "late"), "WARN DEADLINE_EXCEEDED"},
		} {
			log := Logging(logger, LogOptions{Level: test.level, Attrs: func(_ context.Context, err error) []slog.Attr {
				return []slog.Attr{slog.Bool("failed", err != nil)}
			}})
			check := func(kind, method string, took time.Duration) {
				t.Helper()
				got := lines(t, &out)
				if test.want == "" {
					if len(got) != 0 {
						t.Errorf("%s, %s: logged %v", test.name, kind, got)
					}
					return
				}
				if len(got) != 1 {
					t.Fatalf("%s, %s: %d lines, want 1: %v", test.name, kind, len(got), got)
				}
				line := got[0]
				if fmt.Sprint(line["level"], " ", line["code"]) != test.want || line["msg"] != "call" || line["kind"] != kind ||
					line["method"] != method || line["duration"] != float64(took) || line["failed"] != (test.err != nil) {
					t.Errorf("%s, %s: %v", test.name, kind, line)
				}
				if _, says := line["error"]; says != (test.err != nil) {
					t.Errorf("%s, %s: error text %v", test.name, kind, line["error"])
				}
			}
			_, _ = unary(test.ctx, 20*time.Millisecond, test.err, nil, log)
			check("unary", "/user.v1.UserService/GetUser", 20*time.Millisecond)
			_, finish, err := stream(test.ctx, nil, nil, log)
			if err != nil {
				t.Fatal(err)
			}
			if out.Len() > 0 {
				t.Errorf("%s: logged before the stream's end", test.name)
			}
			time.Sleep(time.Second)
			finish(test.err)
			check("stream", "/user.v1.UserService/ListUsers", time.Second)
			if test.err != nil {
				_, _, _ = stream(test.ctx, test.err, nil, log) // never opened: one line all the same
				check("stream", "/user.v1.UserService/ListUsers", 0)
			}
		}
	})
}

// TestLogOfHostileText: what a server says is cut, stays on its line, and is
// valid text; metadata and messages are never logged.
func TestLogOfHostileText(t *testing.T) {
	for name, hostile := range map[string]string{
		"lines":     "bad\nlevel=ERROR msg=\"all is lost\"\x1b[31m\r\n",
		"long":      strings.Repeat("long ", 10_000),
		"long text": strings.Repeat("é…漢", 3_000),
		"broken":    "broken \xff\xfe text",
	} {
		for _, json := range []bool{true, false} {
			var out bytes.Buffer
			var h slog.Handler = slog.NewTextHandler(&out, nil)
			if json {
				h = slog.NewJSONHandler(&out, nil)
			}
			ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "secret-token")
			_, _ = unary(ctx, 0, status.Error(codes.Internal, hostile), nil, Logging(slog.New(h), LogOptions{Level: Failures}))
			got := out.String()
			if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") || strings.ContainsRune(got, 0x1b) || !utf8.ValidString(got) {
				t.Errorf("%s, json %v: %q", name, json, got)
			}
			if len(got) > 3*maxErrorText {
				t.Errorf("%s, json %v: %d bytes", name, json, len(got))
			}
			if strings.Contains(got, "secret-token") {
				t.Errorf("%s: metadata was logged", name)
			}
		}
	}
	if s := cut(strings.Repeat("é", maxErrorText)); len(s) > maxErrorText+len("…") || !utf8.ValidString(s) || !strings.HasSuffix(s, "…") {
		t.Errorf("cut to %d bytes: %q", len(s), s[len(s)-10:])
	}
}

func TestLevels(t *testing.T) {
	for _, l := range []Level{Off, Failures, Calls} {
		if got, err := ParseLevel(l.String()); err != nil || got != l {
			t.Errorf("%v is read as %v, %v", l, got, err)
		}
	}
	if l, err := ParseLevel(""); err != nil || l != Off {
		t.Errorf("the empty name is %v, %v", l, err)
	}
	if _, err := ParseLevel("debug"); err == nil || err.Error() != `must be off, failures or calls (got "debug")` {
		t.Errorf("got %v", err)
	}
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		if name := codeName(c); name == "" || strings.ToUpper(name) != name || strings.Contains(name, "CODE") {
			t.Errorf("%v is written %q", c, name)
		}
	}
}

// TestMetadata is added to what the call has, for both kinds of calls.
func TestMetadata(t *testing.T) {
	md, err := Metadata("Tenant", "seven", "trace-bin", "\x00\xff", "tenant", "eight")
	if err != nil {
		t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant", "own")
	one, _ := unary(ctx, 0, nil, nil, md)
	two, _, _ := stream(ctx, nil, nil, md)
	for _, got := range []*sent{one, two} {
		out, _ := metadata.FromOutgoingContext(got.ctx)
		if !slices.Equal(out["tenant"], []string{"own", "seven", "eight"}) || !slices.Equal(out["trace-bin"], []string{"\x00\xff"}) {
			t.Errorf("sent %v", out)
		}
	}
	if out, _ := metadata.FromOutgoingContext(ctx); len(out["tenant"]) != 1 {
		t.Errorf("the caller's context became %v", out)
	}
	for _, kv := range [][]string{{"a"}, {"", "x"}, {"a b", "x"}, {"ä", "x"}, {":path", "x"}, {"grpc-timeout", "1S"}, {"Content-Type", "x"},
		{"te", "x"}, {"a", "line\n"}, {"a", "é"}} {
		if _, err := Metadata(kv...); err == nil {
			t.Errorf("%q is accepted", kv)
		}
	}
	if _, err := Metadata("token", "secret\n"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error quotes a value that may be a secret: %v", err)
	}
}

// TestDeadline bounds calls, does not lengthen what is shorter, and is released
// at the end of a stream.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := func(s *sent) time.Duration {
			at, ok := s.ctx.Deadline()
			if !ok {
				return 0
			}
			return time.Until(at)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		long, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for _, test := range []struct {
			ctx  context.Context
			d    time.Duration
			want time.Duration
		}{{t.Context(), time.Minute, time.Minute}, {short, time.Minute, time.Second}, {long, time.Minute, time.Minute}, {t.Context(), 0, 0}, {short, -1, time.Second}} {
			one, _ := unary(test.ctx, 0, nil, nil, Deadline(test.d))
			two, finish, _ := stream(test.ctx, nil, nil, Deadline(test.d))
			if left(one) != test.want || left(two) != test.want {
				t.Errorf("%v: unary has %v left, a stream %v; want %v", test.d, left(one), left(two), test.want)
			}
			if two.ctx.Err() != nil {
				t.Error("the stream's context ended before it")
			}
			finish(nil)
			if test.ctx != two.ctx && two.ctx.Err() == nil {
				t.Error("the stream's deadline was not released at its end")
			}
		}
		failed, _, _ := stream(t.Context(), io.EOF, nil, Deadline(time.Minute))
		if failed.ctx.Err() == nil {
			t.Error("the deadline of a stream that did not open was not released")
		}
	})
}

// TestCompression is the call's own where it has one.
func TestCompression(t *testing.T) {
	gzip, err := Compression("gzip")
	if err != nil {
		t.Fatal(err)
	}
	own := grpc.UseCompressor("identity")
	one, _ := unary(t.Context(), 0, nil, []grpc.CallOption{own}, gzip)
	two, _, _ := stream(t.Context(), nil, []grpc.CallOption{own}, gzip)
	for _, got := range []*sent{one, two} {
		if len(got.opts) != 2 || got.opts[0].(grpc.CompressorCallOption).CompressorType != "gzip" || got.opts[1] != own {
			t.Errorf("options %v: the call's own comes last, and wins", got.opts)
		}
	}
	for _, name := range []string{"", "snappy"} {
		if _, err := Compression(name); err == nil || !strings.Contains(err.Error(), "must be gzip") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
