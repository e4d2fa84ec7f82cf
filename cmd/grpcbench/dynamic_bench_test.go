package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/scenario/heap"
)

// BenchmarkDynamicUnary measures what a call costs the client when its method is
// known by its descriptor only, beside the same call through the generated stub:
// both as grpcbench run makes them, one right after the other and in either order,
// and beside a bare loop over that stub.
// Ratios are estimated as BenchmarkOverhead's are. A static request is
// to cost at most 1.10 times as much; one with templates is there for comparison.
// ghz makes the same calls where it is on PATH: its CPU is of its whole process.
//
//	go test -run '^$' -bench DynamicUnary -benchtime 20x ./cmd/grpcbench
func BenchmarkDynamicUnary(b *testing.B) {
	heap.Raise()
	address := startBackend(b)
	const own = `call: user.v1.UserService/GetUser, request: {user_id: %s}`
	calls := []string{"call: GetUser", fmt.Sprintf(own, "user-00001"), fmt.Sprintf(own, `"user-{{ randInt 10000 99999 }}"`)}
	costs := make([][]loopCost, len(calls)+1) // the last are those of a bare loop
	for i := 0; b.Loop(); i++ {
		order := []int{0, 1, 2, 3}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, n := range order {
			if n == len(calls) {
				costs[n] = append(costs[n], bareLoop(b, address, false))
				continue
			}
			costs[n] = append(costs[n], ourLoop(b, address, calls[n], overheadMeasure))
		}
	}
	cpu := func(c loopCost) float64 { return c.cpu }
	ratio := func(of, to []loopCost) float64 {
		r, _ := cpuRatio(of, to)
		return r
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(costs[0], cpu), "stub-µs-cpu/call")
	b.ReportMetric(median(costs[1], cpu), "static-µs-cpu/call")
	b.ReportMetric(median(costs[2], cpu), "templates-µs-cpu/call")
	b.ReportMetric(ratio(costs[1], costs[0]), "static-cpu-ratio")
	b.ReportMetric(ratio(costs[2], costs[0]), "templates-cpu-ratio")
	b.ReportMetric(ratio(costs[1], costs[3]), "static-to-bare-cpu-ratio")
	allocs := func(c loopCost) float64 { return c.allocs }
	b.ReportMetric(median(costs[0], allocs), "stub-allocs/call")
	b.ReportMetric(median(costs[1], allocs), "static-allocs/call")
	if c, ok := ghzCost(b, address); ok {
		b.ReportMetric(c.cpu, "ghz-µs-cpu/call")
		b.ReportMetric(c.rate, "ghz-calls/s")
	}
	rate := func(c loopCost) float64 { return c.rate }
	b.ReportMetric(median(costs[1], rate), "static-calls/s")
}

// ghzCalls is how many calls ghz makes.
const ghzCalls = 30_000

// ghzCost is what the same calls cost ghz, if it is there.
func ghzCost(b *testing.B, address string) (loopCost, bool) {
	path, err := exec.LookPath("ghz")
	if err != nil {
		return loopCost{}, false
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, path, "--insecure", "--call", "user.v1.UserService/GetUser", "-d", `{"user_id": "user-00001"}`,
		"-c", strconv.Itoa(overheadWorkers), "--connections", strconv.Itoa(overheadChannels), "-n", strconv.Itoa(ghzCalls), "--format", "csv", address)
	c.Stderr = os.Stderr
	began := time.Now()
	if err := c.Run(); err != nil {
		b.Logf("ghz: %v", err)
		return loopCost{}, false
	}
	took := time.Since(began)
	used := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return loopCost{cpu: float64(used.Nanoseconds()) / 1e3 / ghzCalls, rate: ghzCalls / took.Seconds()}, true
}
