package clientcore_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// A service imports the client and hands it to its generated stubs.
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
	cfg.Pool.Size = 2
	cfg.Timeout = time.Second
	cfg.Retry.Jitter = retry.Jitter{Full: &retry.Full{}}
	client, err := clientcore.New(cfg, clientcore.WithTarget(lis.Addr().String()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	stub := healthpb.NewHealthClient(client)
	reply, err := stub.Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(reply.GetStatus(), err)

	var trace clientcore.Trace
	ctx := clientcore.WithTrace(context.Background(), &trace)
	_, err = stub.Check(ctx, &healthpb.HealthCheckRequest{Service: "users"}, clientcore.CallAttempts(5))
	fmt.Println(status.Code(err) == codes.NotFound, trace.Origin, len(trace.Attempts))
	// Output:
	// SERVING <nil>
	// true server 1
}

// A client whose calls must not wait for a slow backend sends those that are slower
// than 95 % of the others a second time.
func ExampleConfig_hedge() {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	var calls atomic.Int32
	server := grpc.NewServer(grpc.UnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if calls.Add(1) == 1 { // the first one hangs
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return next(ctx, req)
		}))
	healthpb.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(lis) }()
	defer server.Stop()

	cfg := clientcore.Default()
	cfg.Retry.Off = true // a call is retried or hedged, never both
	policy := hedge.Default()
	policy.Budget = retry.Budget{Ratio: &retry.Ratio{Share: 0.1, MinPerSecond: 1}}
	cfg.Hedge = &policy
	client, err := clientcore.New(cfg, clientcore.WithTarget(lis.Addr().String()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	// This call does not wait for there to be a percentile.
	var trace clientcore.Trace
	ctx := clientcore.WithTrace(context.Background(), &trace)
	reply, err := healthpb.NewHealthClient(client).Check(ctx, &healthpb.HealthCheckRequest{},
		clientcore.CallHedge(hedge.Policy{After: hedge.After{Delay: 20 * time.Millisecond}}))
	fmt.Println(reply.GetStatus(), err)
	for _, attempt := range trace.Attempts {
		fmt.Println(attempt.Delay, attempt.Code)
	}
	fmt.Printf("%+v\n", client.Stats().Hedge)
	// Output:
	// SERVING <nil>
	// 0s Canceled
	// 20ms OK
	// {Sent:1 Won:1}
}
