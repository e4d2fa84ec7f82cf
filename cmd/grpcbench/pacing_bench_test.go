package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/heap"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

const (
	pacingRate   = 10_000 // calls/s that any machine should pace
	pacingWarmup = 200 * time.Millisecond
	pacingLength = 800 * time.Millisecond
	// A rate is kept up with when the p99 of lag and the share that was sent are
	// within these.
	maxPacingLag  = time.Millisecond
	minPacingSent = 0.999
)

// BenchmarkPacing measures how well an open loop keeps time against one idle
// backend in a process of its own: at 10,000 calls/s; and the highest rate that
// it keeps up with, to a twentieth of the peak of a closed loop of the same
// client, beside that peak. A rate that failed is tried once more: it is the
// machine that often has something else to do for a moment. Figures are medians
// over the iterations.
//
//	go test -run '^$' -bench Pacing -benchtime 3x ./cmd/grpcbench
func BenchmarkPacing(b *testing.B) {
	heap.Raise()
	address := startBackend(b)
	var steady []paced
	var peaks, highest, shares []float64
	for b.Loop() {
		steady = append(steady, pacedLoop(b, address, pacingRate))
		peak := ourLoop(b, address, "call: GetUser", pacingLength).rate
		// The highest share of the peak, in twentieths: 24 are more than there is.
		low, high := 0, 24
		for try := 16; high-low > 1; try = (low + high) / 2 {
			rate := peak * float64(try) / 20
			kept := pacedLoop(b, address, rate).kept()
			if !kept {
				kept = pacedLoop(b, address, rate).kept()
			}
			if kept {
				low = try
			} else {
				high = try
			}
		}
		share := float64(low) / 20
		peaks, highest, shares = append(peaks, peak), append(highest, share*peak), append(shares, share)
	}
	own := func(x float64) float64 { return x }
	b.ReportMetric(0, "ns/op") // an iteration's length means nothing
	b.ReportMetric(median(steady, func(p paced) float64 { return float64(p.lag.Microseconds()) }), "lag-p99-µs@10k/s")
	b.ReportMetric(median(steady, func(p paced) float64 { return p.sent }), "sent/planned@10k/s")
	b.ReportMetric(median(peaks, own), "closed-peak/s")
	b.ReportMetric(median(highest, own), "open-peak/s")
	b.ReportMetric(median(shares, own), "open/closed")
}

// paced is how well an open loop kept time.
type paced struct {
	lag  time.Duration // p99
	sent float64       // of what was planned
}

func (p paced) kept() bool { return p.lag <= maxPacingLag && p.sent >= minPacingSent }

// pacedLoop is a scenario of an open loop, run as `grpcbench run` does.
func pacedLoop(b *testing.B, address string, rate float64) paced {
	text := fmt.Sprintf(`
name: pacing
target: %s
client: {timeout: 30s, pool: {size: %d}}
load: [{name: reads, call: GetUser, rate: %.0f/s}]
trials: 1
warmup: %v
measure: %v
`, address, overheadChannels, rate, pacingWarmup, pacingLength)
	plan, err := scenario.Read("pacing.yaml", []byte(text), scenario.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := bench.Run(b.Context(), plan, bench.Deps{Usage: bench.ProcessUsage, Sleep: engine.SleepUntil}, bench.Options{})
	if err != nil {
		b.Fatal(err)
	}
	s := &r.Variants[0].Trials[0].Series[0]
	if s.Failed() > 0 {
		b.Fatalf("%d failed calls: %v", s.Failed(), s.Codes)
	}
	p := paced{sent: float64(s.Calls-s.Unfinished) / float64(s.Planned)}
	if lag := s.Latency[result.Lag].P99NS; lag != nil {
		p.lag = time.Duration(*lag)
	}
	return p
}
