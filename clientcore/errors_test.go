package clientcore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// TestErrorsOfEachLayer makes each layer refuse a call. What the caller gets is
// the layer's sentinel to errors.Is, its type to errors.As, a status of the right
// code to status.FromError, also when it is wrapped further, and says where it
// came from, with and without a Trace.
func TestErrorsOfEachLayer(t *testing.T) {
	as := func(target any) func(error) bool {
		return func(err error) bool { return errors.As(err, target) }
	}
	hashed := config()
	h := &balance.ConsistentHash{}
	h.SetDefaults()
	h.Field = "no_such_field"
	hashed.Balance = balance.Policy{ConsistentHash: h}
	full := config()
	full.Pool.MaxInFlight = 1
	full.Timeout = time.Second
	open := broken(breaker.Client)
	open.Breaker.Failures = 1
	spent := config()
	spent.Retry.Budget = retry.Budget{Tokens: &retry.Tokens{Max: 2, Ratio: 0.1}}
	plain := config()
	plain.Retry = retry.Policy{Off: true}
	for name, test := range map[string]struct {
		cfg       clientcore.Config
		serve     handler // nil: there is no backend
		before    func(*testing.T, *clientcore.Client)
		code      codes.Code
		is        error
		as        func(error) bool
		origin    clientcore.Origin
		retryable bool
	}{
		"pool full": {cfg: full, serve: func(_ int, s grpc.ServerStream) error { time.Sleep(5 * time.Second); return echo(1, s) },
			before: func(t *testing.T, c *clientcore.Client) {
				go func() { _, _ = call(context.Background(), c, "x", clientcore.CallTimeout(3*time.Second)) }()
				synctest.Wait()
			},
			code: codes.DeadlineExceeded, is: pool.ErrFull, as: as(new(*pool.FullError)), origin: clientcore.OriginPool, retryable: true},
		"closed": {cfg: config(), serve: echo, before: func(_ *testing.T, c *clientcore.Client) { _ = c.Close() },
			code: codes.Canceled, is: pool.ErrClosed, as: as(new(interface{ GRPCStatus() *status.Status })), origin: clientcore.OriginClient},
		"breaker open": {cfg: open, serve: always(codes.Internal), before: func(_ *testing.T, c *clientcore.Client) {
			_, _ = call(context.Background(), c, "x")
		}, code: codes.Unavailable, is: breaker.ErrOpen, as: as(new(*breaker.OpenError)), origin: clientcore.OriginBreaker, retryable: true},
		"budget spent": {cfg: spent, serve: always(codes.Aborted),
			code: codes.Aborted, is: retry.ErrBudget, as: as(new(*retry.BudgetError)), origin: clientcore.OriginBudget},
		"no backend": {cfg: plain,
			code: codes.Unavailable, is: balance.ErrNoBackend, as: as(new(*balance.NoBackendError)), origin: clientcore.OriginBalancer, retryable: true},
		"no backend, after retries": {cfg: config(),
			code: codes.Unavailable, is: balance.ErrNoBackend, as: as(new(*balance.NoBackendError)), origin: clientcore.OriginBalancer, retryable: true},
		"no hash key": {cfg: hashed, serve: echo, code: codes.InvalidArgument, is: clientcore.ErrNoKey,
			as: as(new(*clientcore.NoKeyError)), origin: clientcore.OriginClient},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				var c *clientcore.Client
				if test.serve != nil {
					n.start(t, "b0", test.serve)
					c = n.client(t, test.cfg, "b0")
				} else {
					c = n.dialClient(t, test.cfg, "b0")
					time.Sleep(time.Second)
				}
				if test.before != nil {
					test.before(t, c)
				}
				check := func(kind string, err error, trace *clientcore.Trace) {
					t.Helper()
					st, ok := status.FromError(err)
					if !ok || st.Code() != test.code || st.Message() == "" {
						t.Fatalf("%s: status %v of %v", kind, st, err)
					}
					wrapped := fmt.Errorf("loading the user: %w", err)
					if st, ok := status.FromError(wrapped); !ok || st.Code() != test.code {
						t.Errorf("%s: wrapped, its status is %v", kind, st)
					}
					if !errors.Is(wrapped, test.is) || !test.as(wrapped) {
						t.Errorf("%s: %#v is not %v, or not of its type", kind, err, test.is)
					}
					if got := clientcore.OriginOf(wrapped); got != test.origin || trace.Origin != test.origin {
						t.Errorf("%s: from %q, by the trace %q; want %q", kind, got, trace.Origin, test.origin)
					}
					if got := clientcore.Retryable(wrapped); got != test.retryable {
						t.Errorf("%s: retryable %v, want %v", kind, got, test.retryable)
					}
				}
				var unary, stream clientcore.Trace
				_, err := call(clientcore.WithTrace(t.Context(), &unary), c, "x")
				check("unary", err, &unary)
				s, err := c.NewStream(clientcore.WithTrace(t.Context(), &stream), serverStream, serverMethod)
				if err == nil {
					if err = s.SendMsg(text("x")); err == nil || err == io.EOF {
						err = s.RecvMsg(text(""))
					}
				}
				check("stream", err, &stream)
			})
		})
	}
}

func TestOriginOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want clientcore.Origin
	}{
		{nil, ""},
		{status.Error(codes.NotFound, "no such user"), clientcore.OriginServer},
		{status.Error(codes.Unavailable, "shutting down"), clientcore.OriginServer},
		{status.Error(codes.Unavailable, "error reading from server: EOF"), clientcore.OriginTransport},
		{status.Error(codes.DeadlineExceeded, "context deadline exceeded"), clientcore.OriginDeadline},
		{context.DeadlineExceeded, clientcore.OriginDeadline},
		{context.Canceled, clientcore.OriginClient},
		{status.Error(codes.Canceled, "context canceled"), clientcore.OriginClient},
		{status.Error(codes.ResourceExhausted, "trying to send message larger than max (5 vs. 4)"), clientcore.OriginClient},
		{errors.New("not of a call"), clientcore.OriginClient},
		{errors.Join(errors.New("first"), status.Error(codes.NotFound, "second")), clientcore.OriginServer},
	} {
		if got := clientcore.OriginOf(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

func TestRetryable(t *testing.T) {
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		want := code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.ResourceExhausted ||
			code == codes.Aborted || code == codes.Internal
		if got := clientcore.Retryable(fmt.Errorf("wrapped: %w", status.Error(code, "x"))); code != codes.OK && got != want {
			t.Errorf("%v: %v, want %v", code, got, want)
		}
	}
	for _, err := range []error{nil, errors.New("no status"), context.Canceled,
		status.Error(codes.ResourceExhausted, "trying to send message larger than max (5 vs. 4)"),
		&retry.BudgetError{Err: status.Error(codes.Unavailable, "x")}} {
		if clientcore.Retryable(err) {
			t.Errorf("%v is retryable", err)
		}
	}
}

// TestExplain: each of the 17 codes has a sentence of its own.
func TestExplain(t *testing.T) {
	seen := map[string]codes.Code{}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		s := clientcore.Explain(code)
		if other, twice := seen[s]; twice {
			t.Errorf("%v says the same as %v: %s", code, other, s)
		}
		seen[s] = code
		if !strings.HasSuffix(s, ".") || s[0] < 'A' || s[0] > 'Z' || strings.Contains(s, "no code of gRPC") || len(s) > 120 {
			t.Errorf("%v: %q is no sentence for people", code, s)
		}
	}
	if len(seen) != 17 {
		t.Errorf("%d codes, want 17", len(seen))
	}
	if got := clientcore.Explain(99); !strings.Contains(got, "99") {
		t.Errorf("a code that gRPC does not have: %q", got)
	}
}
