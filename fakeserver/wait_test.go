package fakeserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
)

func waiters() map[string]func() waiter {
	return map[string]func() waiter{"timers": func() waiter { return timers{} }, "best": newWaiter}
}

// No wait is too short, whatever others wait for or give up at the same time.
func TestWaiters(t *testing.T) {
	for name, newOne := range waiters() {
		t.Run(name, func(t *testing.T) {
			w := newOne()
			defer w.close()
			var all sync.WaitGroup
			for i := range 300 {
				all.Go(func() {
					s := draw.StreamOf(uint64(i))
					for range 20 {
						d := time.Duration(s.Uint64() % uint64(2*ms))
						limit := time.Duration(s.Uint64() % uint64(4*ms))
						ctx, cancel := timeout(t, limit)
						began := time.Now()
						err := w.wait(ctx, d, nil)
						took := time.Since(began)
						until, _ := ctx.Deadline()
						early := time.Until(until)
						cancel()
						switch {
						case err == nil && took < d:
							t.Errorf("waited %v, not %v", took, d)
						case err != nil && (!errors.Is(err, context.DeadlineExceeded) || early > 0):
							t.Errorf("gave up after %v of %v, %v early: %v", took, d, early, err)
						}
					}
				})
			}
			all.Wait()
			// A long wait ends with its time limit, however busy the machine is.
			limited, stop := timeout(t, ms)
			defer stop()
			if err := w.wait(limited, time.Hour, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the long wait with a limit: %v", err)
			}
			// It neither delays a short one nor outlives its caller.
			ctx, cancel := context.WithCancel(t.Context())
			long := later(ctx, w, time.Hour)
			if err := w.wait(t.Context(), ms, nil); err != nil {
				t.Error(err)
			}
			cancel()
			if err := <-long; !errors.Is(err, context.Canceled) {
				t.Errorf("the long wait: %v", err)
			}
		})
	}
}

func later(ctx context.Context, w waiter, d time.Duration) <-chan error {
	end := make(chan error, 1)
	go func() { end <- w.wait(ctx, d, nil) }()
	return end
}

// How late waits are, in µs: by one caller, and by 16 at a time.
func BenchmarkWait(b *testing.B) {
	for name, newOne := range waiters() {
		for _, callers := range []int{1, 16} {
			for _, d := range []time.Duration{100 * time.Microsecond, ms, 5 * ms} {
				b.Run(fmt.Sprintf("%s/callers=%d/%v", name, callers, d), func(b *testing.B) {
					w := newOne()
					defer w.close()
					late := new(sync.Mutex)
					var sum time.Duration
					var all sync.WaitGroup
					for range callers {
						all.Go(func() {
							var mine time.Duration
							for range b.N {
								began := time.Now()
								_ = w.wait(b.Context(), d, nil)
								mine += time.Since(began) - d
							}
							late.Lock()
							sum += mine
							late.Unlock()
						})
					}
					all.Wait()
					b.ReportMetric(float64(sum)/float64(b.N*callers)/1e3, "late-µs")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
