package main

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

// BenchmarkStall measures a server on TCP that stalls 500 ms in every 5 s, at
// a constant 500 calls/s for two times 5 s. Theory: response p95 250 ms, p99 450 ms.
// The virtual-time test of the same is in scenario/run.
//
//	go test -run '^$' -bench Stall -benchtime 1x ./cmd/grpcbench
func BenchmarkStall(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer()
	userpb.RegisterUserServiceServer(server, &staller{start: time.Now()})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	var response, service result.Summary
	for b.Loop() {
		plan, err := scenario.Read("stall.yaml", fmt.Appendf(nil, `
name: stall
target: %s
client: {timeout: 10s, retry: none}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 500/s}]
trials: 1
warmup: 0s
measure: 10s
`, listener.Addr()), scenario.Options{})
		if err != nil {
			b.Fatal(err)
		}
		r, err := bench.Run(b.Context(), plan, bench.Deps{Sleep: engine.SleepUntil}, bench.Options{})
		if err != nil {
			b.Fatal(err)
		}
		latency := r.Variants[0].Trials[0].Series[0].Latency
		response, service = latency[result.Response], latency[result.Service]
	}
	ms := func(ns *int64) float64 {
		if ns == nil {
			return -1
		}
		return float64(*ns) / 1e6
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(response.P95NS), "response-p95-ms")
	b.ReportMetric(ms(response.P99NS), "response-p99-ms")
	b.ReportMetric(ms(service.P95NS), "service-p95-ms")
	b.ReportMetric(ms(service.P99NS), "service-p99-ms")
}

// staller answers at once, but not in the first 500 ms of every 5 s.
type staller struct {
	userpb.UnimplementedUserServiceServer
	start time.Time
}

func (s *staller) GetUser(ctx context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	const stall, every = 500 * time.Millisecond, 5 * time.Second
	if into := time.Since(s.start) % every; into < stall {
		select {
		case <-time.After(stall - into):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &userpb.GetUserResponse{User: &userpb.User{Id: r.GetUserId()}}, nil
}
