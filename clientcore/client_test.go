package clientcore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Trap: taking any change of state for READY. The channels go through
// TRANSIENT_FAILURE before a backend is there.
func TestWaitReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		cfg := config()
		cfg.Pool.Size = 3
		c := n.dialClient(t, cfg, "b0")
		time.AfterFunc(3*time.Second, func() { n.start(t, "b0", echo) })
		start := time.Now()
		if err := c.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 3*time.Second {
			t.Errorf("ready after %v, before there was a backend", took)
		}
		stats := c.Stats()
		if stats.States[connectivity.Ready] != 3 || stats.Channels != 3 || stats.Connections != 3 {
			t.Errorf("stats %+v, want three channels READY", stats)
		}
	})
}

func TestWaitReadyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNetwork().dialClient(t, config(), "b0")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.WaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want one that wraps context.DeadlineExceeded", err)
		}
	})
}

func TestCloseTwiceAndUseAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", echo)
		c := n.client(t, config(), "b0")
		stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.Canceled)
		var trace clientcore.Trace
		_, err = call(clientcore.WithTrace(t.Context(), &trace), c, "")
		wantCode(t, err, codes.Canceled)
		if trace.Origin != clientcore.OriginClient {
			t.Errorf("origin %q", trace.Origin)
		}
		if err := c.WaitReady(t.Context()); !errors.Is(err, pool.ErrClosed) {
			t.Errorf("WaitReady: %v, want pool.ErrClosed", err)
		}
		if got := c.Stats(); got.Connections != 0 || got.States[connectivity.Shutdown] != 1 {
			t.Errorf("stats after Close: %+v", got)
		}
	})
}

// Calls go to the channels in turn, and each channel's to the backends in turn.
func TestPoolAndRoundRobinSpreadEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for _, a := range []string{"b0", "b1", "b2"} {
			n.start(t, a, echo)
		}
		cfg := config()
		cfg.Pool.Size = 4
		c := n.client(t, cfg, "b0", "b1", "b2")
		synctest.Wait() // all twelve connections
		for range 120 {
			if _, err := call(t.Context(), c, ""); err != nil {
				t.Fatal(err)
			}
		}
		stats := c.Stats()
		want := []clientcore.AttemptCount{}
		for _, a := range []string{"b0", "b1", "b2"} {
			want = append(want, clientcore.AttemptCount{Method: "test.v1.Echo/Unary", Backend: a, Picked: 40, Answered: 40})
		}
		if diff := cmp.Diff(want, stats.Attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if stats.Connections != 12 {
			t.Errorf("%d connections, want 12", stats.Connections)
		}
	})
}

func TestPickFirst(t *testing.T) {
	addresses := []string{"b0", "b1", "b2", "b3"}
	run := func(t *testing.T, shuffle bool) (counts map[string]int64) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			for _, a := range addresses {
				n.start(t, a, echo)
			}
			cfg := config()
			cfg.Pool.Size = 40
			cfg.Balance = balance.Policy{PickFirst: &balance.PickFirst{Shuffle: shuffle}}
			c := n.client(t, cfg, addresses...)
			for range 40 {
				if _, err := call(t.Context(), c, ""); err != nil {
					t.Fatal(err)
				}
			}
			counts = map[string]int64{}
			for _, a := range c.Stats().Attempts {
				counts[a.Backend] = a.Picked
			}
			if got := c.Stats().Connections; got != 40 {
				t.Errorf("%d connections, want one a channel", got)
			}
		})
		return counts
	}
	if diff := cmp.Diff(map[string]int64{"b0": 40}, run(t, false)); diff != "" {
		t.Errorf("in order: calls per backend (-want +got):\n%s", diff)
	}
	first := run(t, true)
	for _, a := range addresses {
		if first[a] < 3 || first[a] > 20 {
			t.Errorf("shuffled: %d of 40 channels on %s", first[a], a)
		}
	}
	if diff := cmp.Diff(first, run(t, true)); diff != "" {
		t.Errorf("shuffled by the same seed (-first +second):\n%s", diff)
	}
}

