package clientcore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

const ms = time.Millisecond

func TestBackoffTimes(t *testing.T) {
	for name, test := range map[string]struct {
		backoff retry.Backoff
		want    []time.Duration
	}{
		"exponential": {retry.Backoff{Exponential: &retry.Exponential{}}, []time.Duration{0, 100 * ms, 300 * ms, 650 * ms, 1000 * ms}},
		"linear":      {retry.Backoff{Linear: &retry.Linear{}}, []time.Duration{0, 100 * ms, 300 * ms, 600 * ms, 950 * ms}},
		"fixed":       {retry.Backoff{Fixed: &retry.Fixed{}}, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms, 400 * ms}},
		"immediate":   {retry.Backoff{Immediate: &retry.Immediate{}}, []time.Duration{0, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", failing(4, codes.Unavailable, echo))
				cfg := config()
				cfg.Retry.Attempts = 5
				cfg.Retry.Backoff = test.backoff
				cfg.Retry.Max = 350 * ms
				c := n.client(t, cfg, "b0")
				start := time.Now()
				var trace clientcore.Trace
				got, err := call(clientcore.WithTrace(t.Context(), &trace), c, "hello")
				if err != nil || got != "hello" {
					t.Fatalf("got %q, %v", got, err)
				}
				if diff := cmp.Diff(test.want, b.times(start)); diff != "" {
					t.Errorf("arrivals (-want +got):\n%s", diff)
				}
				var at time.Duration
				for i, a := range trace.Attempts {
					at += a.Delay
					if at != test.want[i] || a.Start.Sub(start) != at {
						t.Errorf("attempt %d: delay %v, start %v, want start %v", i, a.Delay, a.Start.Sub(start), test.want[i])
					}
				}
			})
		})
	}
}

// A wait that cannot end before the deadline is not begun.
func TestRetryDeadlineCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(9, codes.Unavailable, echo))
		cfg := config()
		cfg.Retry.Attempts = 9
		cfg.Timeout = 300 * ms // the third attempt would begin exactly then
		c := n.client(t, cfg, "b0")
		start := time.Now()
		_, err := call(t.Context(), c, "")
		wantCode(t, err, codes.Unavailable)
		if got := status.Convert(err).Message(); got != "attempt 2" {
			t.Errorf("message %q, want the last attempt's", got)
		}
		if took := time.Since(start); took != 100*ms || b.attempts() != 2 {
			t.Errorf("%d attempts in %v, want 2 in 100ms", b.attempts(), took)
		}
	})
}

