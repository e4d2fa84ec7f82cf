package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

func TestFiguresAreRates(t *testing.T) {
	s := speed{warmup: 1200 * time.Millisecond, measure: 1500 * time.Millisecond}
	for second, want := range map[int]string{-2: "100 calls/s", -1: "500 calls/s", 0: "100 calls/s", 1: "200 calls/s", 2: "draining"} {
		i := &result.Interval{Second: second, Series: []result.IntervalSeries{{OK: 90, Failed: 10, P99NS: 12_345_678, InFlight: 3}}}
		if got := s.figures(i); got != want+", p99 12.3 ms, 10 failed, 3 in flight" {
			t.Errorf("second %d: %q, want %s", second, got, want)
		}
	}
}

// TestPlainDisplay writes one line every ten seconds, however often it is told.
func TestPlainDisplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := &plainDisplay{w: &b, speed: speed{measure: time.Minute}, last: time.Now()}
		for second := range 35 {
			time.Sleep(time.Second)
			p.show(bench.Progress{
				Variant: "pool.size=1", Block: 1, Blocks: 2, Phase: bench.Measuring,
				Elapsed: time.Duration(second+1) * time.Second, Remaining: time.Duration(59-second) * time.Second,
				Interval: &result.Interval{Second: second, Series: []result.IntervalSeries{{OK: 10}}},
			})
		}
		p.close()
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if len(lines) != 3 || lines[0] != "10s elapsed, 50s left: block 1/2, pool.size=1, measuring: 10 calls/s, p99 –, 0 failed, 0 in flight" {
			t.Errorf("%d lines:\n%s", len(lines), b.String())
		}
	})
}

// The first line says how long it takes, or how long at most.
func TestPlainDisplayBegins(t *testing.T) {
	for document, want := range map[string]string{
		"measure: 10s":               "x: 6 trials of 2 variants, about 2m24s\n",
		"measure: 10s\ntrials: auto": "x: up to 30 trials of 2 variants, at most 12m0s\n",
	} {
		plan, err := scenario.Read("x.yaml", []byte("fleet: {backends: 1}\nload: [{call: GetUser, rate: 1/s}]\ncompare: {client.pool.size: [1, 2]}\n"+document), scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		newDisplay(&b, plan, false).close()
		if b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	}
}
