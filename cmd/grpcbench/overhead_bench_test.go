package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
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
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/heap"
	"github.com/grpcbench/grpcbench/scenario/rpc"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

const (
	overheadWorkers  = 50
	overheadChannels = 5
	overheadWarmup   = 200 * time.Millisecond
	overheadMeasure  = 400 * time.Millisecond
)

// BenchmarkOverhead measures what grpcbench itself costs: client CPU and
// allocations per call of its closed loop, beside a bare grpc-go loop that makes
// the same calls with the same timeout, workers, connections and balancing, on the
// same server in another process. Each iteration measures both, one right after the
// other and in every order, so that the machine's moods hit both. The costs are
// medians. Each ratio is estimated as a run's differences are, from the ratios
// iteration by iteration, with its interval of 95 %: hence many short iterations
// rather than few long ones.
//
//	go test -run '^$' -bench Overhead -benchtime 40x ./cmd/grpcbench
func BenchmarkOverhead(b *testing.B) {
	heap.Raise()
	address := startBackend(b)
	var bare, pinned, ours []loopCost
	for i := 0; b.Loop(); i++ {
		loops := []func(){
			func() { bare = append(bare, bareLoop(b, address, false)) },
			func() { ours = append(ours, ourLoop(b, address, "call: GetUser", overheadMeasure)) },
			func() { pinned = append(pinned, bareLoop(b, address, true)) },
		}
		// Each loop is first, second and last as often as the others, and after each
		// of them.
		if i%2 == 1 {
			slices.Reverse(loops)
		}
		first := i / 2 % len(loops)
		for _, loop := range slices.Concat(loops[first:], loops[:first]) {
			loop()
		}
	}
	cpu := func(c loopCost) float64 { return c.cpu }
	allocs := func(c loopCost) float64 { return c.allocs }
	rate := func(c loopCost) float64 { return c.rate }
	b.ReportMetric(0, "ns/op") // an iteration's length means nothing
	b.ReportMetric(median(bare, cpu), "bare-µs-cpu/call")
	b.ReportMetric(median(ours, cpu), "ours-µs-cpu/call")
	b.ReportMetric(median(pinned, cpu), "pinned-µs-cpu/call")
	toBare, i := cpuRatio(ours, bare)
	b.ReportMetric(toBare, "cpu-ratio")
	b.ReportMetric(i.Low, "cpu-ratio-low")
	b.ReportMetric(i.High, "cpu-ratio-high")
	toPinned, _ := cpuRatio(ours, pinned)
	b.ReportMetric(toPinned, "cpu-ratio-to-pinned")
	b.ReportMetric(median(bare, allocs), "bare-allocs/call")
	b.ReportMetric(median(ours, allocs), "ours-allocs/call")
	b.ReportMetric(median(bare, rate), "bare-calls/s")
	b.ReportMetric(median(ours, rate), "ours-calls/s")
	b.ReportMetric(median(pinned, rate), "pinned-calls/s")
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

// cpuRatio estimates by how much a call of one loop takes more CPU than one of another,
// from their ratios iteration by iteration, and the interval that goes with it.
func cpuRatio(of, to []loopCost) (float64, stats.Interval) {
	logs := make([]float64, len(of))
	for i := range of {
		logs[i] = math.Log(of[i].cpu / to[i].cpu)
	}
	middle, i := stats.SignedRank(logs, stats.Level)
	return math.Exp(middle), stats.Interval{Low: math.Exp(i.Low), High: math.Exp(i.High)}
}

// median is that of the values' figures: of an even number the mean of the two in
// the middle, as one of them alone would flatter.
func median[T any](values []T, figure func(T) float64) float64 {
	figures := make([]float64, len(values))
	for i, v := range values {
		figures[i] = figure(v)
	}
	return stats.Median(figures)
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

// bareLoop is the loop that anyone would write with grpc-go alone, for as many users
// as the driver asks for: that is the load, and none of its cost is ours. Calls are
// dealt to the connections in turn, as a pool deals them, or each worker keeps
// to one: the answers that arrive together are then requests that leave
// together, which saves writes and has nothing to do with the cost of a client.
func bareLoop(b *testing.B, address string, pinned bool) loopCost {
	clients := make([]userpb.UserServiceClient, overheadChannels)
	for i := range clients {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		clients[i] = userpb.NewUserServiceClient(conn)
	}
	users := make([]string, rpc.Users)
	for i := range users {
		users[i] = fmt.Sprintf("user-%05d", i)
	}
	var calls, next atomic.Int64
	var stop atomic.Bool
	var workers sync.WaitGroup
	for i := range overheadWorkers {
		workers.Go(func() {
			client := clients[i%len(clients)]
			request := &userpb.GetUserRequest{}
			draws := rand.New(rand.NewPCG(1, uint64(i)))
			for !stop.Load() {
				request.UserId = users[draws.IntN(len(users))]
				if !pinned {
					client = clients[next.Add(1)%overheadChannels]
				}
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

// ourLoop is a scenario with the same figures, run as `grpcbench run` does and measured
// for that long.
func ourLoop(b *testing.B, address, call string, measure time.Duration) loopCost {
	text := fmt.Sprintf(`
name: overhead
target: %s
client: {timeout: 30s, pool: {size: %d}, balance: pick_first}
load: [{name: reads, %s, workers: %d}]
trials: 1
warmup: %v
measure: %v
`, address, overheadChannels, call, overheadWorkers, overheadWarmup, measure)
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