func TestPushback(t *testing.T) {
	for name, test := range map[string]struct {
		values []string // per attempt; "" is none
		want   []time.Duration
		ok     bool
	}{
		"obeyed":           {[]string{"700", ""}, []time.Duration{0, 700 * ms, 800 * ms}, true}, // and the backoff starts anew
		"zero":             {[]string{"0", "0"}, []time.Duration{0, 0, 0}, true},
		"negative stops":   {[]string{"-1", ""}, []time.Duration{0}, false},
		"nonsense stops":   {[]string{"soon", ""}, []time.Duration{0}, false},
		"past the end":     {[]string{"40000", ""}, []time.Duration{0}, false},
		"beyond int64":     {[]string{"99999999999999999999", ""}, []time.Duration{0}, false},
		"not while absent": {[]string{"", ""}, []time.Duration{0, 100 * ms, 300 * ms}, true},
	} {
		for _, kind := range []string{"unary", "stream"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
						if attempt > len(test.values) {
							return echo(attempt, stream)
						}
						if v := test.values[attempt-1]; v != "" {
							stream.SetTrailer(metadata.Pairs("grpc-retry-pushback-ms", v))
						}
						return status.Error(codes.Unavailable, "no")
					})
					c := n.client(t, config(), "b0")
					start := time.Now()
					var err error
					if kind == "unary" {
						_, err = call(t.Context(), c, "x")
					} else {
						_, err = collect(t.Context(), c, serverStream, serverMethod, "x")
					}
					if (err == nil) != test.ok {
						t.Errorf("error %v, want success %v", err, test.ok)
					}
					if diff := cmp.Diff(test.want, b.times(start)); diff != "" {
						t.Errorf("arrivals (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// gRFC A6: after a pushback the backoff starts anew, as if there had been no retry
// before.
func TestPushbackRestartsTheBackoff(t *testing.T) {
	for name, test := range map[string]struct {
		backoff retry.Backoff
		want    []time.Duration
	}{
		"exponential": {retry.Backoff{Exponential: &retry.Exponential{}}, []time.Duration{0, 100 * ms, 300 * ms, 307 * ms, 407 * ms, 607 * ms}},
		"linear":      {retry.Backoff{Linear: &retry.Linear{}}, []time.Duration{0, 100 * ms, 300 * ms, 307 * ms, 407 * ms, 607 * ms}},
	} {
		for _, kind := range []string{"unary", "stream"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
						if attempt == 3 {
							stream.SetTrailer(metadata.Pairs("grpc-retry-pushback-ms", "7"))
						}
						return failing(5, codes.Unavailable, echo)(attempt, stream)
					})
					cfg := config()
					cfg.Retry.Attempts = 6
					cfg.Retry.Backoff = test.backoff
					c := n.client(t, cfg, "b0")
					start := time.Now()
					var err error
					if kind == "unary" {
						_, err = call(t.Context(), c, "x")
					} else {
						_, err = collect(t.Context(), c, bidiStream, bidiMethod, "x")
					}
					if err != nil {
						t.Error(err)
					}
					if diff := cmp.Diff(test.want, b.times(start)); diff != "" {
						t.Errorf("arrivals (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

func TestPreviousAttemptsIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(2, codes.Aborted, echo))
		c := n.client(t, config(), "b0")
		ctx := metadata.AppendToOutgoingContext(t.Context(), "grpc-previous-rpc-attempts", "x", "tenant", "a")
		if _, err := call(ctx, c, "", clientcore.CallMetadata("tenant", "b")); err != nil {
			t.Fatal(err)
		}
		if _, err := collect(ctx, c, serverStream, serverMethod, "x"); err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"x"}, {"x", "1"}, {"x", "2"}, {"x"}}
		for i, md := range b.metadata() {
			if diff := cmp.Diff(want[i], md["grpc-previous-rpc-attempts"]); diff != "" {
				t.Errorf("attempt %d (-want +got):\n%s", i, diff)
			}
			if i < 3 {
				if diff := cmp.Diff([]string{"a", "b"}, md["tenant"]); diff != "" {
					t.Errorf("attempt %d tenant (-want +got):\n%s", i, diff)
				}
			}
		}
		if got := b.attempts(); got != 4 {
			t.Errorf("%d attempts, want 4", got)
		}
	})
}

func TestRetriedCodes(t *testing.T) {
	retried := map[codes.Code]bool{}
	for _, c := range retry.DefaultCodes() {
		retried[c] = true
	}
	synctest.Test(t, func(t *testing.T) {
		for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
			n := newNetwork()
			b := n.start(t, "b0", failing(9, code, echo))
			c := n.client(t, config(), "b0")
			_, err := call(t.Context(), c, "")
			wantCode(t, err, code)
			want := 1
			if retried[code] {
				want = 3
			}
			if got := b.attempts(); got != want {
				t.Errorf("%v: %d attempts, want %d", code, got, want)
			}
		}
	})
}

func TestRetryNoneAndOwnCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(9, codes.NotFound, echo))
		cfg := config()
		cfg.Retry.Codes = []codes.Code{codes.NotFound}
		policy := retry.Policy{}
		if err := policy.UnmarshalText([]byte("none")); err != nil {
			t.Fatal(err)
		}
		cfg.Methods = map[string]clientcore.Method{"Bidi": {Retry: &policy}}
		c := n.client(t, cfg, "b0")
		_, err := call(t.Context(), c, "")
		wantCode(t, err, codes.NotFound)
		if got := b.attempts(); got != 3 {
			t.Errorf("%d attempts, want 3", got)
		}
		_, err = collect(t.Context(), c, bidiStream, bidiMethod, "x")
		wantCode(t, err, codes.NotFound)
		if got := b.attempts(); got != 4 {
			t.Errorf("%d attempts with retry none, want 1 more", got)
		}
	})
}

func TestAttemptTimeout(t *testing.T) {
	hang := func(stuck int) handler {
		return func(attempt int, stream grpc.ServerStream) error {
			if attempt <= stuck {
				return silence(stream)
			}
			return echo(attempt, stream)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", hang(2))
		cfg := config()
		cfg.Retry.AttemptTimeout = 200 * ms
		cfg.Timeout = time.Second
		c := n.client(t, cfg, "b0")
		start := time.Now()
		var trace clientcore.Trace
		if _, err := call(clientcore.WithTrace(t.Context(), &trace), c, ""); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 300 * ms, 700 * ms}
		if diff := cmp.Diff(want, b.times(start)); diff != "" {
			t.Errorf("unary arrivals (-want +got):\n%s", diff)
		}
		if got := trace.Attempts[0].Code; got != codes.DeadlineExceeded {
			t.Errorf("first attempt ended with %v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", hang(2))
		cfg := config()
		cfg.Retry.AttemptTimeout = 200 * ms
		c := n.client(t, cfg, "b0")
		start := time.Now()
		got, err := collect(t.Context(), c, bidiStream, bidiMethod, "x")
		if err != nil || got != "x" {
			t.Fatalf("got %q, %v", got, err)
		}
		want := []time.Duration{0, 300 * ms, 700 * ms}
		if diff := cmp.Diff(want, b.times(start)); diff != "" {
			t.Errorf("stream arrivals (-want +got):\n%s", diff)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the call's own deadline is not retried
		n := newNetwork()
		b := n.start(t, "b0", hang(9))
		cfg := config()
		cfg.Timeout = 150 * ms
		c := n.client(t, cfg, "b0")
		_, err := call(t.Context(), c, "")
		wantCode(t, err, codes.DeadlineExceeded)
		if got := b.attempts(); got != 1 {
			t.Errorf("%d attempts, want 1", got)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it bounds the one attempt, too
		n := newNetwork()
		n.start(t, "b0", hang(9))
		cfg := config()
		cfg.Retry.Attempts = 1
		cfg.Retry.AttemptTimeout = 150 * ms
		c := n.client(t, cfg, "b0")
		start := time.Now()
		_, err := call(t.Context(), c, "")
		wantCode(t, err, codes.DeadlineExceeded)
		_, err = collect(t.Context(), c, bidiStream, bidiMethod, "x")
		wantCode(t, err, codes.DeadlineExceeded)
		if took := time.Since(start); took != 300*ms {
			t.Errorf("two calls took %v, want 300ms", took)
		}
	})
}

// Trap: wrapping a status into a bare string.
func TestErrorsKeepTheirStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want, err := status.New(codes.Unavailable, "busy").WithDetails(wrapperspb.String("why"))
		if err != nil {
			t.Fatal(err)
		}
		n := newNetwork()
		n.start(t, "b0", func(int, grpc.ServerStream) error { return want.Err() })
		c := n.client(t, config(), "b0")
		_, unaryErr := call(t.Context(), c, "")
		_, streamErr := collect(t.Context(), c, bidiStream, bidiMethod, "x")
		for name, err := range map[string]error{"unary": unaryErr, "stream": streamErr} {
			got, ok := status.FromError(err)
			if !ok || got.Code() != codes.Unavailable || got.Message() != "busy" || len(got.Details()) != 1 {
				t.Errorf("%s: status %v, details %v", name, got, got.Details())
			}
			var typed interface{ GRPCStatus() *status.Status }
			if !errors.As(fmt.Errorf("outer: %w", err), &typed) || !errors.Is(err, want.Err()) {
				t.Errorf("%s: errors.As or errors.Is do not find the status", name)
			}
		}
	})
}

