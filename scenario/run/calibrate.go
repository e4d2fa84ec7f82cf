package run

import (
	"context"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/load"
)

const (
	// What a calibration takes is little beside any trial, and enough for a p99.
	calibrationWarmup = 20 * time.Millisecond
	calibrationOpen   = 200 * time.Millisecond
	calibrationClosed = 30 * time.Millisecond
	// calibrationRate is offered where the plan's is not known, and at least, so
	// that there are calls to rank; calibrationMost at most, so that no plan of a
	// rate beyond the machine holds a run up.
	calibrationRate  = 10_000
	calibrationLeast = 2_000
	calibrationMost  = 20_000
	// clockReadings is how often the clock is read to find its step.
	clockReadings = 1000
)

// calibrate measures what the harness takes for calls that do nothing: the
// engine with its pacing and recording, without driver, client or network. When
// ctx ends before it is done, there is nothing to tell: nil.
func calibrate(ctx context.Context, plan *scenario.Plan, sleep func(context.Context, time.Time) error) (*result.Calibration, error) {
	c := &result.Calibration{RatePerS: calibrationPerS(plan), ClockNS: clockStep()}
	entry := engine.Entry{Name: "null", Method: "null", Kind: result.Unary, NewCaller: func() engine.Caller { return nullCaller{} }}
	open := entry
	open.Process, open.RatePerSecond, open.MaxInFlight = new(load.Poisson), c.RatePerS, 1000
	measured, err := calibrated(ctx, open, calibrationOpen, plan.Seed, sleep)
	if measured == nil {
		return nil, err
	}
	lag, response := measured.Latency[result.Lag], measured.Latency[result.Response]
	c.Calls = measured.Calls
	c.LagP50NS, c.LagP99NS = known(lag.P50NS), known(lag.P99NS)
	c.ResponseP50NS, c.ResponseP99NS = known(response.P50NS), known(response.P99NS)
	closed := entry
	closed.Workers = 1
	measured, err = calibrated(ctx, closed, calibrationClosed, plan.Seed, sleep)
	if measured == nil {
		return nil, err
	}
	c.CallNS = float64(calibrationClosed) / float64(max(1, measured.Calls))
	return c, nil
}

// calibrated is one load entry of null calls; nil when ctx has ended.
func calibrated(ctx context.Context, e engine.Entry, length time.Duration, seed uint64, sleep func(context.Context, time.Time) error) (*result.Series, error) {
	o, err := engine.Run(ctx, engine.Plan{
		Seed: seed, Warmup: calibrationWarmup, Measure: length, Drain: time.Second, Entries: []engine.Entry{e}, Sleep: sleep,
	})
	if ctx.Err() != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &o.Series[0], nil
}

// nullCaller makes calls that are over at once.
type nullCaller struct{}

func (nullCaller) Call(_ context.Context, call *engine.Call) {
	call.Sent = call.Dispatch
	call.Code, call.Picks = "OK", 1
	call.Attempts = append(call.Attempts, result.Attempt{Code: "OK"})
}

// calibrationPerS is the calls per second to calibrate with: those of the first
// variant's open loops together.
func calibrationPerS(plan *scenario.Plan) float64 {
	rate := plan.Variants[0].OpenRate(plan.Measure)
	if rate == 0 {
		return calibrationRate
	}
	return min(max(rate, calibrationLeast), calibrationMost)
}

// clockStep is the smallest step between two readings of the clock that differ.
func clockStep() int64 {
	least := int64(math.MaxInt64)
	last := time.Now()
	for range clockReadings {
		now := time.Now()
		if step := int64(now.Sub(last)); step > 0 {
			least = min(least, step)
		}
		last = now
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// known is a quantile of calls that all succeeded.
func known(ns *int64) int64 {
	if ns == nil {
		return 0
	}
	return *ns
}
