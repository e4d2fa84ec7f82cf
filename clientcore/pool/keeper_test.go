package pool

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
)

func stuckFor(d time.Duration) func(*Config) {
	return func(c *Config) { c.StuckFor = Patience(d) }
}

func maxAge(d time.Duration) func(*Config) { return func(c *Config) { c.MaxAge = d } }

func maxIdle(d time.Duration) func(*Config) { return func(c *Config) { c.MaxIdle = d } }

// until is how long it takes for f to hold, looked at each millisecond.
func until(t *testing.T, limit time.Duration, f func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for synctest.Wait(); !f(); synctest.Wait() {
		if time.Since(start) > limit {
			t.Fatalf("not within %v", limit)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(start)
}

// TestStuckChannelIsRebuilt: after StuckFor and up to a tenth more of failing,
// with no heed to grpc-go's going back and forth to CONNECTING.
func TestStuckChannelIsRebuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, stuckFor(30*time.Second)), func(c *fakeConn) {
			c.set(connecting)
			if c.number > 0 {
				c.set(ready)
			}
		})
		first := d.all()[0]
		stop := make(chan struct{})
		go func() {
			for {
				first.set(failing)
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
				}
				first.set(connecting)
			}
		}()
		took := until(t, time.Minute, func() bool { return p.Stats().Rebuilds == 1 })
		within(t, "rebuilt", took, 30*time.Second, 33*time.Second+time.Millisecond)
		close(stop)
		synctest.Wait()
		if len(d.all()) != 2 || p.Stats().States[ready] != 1 {
			t.Fatalf("%d channels were made, states %s", len(d.all()), states(p))
		}
		if _, closes, _ := first.count(); closes != 1 {
			t.Errorf("the stuck channel was closed %d times", closes)
		}
		if c := pickOnce(t, p); c != d.all()[1] {
			t.Error("a call went to the channel that was replaced")
		}
		time.Sleep(10 * time.Minute)
		if s := p.Stats(); s.Rebuilds != 1 {
			t.Errorf("a READY channel was rebuilt: %+v", s)
		}
	})
}

// TestRecoveredChannelIsNotRebuilt: READY or IDLE in between begins the time anew.
func TestRecoveredChannelIsNotRebuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, stuckFor(10*time.Second)), atOnce)
		c := d.all()[0]
		for range 20 {
			c.set(failing)
			time.Sleep(9 * time.Second)
			c.set(ready)
			time.Sleep(time.Second)
			c.set(failing)
			time.Sleep(9 * time.Second)
			c.set(idle)
		}
		synctest.Wait()
		if s := p.Stats(); s.Rebuilds != 0 || len(d.all()) != 1 {
			t.Errorf("%+v, %d channels were made", s, len(d.all()))
		}
	})
}

// TestRebuildOff: off is never.
func TestRebuildOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(2), never)
		time.Sleep(time.Hour)
		if s := p.Stats(); s.Rebuilds != 0 || len(d.all()) != 2 || s.States[failing] != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestRebuildsAreJitteredAndOneAtATime: when all channels fail together, the next
// is not made before the one before it has failed, is READY, or had its time.
func TestRebuildsAreJitteredAndOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8
		begun := time.Now()
		var at []time.Duration // of each rebuild
		p, d := newPool(t, config(size, stuckFor(10*time.Second)), func(c *fakeConn) {
			c.set(connecting)
			if c.number < size {
				c.set(failing)
				return
			}
			at = append(at, time.Since(begun))
			time.AfterFunc(2*time.Second, func() { c.set(ready) })
		})
		until(t, time.Minute, func() bool { return p.Stats().States[ready] == size })
		if p.Stats().Rebuilds != size || len(d.all()) != 2*size {
			t.Errorf("%+v, %d channels were made", p.Stats(), len(d.all()))
		}
		within(t, "the first rebuild", at[0], 10*time.Second, 11*time.Second)
		if at[0] == 10*time.Second {
			t.Error("no jitter")
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap < 2*time.Second {
				t.Errorf("rebuild %d began %v after the one before, which took 2 s to connect", i, gap)
			}
		}
	})
}

// TestTrapFailedRebuildLeavesTheOld: a dial that fails leaves the slot as it was,
// never empty, and is tried again after as long.
func TestTrapFailedRebuildLeavesTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, stuckFor(10*time.Second)), func(c *fakeConn) {
			if c.number == 0 {
				c.set(failing)
			} else {
				c.set(ready)
			}
		})
		first := d.all()[0]
		d.setFail(true)
		time.Sleep(45 * time.Second)
		synctest.Wait()
		if c := pickOnce(t, p); c != first || p.Stats().Rebuilds != 0 {
			t.Errorf("after failed rebuilds: %+v", p.Stats())
		}
		d.setFail(false)
		took := until(t, time.Minute, func() bool { return p.Stats().Rebuilds == 1 })
		if took > 11*time.Second {
			t.Errorf("tried again after %v", took)
		}
		if c := pickOnce(t, p); c == first {
			t.Error("the old channel is still picked")
		}
	})
}

