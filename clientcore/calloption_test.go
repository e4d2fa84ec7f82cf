package clientcore_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Trap: per-call options accepted and ignored.
func TestCallOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(1_000, codes.Unavailable, echo))
		cfg := config()
		slow := 20 * time.Second
		none := retry.Policy{Off: true}
		wait := true
		cfg.Methods = map[string]clientcore.Method{
			"Unary":                      {Timeout: &slow, Retry: &none},
			"test.v1.Echo/ClientStream":  {WaitForReady: &wait},
			"other.v1.Echo/ServerStream": {Retry: &none},
		}
		c := n.client(t, cfg, "b0")
		fixed := retry.Backoff{Fixed: &retry.Fixed{}}
		for name, test := range map[string]struct {
			kind string
			opts []grpc.CallOption
			want []time.Duration
		}{
			"method":              {"unary", nil, []time.Duration{0}},
			"attempts":            {"unary", []grpc.CallOption{clientcore.CallAttempts(3)}, []time.Duration{0, 100 * ms, 300 * ms}},
			"attempts of streams": {"stream", []grpc.CallOption{clientcore.CallAttempts(2)}, []time.Duration{0, 100 * ms}},
			"one attempt":         {"stream", []grpc.CallOption{clientcore.CallAttempts(1)}, []time.Duration{0}},
			"another service's":   {"stream", nil, []time.Duration{0, 100 * ms, 300 * ms}},
			"backoff":             {"stream", []grpc.CallOption{clientcore.CallBackoff(fixed)}, []time.Duration{0, 100 * ms, 200 * ms}},
			"backoff and attempts": {"unary", []grpc.CallOption{clientcore.CallBackoff(fixed), clientcore.CallAttempts(2)},
				[]time.Duration{0, 100 * ms}},
			"timeout": {"stream", []grpc.CallOption{clientcore.CallTimeout(250 * ms)}, []time.Duration{0, 100 * ms}},
		} {
			before, start := b.attempts(), time.Now()
			var err error
			if test.kind == "unary" {
				_, err = call(t.Context(), c, "", test.opts...)
			} else {
				_, err = collect(t.Context(), c, serverStream, serverMethod, "", test.opts...)
			}
			wantCode(t, err, codes.Unavailable)
			if diff := cmp.Diff(test.want, b.times(start)[before:]); diff != "" {
				t.Errorf("%s: arrivals (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestCallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", func(_ int, s grpc.ServerStream) error { return silence(s) })
		cfg := config()
		cfg.Timeout = 3 * time.Second
		two := 2 * time.Second
		cfg.Methods = map[string]clientcore.Method{"test.v1.Echo/Bidi": {Timeout: &two}}
		c := n.client(t, cfg, "b0")
		for _, test := range []struct {
			kind string
			opts []grpc.CallOption
			ctx  time.Duration
			want time.Duration
		}{
			{kind: "unary", want: 3 * time.Second},
			{kind: "stream", want: 2 * time.Second},
			{kind: "unary", opts: []grpc.CallOption{clientcore.CallTimeout(time.Second)}, want: time.Second},
			{kind: "stream", opts: []grpc.CallOption{clientcore.CallTimeout(5 * time.Second)}, want: 5 * time.Second},
			{kind: "stream", opts: []grpc.CallOption{clientcore.CallTimeout(0)}, ctx: 9 * time.Second, want: 9 * time.Second},
			{kind: "unary", ctx: 500 * ms, want: 500 * ms},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			if test.ctx > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), test.ctx)
			}
			start := time.Now()
			var trace clientcore.Trace
			ctx = clientcore.WithTrace(ctx, &trace)
			var err error
			if test.kind == "unary" {
				_, err = call(ctx, c, "", test.opts...)
			} else {
				_, err = collect(ctx, c, bidiStream, bidiMethod, "", test.opts...)
			}
			cancel()
			wantCode(t, err, codes.DeadlineExceeded)
			if took := time.Since(start); took != test.want {
				t.Errorf("%+v took %v", test, took)
			}
			if trace.Origin != clientcore.OriginDeadline {
				t.Errorf("%+v: origin %q", test, trace.Origin)
			}
		}
	})
}

func TestCallWaitForReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		cfg := config()
		cfg.Retry.Off = true
		wait := true
		cfg.Methods = map[string]clientcore.Method{"Bidi": {WaitForReady: &wait}}
		c := n.dialClient(t, cfg, "b0")
		synctest.Wait()
		_, err := call(t.Context(), c, "")
		wantCode(t, err, codes.Unavailable)
		_, err = collect(t.Context(), c, bidiStream, bidiMethod, "", clientcore.CallWaitForReady(false))
		wantCode(t, err, codes.Unavailable)
		time.AfterFunc(time.Second, func() { n.start(t, "b0", echo) })
		if _, err := call(t.Context(), c, "", clientcore.CallWaitForReady(true)); err != nil {
			t.Error(err)
		}
		if _, err := collect(t.Context(), c, bidiStream, bidiMethod, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestCompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", echo)
		cfg := config()
		gzip, none := "gzip", "none"
		cfg.Compression = "gzip"
		cfg.Methods = map[string]clientcore.Method{"Bidi": {Compression: &none}, "ServerStream": {Compression: &gzip}}
		c := n.client(t, cfg, "b0")
		big := strings.Repeat("x", 1<<12)
		for _, do := range []func() (string, error){
			func() (string, error) { return call(t.Context(), c, big) },
			func() (string, error) { return collect(t.Context(), c, bidiStream, bidiMethod, big) },
			func() (string, error) { return call(t.Context(), c, big, clientcore.CallCompression("none")) },
			func() (string, error) {
				return collect(t.Context(), c, bidiStream, bidiMethod, big, clientcore.CallCompression("gzip"))
			},
			func() (string, error) { return collect(t.Context(), c, serverStream, serverMethod, big) },
		} {
			if got, err := do(); err != nil || got != big {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		}
		_, err := call(t.Context(), c, "", clientcore.CallCompression("zip"))
		wantCode(t, err, codes.InvalidArgument)
		want := []string{"gzip", "", "", "gzip", "gzip"}
		if diff := cmp.Diff(want, b.compressions()); diff != "" {
			t.Errorf("compressions (-want +got):\n%s", diff)
		}
	})
}

func TestCallOptionsOutOfRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", echo)
		c := n.client(t, config(), "b0")
		for name, opt := range map[string]grpc.CallOption{
			"timeout":  clientcore.CallTimeout(-1),
			"metadata": clientcore.CallMetadata("key"),
			"backoff":  clientcore.CallBackoff(retry.Backoff{}),
			"attempts": clientcore.CallAttempts(0),
			"too many": clientcore.CallAttempts(101),
			"compress": clientcore.CallCompression("zip"),
		} {
			finished := 0
			var trace clientcore.Trace
			ctx := clientcore.WithTrace(t.Context(), &trace)
			finish := grpc.OnFinish(func(error) { finished++ })
			_, err := call(ctx, c, "", opt, finish)
			wantCode(t, err, codes.InvalidArgument)
			_, err = c.NewStream(ctx, bidiStream, bidiMethod, opt, finish)
			wantCode(t, err, codes.InvalidArgument)
			if finished != 2 || trace.Origin != clientcore.OriginClient {
				t.Errorf("%s: OnFinish ran %d times in two calls, origin %q", name, finished, trace.Origin)
			}
		}
		if got := b.attempts(); got != 0 {
			t.Errorf("%d attempts of calls that are refused", got)
		}
	})
}

func TestMessageLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", echo)
		cfg := config()
		cfg.Messages = clientcore.Messages{MaxSend: 100, MaxReceive: 50}
		c := n.client(t, cfg, "b0")
		for size, want := range map[int]codes.Code{40: codes.OK, 60: codes.ResourceExhausted, 120: codes.ResourceExhausted} {
			var trace clientcore.Trace
			_, err := call(clientcore.WithTrace(t.Context(), &trace), c, strings.Repeat("x", size))
			wantCode(t, err, want)
			if len(trace.Attempts) != 1 {
				t.Errorf("%d bytes: %d attempts; another cannot help", size, len(trace.Attempts))
			}
			if want != codes.OK && trace.Origin != clientcore.OriginClient {
				t.Errorf("%d bytes: origin %q", size, trace.Origin)
			}
		}
		_, err := call(t.Context(), c, strings.Repeat("x", 40), grpc.MaxCallSendMsgSize(30))
		wantCode(t, err, codes.ResourceExhausted)
	})
}

func TestWithCallOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", echo)
		c, err := clientcore.New(config(), clientcore.WithEndpoints("b0"), clientcore.WithDialer(n.dial),
			clientcore.WithCallOptions(grpc.UseCompressor("gzip")))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, opts := range [][]grpc.CallOption{nil, {clientcore.CallMetadata("a", "b")}} {
			if _, err := call(t.Context(), c, strings.Repeat("x", 99), opts...); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"gzip", "gzip"}, b.compressions()); diff != "" {
			t.Errorf("compressions (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"b"}, b.metadata()[1]["a"]); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
	})
}
