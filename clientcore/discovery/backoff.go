package discovery

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// Backoff is the waits of a watch that fails. The n-th failure in a row, counted
// from 1, is followed by min(Base·Multiplier^(n−1), Max)·U(1−Jitter, 1+Jitter).
type Backoff struct {
	Base       time.Duration `yaml:"base" doc:"wait after the first failure"`
	Max        time.Duration `yaml:"max" doc:"longest wait, before jitter"`
	Multiplier float64       `yaml:"multiplier" doc:"growth of the wait"`
	Jitter     float64       `yaml:"jitter" unit:"share" doc:"random part of the wait, either way"`
	Seed       uint64        `yaml:"seed" doc:"what the jitter follows from; 0 is different each time"`
}

// DefaultBackoff is 100 ms, doubling, to 30 s, ±20 %.
func DefaultBackoff() Backoff {
	return Backoff{Base: 100 * time.Millisecond, Max: 30 * time.Second, Multiplier: 2, Jitter: 0.2}
}

// Validate reports each setting that is out of range.
func (b Backoff) Validate() error {
	var errs []error
	if b.Base <= 0 {
		errs = append(errs, field.Errorf("base", "must be > 0 (got %v)", b.Base))
	}
	if b.Max < b.Base {
		errs = append(errs, field.Errorf("max", "must be at least base, %v (got %v)", b.Base, b.Max))
	}
	if !(b.Multiplier >= 1) || math.IsInf(b.Multiplier, 0) {
		errs = append(errs, field.Errorf("multiplier", "must be at least 1 (got %v)", b.Multiplier))
	}
	if !(b.Jitter >= 0 && b.Jitter <= 1) {
		errs = append(errs, field.Errorf("jitter", "must be between 0 and 1 (got %v)", b.Jitter))
	}
	return errors.Join(errs...)
}

// Wait is the wait after the n-th failure in a row. random is in [0, 1) and
// places the wait within the jitter's range.
func (b Backoff) Wait(n int, random float64) time.Duration {
	// In floating point, so that a large power ends at Max.
	wait := min(float64(b.Base)*math.Pow(b.Multiplier, float64(n-1)), float64(b.Max))
	wait *= 1 + b.Jitter*(2*random-1)
	if wait >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(wait)
}

// Waits is the waits one after another, with jitter. The function that it
// returns is for one goroutine.
func (b Backoff) Waits() func(n int) time.Duration {
	seed := b.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	source := rand.New(rand.NewPCG(seed, 0x64697363_6f766572))
	return func(n int) time.Duration { return b.Wait(n, source.Float64()) }
}

// Watch makes a Registry's Watch from one that may fail: it calls once again and
// again until ctx ends, tells l of each error and waits before the next. An
// Update ends a row of failures. Before ctx ends once returns an error, never nil.
func (b Backoff) Watch(ctx context.Context, l Listener, once func(context.Context, Listener) error) {
	waits := b.Waits()
	for failures := 0; ctx.Err() == nil; {
		heard := &hearing{Listener: l}
		err := once(ctx, heard)
		if ctx.Err() != nil {
			return
		}
		if heard.update {
			failures = 0
		}
		failures++
		l.Error(err)
		if !sleep(ctx, waits(failures)) {
			return
		}
	}
}

// hearing notes whether there was an update.
type hearing struct {
	Listener
	update bool
}

func (h *hearing) Update(endpoints []Endpoint) {
	h.update = true
	h.Listener.Update(endpoints)
}

// sleep is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