// TestAgedChannelIsRecycled: at MaxAge give or take a tenth, when its replacement
// is READY and not before.
func TestAgedChannelIsRecycled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 6
		begun := time.Now()
		var made []time.Duration
		p, d := newPool(t, config(size, maxAge(time.Minute)), func(c *fakeConn) {
			c.set(connecting)
			if c.number >= size {
				made = append(made, time.Since(begun))
			}
			time.AfterFunc(500*time.Millisecond, func() { c.set(ready) })
		})
		until(t, 2*time.Minute, func() bool {
			if c := pickOnce(t, p); time.Since(begun) > time.Second && c.GetState() != ready {
				t.Fatalf("%v: a call went to a channel that is %v", time.Since(begun), c.GetState())
			}
			return p.Stats().Recycles == size
		})
		apart := 0
		for i, at := range made[:size] {
			within(t, "a replacement was made", at, 54*time.Second, 66*time.Second+size*500*time.Millisecond)
			if i > 0 && at-made[i-1] < 500*time.Millisecond {
				t.Errorf("two replacements at a time: %v", made)
			}
			if i > 0 && at-made[i-1] > 500*time.Millisecond {
				apart++
			}
		}
		if apart == 0 {
			t.Errorf("no jitter: %v", made)
		}
		for _, c := range d.all()[:size] {
			if _, closes, _ := c.count(); closes != 1 {
				t.Errorf("the old channel of slot %d was closed %d times", c.slot, closes)
			}
		}
		if s := p.Stats(); s.States[ready] != size || s.Draining != 0 || s.Rebuilds != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestRecyclingIsGivenUpWhileNothingConnects: the old channel is better than a new
// one that cannot connect.
func TestRecyclingIsGivenUpWhileNothingConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, maxAge(time.Minute)), func(c *fakeConn) {
			if c.number == 0 {
				c.set(ready)
			} else {
				c.set(failing)
			}
		})
		first := d.all()[0]
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if c := pickOnce(t, p); c != first || p.Stats().Recycles != 0 {
			t.Errorf("%+v", p.Stats())
		}
		all := d.all()
		// One attempt takes 10 s, and the next comes 6 s after it.
		if n := len(all) - 1; n < 20 || n > 40 {
			t.Errorf("%d replacements were tried in 9 minutes", n)
		}
		for _, c := range all[1 : len(all)-1] {
			if _, closes, _ := c.count(); closes != 1 {
				t.Errorf("replacement %d was closed %d times", c.number, closes)
			}
		}
	})
}

// TestGracefulDrain: a channel that was replaced is closed after the last of its
// calls and streams, none of which notices.
func TestGracefulDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, maxAge(time.Minute)), atOnce)
		first := d.all()[0]
		finish := make(chan struct{})
		first.mu.Lock()
		first.serve = func(ctx context.Context) error {
			select {
			case <-finish:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		first.mu.Unlock()
		unary := make(chan error, 1)
		go func() { unary <- p.Invoke(context.Background(), "/s/M", nil, nil) }()
		stream, err := p.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true}, "/s/M")
		if err != nil {
			t.Fatal(err)
		}
		until(t, 2*time.Minute, func() bool { return p.Stats().Recycles == 1 })
		if s := p.Stats(); s.Draining != 1 || s.InFlight != 2 || s.States[ready] != 1 {
			t.Errorf("after the replacement: %+v", s)
		}
		if c := pickOnce(t, p); c == first {
			t.Error("a new call went to the channel that drains")
		}
		time.Sleep(10 * time.Second)
		close(finish)
		if err := <-unary; err != nil {
			t.Errorf("the call noticed: %v", err)
		}
		synctest.Wait()
		if _, closes, _ := first.count(); closes != 0 || p.Stats().Draining != 1 {
			t.Fatalf("closed %d times under a stream: %+v", closes, p.Stats())
		}
		for s := range first.streams {
			s.end(io.EOF)
		}
		if err := stream.RecvMsg(nil); err != io.EOF {
			t.Errorf("the stream noticed: %v", err)
		}
		synctest.Wait()
		if _, closes, _ := first.count(); closes != 1 || p.Stats().Draining != 0 || p.Stats().InFlight != 0 {
			t.Errorf("closed %d times after its last call: %+v", closes, p.Stats())
		}
	})
}

