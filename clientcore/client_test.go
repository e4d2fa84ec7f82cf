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
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