// A pick_first channel that loses its connection goes IDLE and stays so until
// it is used: the pool must use it, or it shrinks.
func TestIdleChannelIsReconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", echo)
		cfg := config()
		cfg.Pool.Size = 3
		cfg.Balance = balance.Policy{PickFirst: &balance.PickFirst{}}
		c := n.client(t, cfg, "b0")
		n.cut("b0")
		synctest.Wait()
		if got := c.Stats(); got.States[connectivity.Idle] != 3 || got.Connections != 0 {
			t.Fatalf("after the cut: %+v, want three channels IDLE", got)
		}
		if _, err := call(t.Context(), c, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := c.Stats(); got.States[connectivity.Ready] != 3 || got.Connections != 3 {
			t.Errorf("after a call: %+v, want three channels READY", got)
		}
	})
}

// While some channels are READY no call goes to the others: without retries, one
// that did would fail.
func TestPoolPrefersReadyChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", echo)
		cfg := config()
		cfg.Pool.Size = 4
		cfg.Retry.Off = true
		var dials atomic.Int32
		c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(
			func(ctx context.Context, address string) (net.Conn, error) {
				if dials.Add(1) > 2 {
					return nil, errors.New("two connections are enough")
				}
				return n.dial(ctx, address)
			}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		synctest.Wait()
		if got := c.Stats().States[connectivity.Ready]; got != 2 {
			t.Fatalf("%d channels READY, want 2", got)
		}
		for range 20 {
			if _, err := call(t.Context(), c, ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// With no channel READY a call still gets one, and grpc's error.
func TestNoBackendAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		cfg := config()
		cfg.Pool.Size = 2
		c := n.dialClient(t, cfg, "b0")
		var trace clientcore.Trace
		_, err := call(clientcore.WithTrace(t.Context(), &trace), c, "")
		wantCode(t, err, codes.Unavailable)
		if trace.Origin != clientcore.OriginBalancer || len(trace.Attempts) != 3 || trace.Picks != 0 {
			t.Errorf("origin %q, %d attempts, %d picks", trace.Origin, len(trace.Attempts), trace.Picks)
		}
		if got := c.Stats().Attempts; len(got) != 0 {
			t.Errorf("counted %v", got)
		}
	})
}

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

func TestTraceOfARetriedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for i, a := range []string{"b0", "b1"} {
			n.start(t, a, func(int, grpc.ServerStream) error {
				time.Sleep(time.Duration(i+1) * ms)
				return status.Error(codes.Unavailable, a)
			})
		}
		c := n.client(t, config(), "b0", "b1")
		synctest.Wait()
		start := time.Now()
		trace := clientcore.Trace{Picks: 99, Origin: "left over", Attempts: make([]clientcore.TraceAttempt, 9)}
		_, err := call(clientcore.WithTrace(t.Context(), &trace), c, "")
		wantCode(t, err, codes.Unavailable)
		if !trace.Sent.Equal(start) || trace.Picks != 3 || trace.Origin != clientcore.OriginServer || len(trace.Attempts) != 3 {
			t.Fatalf("sent %v, %d picks, origin %q, %d attempts", trace.Sent.Sub(start), trace.Picks, trace.Origin, len(trace.Attempts))
		}
		at := start
		for i, a := range trace.Attempts {
			wait := []time.Duration{0, 100 * ms, 200 * ms}[i]
			served := map[string]time.Duration{"b0": ms, "b1": 2 * ms}[a.Backend]
			if at = at.Add(wait); !a.Start.Equal(at) {
				t.Errorf("attempt %d starts at %v", i, a.Start.Sub(start))
			}
			if at = at.Add(served); served == 0 || !a.End.Equal(at) {
				t.Errorf("attempt %d on %q ends at %v", i, a.Backend, a.End.Sub(start))
			}
			if a.Code != codes.Unavailable || !a.Answered || a.Delay != wait {
				t.Errorf("attempt %d: %+v", i, a)
			}
		}
		if trace.Attempts[0].Backend == trace.Attempts[1].Backend {
			t.Errorf("round_robin gave %q twice", trace.Attempts[0].Backend)
		}
		trace.Reset()
		if len(trace.Attempts) != 0 || trace.Picks != 0 || !trace.Sent.IsZero() || trace.Origin != "" {
			t.Error("Reset left something")
		}
	})
}