// What a failed attempt left in the reply and in the targets of call options
// must not be seen as the last one's.
func TestNothingStaleFromFailedAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
			_ = stream.SetHeader(metadata.Pairs("stale", "header"))
			stream.SetTrailer(metadata.Pairs("stale", "trailer"))
			_ = stream.SendMsg(text("stale reply"))
			return status.Error(codes.Unavailable, "after the reply")
		})
		c := n.client(t, config(), "b0")
		var header, trailer metadata.MD
		var from peer.Peer
		reply := &wrapperspb.BytesValue{}
		time.AfterFunc(50*ms, b.down) // the later attempts find no backend
		err := c.Invoke(t.Context(), unaryMethod, text(""), reply, grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&from))
		wantCode(t, err, codes.Unavailable)
		if b.attempts() != 1 {
			t.Fatalf("%d attempts reached the backend, want 1", b.attempts())
		}
		if header != nil || trailer != nil || from.Addr != nil || len(reply.Value) != 0 {
			t.Errorf("left from the first attempt: header %v, trailer %v, peer %v, reply %q", header, trailer, from.Addr, reply.Value)
		}
	})
	synctest.Test(t, func(t *testing.T) { // and the last one's are there
		n := newNetwork()
		n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
			stream.SetTrailer(metadata.Pairs("attempt", fmt.Sprint(attempt)))
			return failing(2, codes.Unavailable, echo)(attempt, stream)
		})
		c := n.client(t, config(), "b0")
		var trailer metadata.MD
		if _, err := call(t.Context(), c, "", grpc.Trailer(&trailer)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"3"}, trailer["attempt"]); diff != "" {
			t.Errorf("trailer (-want +got):\n%s", diff)
		}
	})
}

func TestOnFinishOncePerCall(t *testing.T) {
	for _, fails := range []int{0, 2, 9} {
		t.Run(fmt.Sprintf("%d attempts fail", fails), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
					return failing(fails, codes.Unavailable, echo)((attempt-1)%3+1, stream)
				})
				c := n.client(t, config(), "b0")
				var got []codes.Code
				finish := grpc.OnFinish(func(err error) { got = append(got, status.Code(err)) })
				_, _ = call(t.Context(), c, "", finish)
				if fails == 9 { // three attempts each
					_, _ = call(t.Context(), c, "", finish)
				}
				_, _ = collect(t.Context(), c, bidiStream, bidiMethod, "x", finish)
				want := []codes.Code{codes.OK, codes.OK}
				if fails == 9 {
					want = []codes.Code{codes.Unavailable, codes.Unavailable, codes.Unavailable}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("OnFinish (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestCancelDuringTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(9, codes.Unavailable, echo))
		cfg := config()
		cfg.Retry.Base = 10 * time.Second
		c := n.client(t, cfg, "b0")
		for _, kind := range []string{"unary", "stream"} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			var trace clientcore.Trace
			ctx = clientcore.WithTrace(ctx, &trace)
			var err error
			if kind == "unary" {
				_, err = call(ctx, c, "")
			} else {
				_, err = collect(ctx, c, bidiStream, bidiMethod, "x")
			}
			wantCode(t, err, codes.Canceled)
			if took := time.Since(start); took != time.Second {
				t.Errorf("%s: took %v, want 1s", kind, took)
			}
			if trace.Origin != clientcore.OriginClient {
				t.Errorf("%s: origin %q", kind, trace.Origin)
			}
		}
		if got := b.attempts(); got != 2 {
			t.Errorf("%d attempts, want one per call", got)
		}
	})
}
