package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

const (
	overheadWorkers  = 50
	overheadChannels = 5
	overheadWarmup   = 300 * time.Millisecond
	overheadMeasure  = 2 * time.Second
)

// BenchmarkOverhead measures what grpcbench itself costs: client CPU and
// allocations per call of its closed loop, beside a bare grpc-go loop with the
// same timeout, workers and connections, on the same server in another
// process. Each iteration measures both, in turn, so that the machine's moods
// hit both; medians are reported.
//
//	go test -run '^$' -bench Overhead -benchtime 5x ./cmd/grpcbench
func BenchmarkOverhead(b *testing.B) {
	raiseGCTarget()
	address := startBackend(b)
	var bare, ours []loopCost
	for b.Loop() {
		bare = append(bare, bareLoop(b, address))
		ours = append(ours, ourLoop(b, address))
	}
	ratios := make([]float64, len(bare))
	for i := range bare {
		ratios[i] = ours[i].cpu / bare[i].cpu
	}
	b.ReportMetric(0, "ns/op") // an iteration's length means nothing
	b.ReportMetric(median(bare, func(c loopCost) float64 { return c.cpu }), "bare-µs-cpu/call")
	b.ReportMetric(median(ours, func(c loopCost) float64 { return c.cpu }), "ours-µs-cpu/call")
	b.ReportMetric(median(ratios, func(r float64) float64 { return r }), "cpu-ratio")
	b.ReportMetric(median(bare, func(c loopCost) float64 { return c.allocs }), "bare-allocs/call")
	b.ReportMetric(median(ours, func(c loopCost) float64 { return c.allocs }), "ours-allocs/call")
	b.ReportMetric(median(bare, func(c loopCost) float64 { return c.rate }), "bare-calls/s")
	b.ReportMetric(median(ours, func(c loopCost) float64 { return c.rate }), "ours-calls/s")
}

// loopCost is what one call cost the client: CPU in µs, heap objects.
type loopCost struct{ cpu, allocs, rate float64 }

func cost(before, after bench.Usage, calls int64, took time.Duration) loopCost {
	return loopCost{
		cpu:    float64((after.CPU - before.CPU).Nanoseconds()) / 1e3 / float64(calls),
		allocs: float64(after.Allocs-before.Allocs) / float64(calls),
		rate:   float64(calls) / took.Seconds(),
	}
}

func median[T any](values []T, figure func(T) float64) float64 {
	figures := make([]float64, len(values))
	for i, v := range values {
		figures[i] = figure(v)
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// startBackend runs one idle backend in a process of its own.
func startBackend(b *testing.B) string {
	process, err := spawnSelf(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = process.Close() })
	control, err := fakeserver.DialControl(process.Address(), process.Token(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = control.Close() })
	addresses, err := control.Configure(b.Context(), fakeserver.Default())
	if err != nil {
		b.Fatal(err)
	}
	return addresses[0].Address
}

// bareLoop is the loop that anyone would write with grpc-go alone.
func bareLoop(b *testing.B, address string) loopCost {
	conns := make([]*grpc.ClientConn, overheadChannels)
	for i := range conns {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	var calls atomic.Int64
	var stop atomic.Bool
	var workers sync.WaitGroup
	for i := range overheadWorkers {
		workers.Go(func() {
			client := userpb.NewUserServiceClient(conns[i%len(conns)])
			request := &userpb.GetUserRequest{UserId: "user-00001"}
			for !stop.Load() {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				if _, err := client.GetUser(ctx, request); err != nil {
					b.Error(err)
				}
				cancel()
				calls.Add(1)
			}
		})
	}
	time.Sleep(overheadWarmup)
	before, began, from := bench.ProcessUsage(), time.Now(), calls.Load()
	time.Sleep(overheadMeasure)
	after, took, to := bench.ProcessUsage(), time.Since(began), calls.Load()
	stop.Store(true)
	workers.Wait()
	return cost(before, after, to-from, took)
}

// ourLoop is a scenario with the same figures, run as `grpcbench run` does.
func ourLoop(b *testing.B, address string) loopCost {
	text := fmt.Sprintf(`
name: overhead
target: %s
client: {timeout: 30s, pool: {size: %d}}
load: [{name: reads, call: GetUser, workers: %d}]
trials: 1
warmup: %v
measure: %v
`, address, overheadChannels, overheadWorkers, overheadWarmup, overheadMeasure)
	plan, err := scenario.Read("overhead.yaml", []byte(text), scenario.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := bench.Run(b.Context(), plan, bench.Deps{Usage: bench.ProcessUsage}, bench.Options{})
	if err != nil {
		b.Fatal(err)
	}
	trial := r.Variants[0].Trials[0]
	series := &trial.Series[0]
	if series.Failed() > 0 || trial.Validity.Verdict == result.Invalid {
		b.Fatalf("%d failed calls, %+v", series.Failed(), trial.Validity)
	}
	return loopCost{
		cpu:    float64(trial.Client.CPUNS) / 1e3 / float64(series.Calls),
		allocs: trial.Client.AllocsPerCall,
		rate:   series.AchievedPerS,
	}
}
