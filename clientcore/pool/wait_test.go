package pool

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTrapAChangeIsNotReady: a channel that goes from CONNECTING to
// TRANSIENT_FAILURE has changed, and is not ready.
func TestTrapAChangeIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(2), func(c *fakeConn) { c.set(connecting) })
		one, two := d.all()[0], d.all()[1]
		begun := time.Now()
		done := make(chan error, 1)
		go func() { done <- p.WaitReady(context.Background()) }()
		two.set(ready)
		for _, s := range []state{failing, connecting, failing, idle} {
			time.Sleep(time.Second)
			one.set(s)
			synctest.Wait()
			select {
			case err := <-done:
				t.Fatalf("ready when a channel was %v: %v", s, err)
			default:
			}
		}
		if connects, _, _ := one.count(); connects != 2 {
			t.Errorf("connected %d times: one that became IDLE is to be connected again", connects)
		}
		time.Sleep(time.Second)
		one.set(ready)
		if err := <-done; err != nil || time.Since(begun) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// TestWaitReadyEnds with its context, by Close, and not by a channel that is
// replaced.
func TestWaitReadyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, config(2), never)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := p.WaitReady(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "channel 0 of 2: TRANSIENT_FAILURE, not READY") {
			t.Errorf("got %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = p.Close()
		}()
		if err := p.WaitReady(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, stuckFor(10*time.Second)), func(c *fakeConn) {
			if c.number == 0 {
				c.set(failing)
			} else {
				c.set(ready)
			}
		})
		if err := p.WaitReady(context.Background()); err != nil || len(d.all()) != 2 {
			t.Errorf("%v with %d channels: the wait is for whichever channel is in the slot", err, len(d.all()))
		}
	})
}

// TestWaitReadyConnectsLazyChannels.
func TestWaitReadyConnectsLazyChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, config(3, func(c *Config) { c.Lazy = true }), atOnce)
		if err := p.WaitReady(context.Background()); err != nil || p.Stats().States[ready] != 3 {
			t.Errorf("%v, %s", err, states(p))
		}
	})
}