func TestOrigins(t *testing.T) {
	for name, test := range map[string]struct {
		serve func(n *network) handler
		want  clientcore.Origin
		code  codes.Code
	}{
		"answered": {func(*network) handler { return failing(9, codes.NotFound, echo) }, clientcore.OriginServer, codes.NotFound},
		"the server's deadline": {func(*network) handler { return failing(9, codes.DeadlineExceeded, echo) },
			clientcore.OriginServer, codes.DeadlineExceeded},
		"cut off": {func(n *network) handler {
			return func(_ int, s grpc.ServerStream) error { n.cut("b0"); return silence(s) }
		}, clientcore.OriginTransport, codes.Unavailable},
		"cut off after headers": {func(n *network) handler {
			return func(_ int, s grpc.ServerStream) error {
				_ = s.SendHeader(nil)
				time.Sleep(ms)
				n.cut("b0")
				return silence(s)
			}
		}, clientcore.OriginTransport, codes.Unavailable},
		"no answer in time": {func(*network) handler {
			return func(_ int, s grpc.ServerStream) error { return silence(s) }
		}, clientcore.OriginDeadline, codes.DeadlineExceeded},
		"no end in time": {func(*network) handler {
			return func(_ int, s grpc.ServerStream) error { _ = s.SendHeader(nil); return silence(s) }
		}, clientcore.OriginDeadline, codes.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", test.serve(n))
				cfg := config()
				cfg.Retry.Attempts = 1
				cfg.Timeout = time.Second
				c := n.client(t, cfg, "b0")
				var unary, stream clientcore.Trace
				_, err := call(clientcore.WithTrace(t.Context(), &unary), c, "")
				wantCode(t, err, test.code)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if err := c.WaitReady(ctx); err != nil {
					t.Fatal(err)
				}
				_, err = collect(clientcore.WithTrace(t.Context(), &stream), c, bidiStream, bidiMethod, "")
				wantCode(t, err, test.code)
				if unary.Origin != test.want || stream.Origin != test.want {
					t.Errorf("origins %q and %q, want %q", unary.Origin, stream.Origin, test.want)
				}
			})
		})
	}
}

// Attempts whose fate is not known are counted apart, and the sum is right.
func TestAttemptCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", func(attempt int, s grpc.ServerStream) error {
			if attempt <= 2 {
				return silence(s)
			}
			return failing(3, codes.Aborted, echo)(attempt, s)
		})
		cfg := config()
		cfg.Retry.Attempts = 9
		cfg.Retry.AttemptTimeout = 50 * ms
		c := n.client(t, cfg, "b0")
		if _, err := call(t.Context(), c, ""); err != nil {
			t.Fatal(err)
		}
		stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
		if err != nil {
			t.Fatal(err)
		}
		want := []clientcore.AttemptCount{
			{Method: "test.v1.Echo/Bidi", Backend: "b0", Picked: 1},
			{Method: "test.v1.Echo/Unary", Backend: "b0", Picked: 4, Answered: 2, Unknown: 2},
		}
		if diff := cmp.Diff(want, c.Stats().Attempts); diff != "" {
			t.Errorf("while a stream is open (-want +got):\n%s", diff)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		wantEOF(t, stream)
		want[0].Answered = 1
		if diff := cmp.Diff(want, c.Stats().Attempts); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
		if got := b.attempts(); got != 5 {
			t.Errorf("the backend saw %d attempts, want 5", got)
		}
	})
}

