package clientcore_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
)

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
