package fakeserver

import (
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// onTCP is a fleet of one backend on loopback, with clients on connections of
// their own.
func onTCP(b *testing.B, c Config, connections int) (*Fleet, []userpb.UserServiceClient) {
	f := NewFleet("", nil)
	b.Cleanup(f.Close)
	addresses, err := f.Configure(c)
	if err != nil {
		b.Fatal(err)
	}
	return f, dialMany(b, addresses[0].Address, connections)
}

func dialMany(b *testing.B, address string, connections int) (all []userpb.UserServiceClient) {
	for range connections {
		cc, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { cc.Close() })
		client := userpb.NewUserServiceClient(cc)
		if _, err := client.GetUser(b.Context(), &userpb.GetUserRequest{}, grpc.WaitForReady(true)); err != nil {
			b.Fatal(err)
		}
		all = append(all, client)
	}
	return all
}

// Service times as they are against what was asked for: 1.05 is 5 % longer. By
// one caller, and by 16 at a time.
func BenchmarkServiceTime(b *testing.B) {
	for _, callers := range []int{1, 16} {
		for _, d := range []time.Duration{100 * time.Microsecond, ms, 10 * ms, 100 * ms} {
			b.Run(fmt.Sprintf("callers=%d/%v", callers, d), func(b *testing.B) {
				f, clients := onTCP(b, Config{Backends: 1, ServiceTime: fixed(d)}, 1)
				before := f.Snapshot().Backends[0]
				var all sync.WaitGroup
				for range callers {
					all.Go(func() {
						for range b.N {
							if _, err := clients[0].GetUser(b.Context(), &userpb.GetUserRequest{}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				s := f.Snapshot().Backends[0]
				b.ReportMetric(float64(s.Actual-before.Actual)/float64(s.Asked-before.Asked), "actual/asked")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// An M/M/1 on a real clock against the Lindley recursion fed the same draws,
// 1.00 being equal: the mean response time, and the median.
func BenchmarkQueue(b *testing.B) {
	const mean, load, calls = 10 * ms, 0.5, 500
	service := servicetime.Exponential{Average: mean}
	gaps := servicetime.Exponential{Average: time.Duration(math.Round(float64(mean) / load))}
	var got, want []time.Duration
	for range b.N {
		_, clients := onTCP(b, Config{Backends: 1, Concurrency: 1, ServiceTime: servicetime.Choice{Exponential: &service}}, 1)
		var mu sync.Mutex
		var calling sync.WaitGroup
		var due, free time.Duration
		t0 := time.Now()
		for i := range calls {
			due += gaps.Draw(draw.StreamOf(uint64(i)))
			id := fmt.Sprint(i)
			free = max(free, due) + service.Draw(draw.Seed{}.For(draw.Service, 0, draw.Hash(id), 1))
			want = append(want, free-due)
			at := t0.Add(due)
			time.Sleep(time.Until(at))
			calling.Go(func() {
				if err := get(b.Context(), clients[0], id, ""); err != nil {
					b.Error(err)
				}
				took := time.Since(at)
				mu.Lock()
				defer mu.Unlock()
				got = append(got, took)
			})
		}
		calling.Wait()
	}
	middle := func(all []time.Duration) (mean, median float64) {
		slices.Sort(all)
		for _, d := range all {
			mean += d.Seconds() / float64(len(all))
		}
		return mean, all[len(all)/2].Seconds()
	}
	gotMean, gotMedian := middle(got)
	wantMean, wantMedian := middle(want)
	b.ReportMetric(gotMean/wantMean, "mean/recursion")
	b.ReportMetric(gotMedian/wantMedian, "p50/recursion")
	b.ReportMetric(0, "ns/op")
}

// bare is a grpc-go server with the handler of a backend that takes no time.
type bare struct {
	userpb.UnimplementedUserServiceServer
	users users
}

func (s bare) GetUser(_ context.Context, in *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	return &userpb.GetUserResponse{User: s.users.user(in.GetUserId(), nil)}, nil
}

// The calls a second of a backend with nothing configured, as a share of those
// of a bare grpc-go server with the same handler: the median of pairs of runs,
// one after the other, 50 calls in flight on 5 connections.
func BenchmarkPlainBackend(b *testing.B) {
	const (
		pairs, workers, connections = 9, 50, 5
		run                         = 400 * ms
	)
	_, ours := onTCP(b, Default(), connections)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer()
	userpb.RegisterUserServiceServer(server, bare{users: newUsers()})
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	b.Cleanup(func() { server.Stop(); <-served })
	theirs := dialMany(b, listener.Addr().String(), connections)

	rate := func(clients []userpb.UserServiceClient, d time.Duration) float64 {
		var calls atomic.Int64
		var all sync.WaitGroup
		began := time.Now()
		for i := range workers {
			client := clients[i%len(clients)]
			all.Go(func() {
				for time.Since(began) < d {
					if _, err := client.GetUser(b.Context(), &userpb.GetUserRequest{UserId: "user-7"}); err != nil {
						b.Error(err)
						return
					}
					calls.Add(1)
				}
			})
		}
		all.Wait()
		return float64(calls.Load()) / time.Since(began).Seconds()
	}
	rate(ours, run/2)
	rate(theirs, run/2)
	var ratios, backend []float64
	for range b.N {
		for i := range pairs {
			var a, c float64
			if i%2 == 0 {
				a, c = rate(ours, run), rate(theirs, run)
			} else {
				c, a = rate(theirs, run), rate(ours, run)
			}
			ratios, backend = append(ratios, a/c), append(backend, a)
		}
	}
	slices.Sort(ratios)
	slices.Sort(backend)
	b.ReportMetric(ratios[len(ratios)/2], "of-bare")
	b.ReportMetric(backend[len(backend)/2], "calls/s")
	b.ReportMetric(0, "ns/op")
}