// TestCloseEndsDrainingChannels, those that are on trial, and the keeper.
func TestCloseEndsDrainingChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, maxAge(time.Minute)), func(c *fakeConn) {
			c.set(connecting)
			if c.number < 2 {
				c.set(ready)
			}
		})
		held := hold(t, p)
		until(t, 3*time.Minute, func() bool { return len(d.all()) == 3 }) // one drains, one is old, one connects
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		for _, c := range d.all() {
			if _, closes, _ := c.count(); closes != 1 {
				t.Errorf("channel %d was closed %d times", c.number, closes)
			}
		}
		p.end(held) // a call that ends after Close
		time.Sleep(time.Hour)
		if n := len(d.all()); n != 3 {
			t.Errorf("%d channels: made anew after Close", n)
		}
	})
}

// TestCloseWaitsForADial: a dial that is under way ends before Close returns, and
// what it made is closed.
func TestCloseWaitsForADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dialled{connect: func(c *fakeConn) { c.set(failing) }}
		var dialling atomic.Bool
		p, err := New(config(1, stuckFor(10*time.Second)), 1, func(slot int, report func(state)) (Conn, error) {
			if len(d.all()) > 0 {
				dialling.Store(true)
				time.Sleep(5 * time.Second)
				dialling.Store(false)
			}
			return d.dial(slot, report)
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if !dialling.Load() {
			t.Fatal("no dial is under way")
		}
		// No lock is held over it.
		p.Stats()
		pickOnce(t, p)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if dialling.Load() {
			t.Error("Close returned before the dial")
		}
		for _, c := range d.all() {
			if _, closes, _ := c.count(); closes != 1 {
				t.Errorf("channel %d was closed %d times", c.number, closes)
			}
		}
	})
}

// TestIdleChannelIsClosed after MaxIdle without a call, and connected again when
// one needs it.
func TestIdleChannelIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, maxIdle(time.Minute)), atOnce)
		first := d.all()[0]
		held := hold(t, p)
		time.Sleep(5 * time.Minute)
		p.end(held)
		if p.Stats().Idled != 0 {
			t.Fatal("closed under a call")
		}
		took := until(t, 2*time.Minute, func() bool { return p.Stats().Idled == 1 })
		within(t, "closed", took, time.Minute, time.Minute+time.Millisecond)
		synctest.Wait()
		if _, closes, _ := first.count(); closes != 1 {
			t.Errorf("closed %d times", closes)
		}
		second := d.all()[1]
		if connects, _, _ := second.count(); connects != 0 || p.Stats().States[idle] != 1 {
			t.Errorf("the one in its place was connected %d times; %s", connects, states(p))
		}
		time.Sleep(time.Hour)
		if p.Stats().Idled != 1 {
			t.Errorf("a channel that sleeps was closed: %+v", p.Stats())
		}
		if c := pickOnce(t, p); c != second || c.GetState() != ready {
			t.Errorf("the call's channel is %v", c.GetState())
		}
	})
}

// TestBusyChannelIsNotIdle: a call now and then keeps a channel.
func TestBusyChannelIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, config(1, maxIdle(time.Minute)), atOnce)
		for range 100 {
			time.Sleep(59 * time.Second)
			pickOnce(t, p)
		}
		if s := p.Stats(); s.Idled != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestIdleChannelThatGetsACallStays: one that comes while the channel in its
// place is made.
func TestIdleChannelThatGetsACallStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dialled{connect: atOnce}
		var made atomic.Pointer[Pool]
		var held *channel
		p, err := New(config(1, maxIdle(time.Minute)), 1, func(slot int, report func(state)) (Conn, error) {
			if p := made.Load(); p != nil && held == nil {
				held = hold(t, p)
			}
			return d.dial(slot, report)
		})
		if err != nil {
			t.Fatal(err)
		}
		made.Store(p)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		all := d.all()
		if s := p.Stats(); len(all) != 2 || s.Idled != 0 || s.Draining != 0 || s.InFlight != 1 {
			t.Errorf("%d channels were made, %+v", len(all), s)
		}
		if _, closes, _ := all[1].count(); closes != 1 {
			t.Errorf("the one that is not needed was closed %d times", closes)
		}
		p.end(held)
		_ = p.Close()
	})
}

// TestStatsOfAllStates: each of the five states is there, zeros included.
func TestStatsOfAllStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(5), func(*fakeConn) {})
		for i, s := range []state{idle, connecting, ready, failing} {
			d.all()[i].set(s)
		}
		_ = d.all()[4].Close()
		held := hold(t, p)
		s := p.Stats()
		if len(s.States) != 5 || s.Size != 5 || s.InFlight != 1 || s.Picks != 1 {
			t.Errorf("%+v", s)
		}
		for state, n := range s.States {
			if n != 1 {
				t.Errorf("%d channels are %v, want 1", n, state)
			}
		}
		p.end(held)
	})
}