// A plain target is counted as endpoints are.
func TestTarget(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return echo(1, s) }))
	go func() { _ = server.Serve(lis) }()
	defer server.Stop()
	address := lis.Addr().String()
	for _, target := range []string{address, "dns:///" + address, "passthrough:///" + address} {
		c, err := clientcore.New(config(), clientcore.WithTarget(target))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := c.WaitReady(ctx); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		if _, err := call(ctx, c, "x"); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		cancel()
		stats := c.Stats()
		want := []clientcore.AttemptCount{{Method: "test.v1.Echo/Unary", Backend: address, Picked: 1, Answered: 1}}
		if diff := cmp.Diff(want, stats.Attempts); diff != "" || stats.Connections != 1 {
			t.Errorf("%s: %d connections, attempts (-want +got):\n%s", target, stats.Connections, diff)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	cfg := config()
	cfg.Retry.Base = -3 * ms
	cfg.Pool.Size = 0
	_, err := clientcore.New(cfg)
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"retry.base: must be > 0 (got -3ms)", "pool.size: must be between 1 and 1000 (got 0)"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if _, err := clientcore.New(config(), clientcore.WithEndpoints()); err == nil {
		t.Error("no endpoints are accepted")
	}
	if _, err := clientcore.New(config(), clientcore.WithTarget("nowhere\x7f:///")); err == nil {
		t.Error("a target that cannot be parsed is accepted")
	}
	if _, err := clientcore.New(config(), clientcore.WithCallOptions(clientcore.CallAttempts(2))); err == nil {
		t.Error("WithCallOptions accepts an option that it would not apply")
	}
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

// Many goroutines share one Client while backends die and return. The race
// detector watches; the books must be exact at the end.
func TestManyCallersWhileBackendsRestart(t *testing.T) {
	t.Run("retried", func(t *testing.T) {
		cfg := clientcore.Default()
		cfg.Retry.Base, cfg.Retry.Attempts = ms, 4
		manyCallers(t, cfg, false)
	})
	t.Run("hedged", func(t *testing.T) {
		cfg := hedged(after(500*time.Microsecond, 4))
		cfg.Methods = map[string]clientcore.Method{"ServerStream": {Hedge: &hedge.Policy{After: hedge.After{Percentile: 50}}}}
		manyCallers(t, cfg, true)
	})
}

// manyCallers calls all kinds while backends come and go. bare is whether a
// bidirectional stream is grpc-go's own, no layer of ours around it: grpc-go may
// then say io.EOF from SendMsg of a stream that lives, and a caller that ends it
// for that gets OK for the messages before (TestSendLostAndFound).
func manyCallers(t *testing.T, cfg clientcore.Config, bare bool) {
	n := newNetwork()
	addresses := []string{"b0", "b1", "b2"}
	backends := make([]*backend, len(addresses))
	for i, a := range addresses {
		backends[i] = n.start(t, a, echo)
	}
	cfg.Pool.Size = 3
	cfg.Connect.Base = ms
	cfg.Timeout = 5 * time.Second
	c := n.client(t, cfg, addresses...)

	const callers, calls = 16, 60
	var ok, failed, finished atomic.Int64
	var working sync.WaitGroup
	for w := range callers {
		working.Go(func() {
			var trace clientcore.Trace
			for i := range calls {
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 {
					ctx = clientcore.WithTrace(ctx, &trace)
				}
				finish := grpc.OnFinish(func(error) { finished.Add(1) })
				want := fmt.Sprintf("%d-%d", w, i)
				var got string
				var err error
				switch i % 4 {
				case 0, 1:
					got, err = call(ctx, c, want, finish)
				case 2:
					got, err = collect(ctx, c, bidiStream, bidiMethod, want+",more", finish)
					want += ",more"
				default:
					got, err = collect(ctx, c, serverStream, serverMethod, want, finish)
				}
				switch {
				case err != nil:
					failed.Add(1)
					if _, isStatus := status.FromError(err); !isStatus {
						t.Errorf("not a status: %v", err)
					}
				case got != want && (!bare || got+",more" != want):
					t.Errorf("got %q, want %q", got, want)
				default:
					ok.Add(1)
				}
				cancel()
			}
		})
	}
	stop := make(chan struct{})
	var killing sync.WaitGroup
	killing.Go(func() {
		for random := rand.New(rand.NewPCG(1, 2)); ; {
			select {
			case <-stop:
				return
			case <-time.After(5 * ms):
			}
			b := backends[random.IntN(len(backends))]
			b.down()
			n.cut(b.address)
			_ = c.Stats()
			b.up()
		}
	})
	working.Wait()
	close(stop)
	killing.Wait()
	if ok.Load() == 0 || finished.Load() != callers*calls {
		t.Errorf("%d calls OK, %d failed, OnFinish ran %d times", ok.Load(), failed.Load(), finished.Load())
	}
	for _, a := range c.Stats().Attempts {
		if a.Picked != a.Answered+a.Unknown {
			t.Errorf("books do not balance: %+v", a)
		}
	}
}
