package clientcore_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
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
