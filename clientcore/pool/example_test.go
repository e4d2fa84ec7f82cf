package pool_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/pool"
)

// A Client's pool is set by its Config: here four channels, of which each call
// takes the least busy one; each is replaced after an hour, once its replacement
// is READY and while its calls end in peace.
func Example() {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(lis) }()
	defer server.Stop()

	cfg := clientcore.Default()
	cfg.Pool = pool.Config{
		Size:        4,
		Pick:        pool.Pick{LeastInFlight: &pool.LeastInFlight{}},
		StuckFor:    pool.Patience(30 * time.Second),
		MaxAge:      time.Hour,
		MaxInFlight: 100,
	}
	client, err := clientcore.New(cfg, clientcore.WithEndpoints(lis.Addr().String()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.WaitReady(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for range 8 {
		if _, err := healthpb.NewHealthClient(client).Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
			fmt.Println(err)
		}
	}
	s := client.Stats()
	fmt.Println(s.States[connectivity.Ready], "READY,", s.Pool.Picks, "picks,", s.Pool.InFlight, "in flight,", s.Pool.Waits, "waits")
	// Output: 4 READY, 8 picks, 0 in flight, 0 waits
}
