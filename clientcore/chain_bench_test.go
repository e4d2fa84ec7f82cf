package clientcore_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// nullConn answers every call at once: what is left is the Client's own chain.
type nullConn struct{ grpc.ClientConnInterface }

func (nullConn) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return nil }
func (nullConn) Connect()                                                           {}
func (nullConn) GetState() connectivity.State                                       { return connectivity.Ready }
func (nullConn) Close() error                                                       { return nil }
func (nullConn) WaitForStateChange(ctx context.Context, _ connectivity.State) bool {
	<-ctx.Done()
	return false
}

// nullClient is a Client over nullConns.
func nullClient(t testing.TB, cfg clientcore.Config, opts ...clientcore.Option) *clientcore.Client {
	t.Helper()
	c, err := clientcore.New(cfg, append(opts, clientcore.WithChannels(func(_ int, report func(connectivity.State)) (pool.Conn, error) {
		report(connectivity.Ready)
		return nullConn{}, nil
	}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// off is Default with every policy off, and no timeout.
func off() clientcore.Config {
	cfg := clientcore.Default()
	cfg.Retry = retry.Policy{Off: true}
	cfg.Timeout = 0
	return cfg
}

// chains is the settings whose cost is measured, and how many allocations an
// Invoke may make with them.
func chains() []struct {
	name   string
	cfg    clientcore.Config
	allocs float64
} {
	with := func(change func(*clientcore.Config)) clientcore.Config {
		cfg := off()
		change(&cfg)
		return cfg
	}
	closed := breaker.Default()
	return []struct {
		name   string
		cfg    clientcore.Config
		allocs float64
	}{
		{"off", off(), 0},
		{"breaker", with(func(c *clientcore.Config) { c.Breaker = &closed }), 0},
		{"methods", with(func(c *clientcore.Config) { c.Methods = map[string]clientcore.Method{"Unary": {}} }), 0},
		{"least_in_flight", with(func(c *clientcore.Config) { c.Pool.Pick = pool.Pick{LeastInFlight: &pool.LeastInFlight{}} }), 0},
		{"max_in_flight", with(func(c *clientcore.Config) { c.Pool.MaxInFlight = 100 }), 0},
		{"max_idle", with(func(c *clientcore.Config) { c.Pool.MaxIdle, c.Pool.MaxAge = time.Minute, time.Hour }), 0},
		// The context that carries the attempts' listener.
		{"retry", with(func(c *clientcore.Config) { c.Retry = retry.Default() }), 1},
	}
}

// BenchmarkChain is the whole chain of a unary call over a null connection.
func BenchmarkChain(b *testing.B) {
	ctx, in, out := context.Background(), text("hello"), text("")
	for _, chain := range chains() {
		b.Run(chain.name, func(b *testing.B) {
			c := nullClient(b, chain.cfg)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Invoke(ctx, unaryMethod, in, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestChainAllocations: with every policy off a call allocates nothing.
func TestChainAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	ctx, in, out := context.Background(), text("hello"), text("")
	for _, chain := range chains() {
		c := nullClient(t, chain.cfg)
		if got := testing.AllocsPerRun(1000, func() { _ = c.Invoke(ctx, unaryMethod, in, out) }); got > chain.allocs {
			t.Errorf("%s: %v allocations per call, want at most %v", chain.name, got, chain.allocs)
		}
	}
}
