package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func limit(n int) func(*Config) { return func(c *Config) { c.MaxInFlight = n } }

// takes is a service time.
func takes(d time.Duration) func(*fakeConn) {
	return func(c *fakeConn) {
		c.serve = func(ctx context.Context) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return status.FromContextError(ctx.Err()).Err()
			}
		}
		c.set(ready)
	}
}

// TestQueueIsFirstInFirstOut: 2 channels of 2 calls of 100 ms each serve calls
// in waves of four in the order in which they came; waits are counted and
// measured.
func TestQueueIsFirstInFirstOut(t *testing.T) {
	for name, pick := range map[string]func(*Config){"round_robin": func(*Config) {}, "least_in_flight": least, "random": atRandom} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := newPool(t, config(2, limit(2), pick), takes(100*time.Millisecond))
				const calls = 18
				var mu sync.Mutex
				ends := map[int]time.Duration{}
				var wg sync.WaitGroup
				begun := time.Now()
				for i := range calls {
					wg.Go(func() {
						if err := p.Invoke(t.Context(), "/s/M", nil, nil); err != nil {
							t.Error(err)
						}
						mu.Lock()
						ends[i] = time.Since(begun)
						mu.Unlock()
					})
					time.Sleep(time.Millisecond)
				}
				if s := p.Stats(); s.InFlight != 4 || s.Waits != calls-4 {
					t.Errorf("%+v, want 4 in flight and %d waits", s, calls-4)
				}
				wg.Wait()
				waited := time.Duration(0)
				for i := range calls {
					// Call i begins when call i − 4 has ended.
					want := time.Duration(i)*time.Millisecond + 100*time.Millisecond
					if i >= 4 {
						want = ends[i-4] + 100*time.Millisecond
						waited += ends[i-4] - time.Duration(i)*time.Millisecond
					}
					if ends[i] != want {
						t.Errorf("call %d ended after %v, want %v", i, ends[i], want)
					}
				}
				if s := p.Stats(); s.Waited != waited || s.Waits != calls-4 || s.InFlight != 0 || s.Picks != calls {
					t.Errorf("%+v, want %v of waits", s, waited)
				}
			})
		})
	}
}

// TestFullError: a call whose time ends in the queue was not sent, says so, and
// leaves the queue to the others.
func TestFullError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, limit(1)), takes(time.Second))
		first := make(chan error, 1)
		go func() { first <- p.Invoke(context.Background(), "/s/M", nil, nil) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		var finished error
		err := p.Invoke(ctx, "/s/M", nil, nil, grpc.OnFinish(func(err error) { finished = err }))
		var full *FullError
		if !errors.As(err, &full) || full.Limit != 1 || full.Waited != 300*time.Millisecond || !errors.Is(err, ErrFull) ||
			!errors.Is(err, context.DeadlineExceeded) || status.Code(err) != codes.DeadlineExceeded || full.Origin() != "pool" {
			t.Errorf("got %#v", err)
		}
		if finished != err {
			t.Errorf("OnFinish was told %v", finished)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		_, err = p.NewStream(cancelled, &grpc.StreamDesc{}, "/s/M")
		if status.Code(err) != codes.Canceled || !errors.Is(err, ErrFull) {
			t.Errorf("cancelled: %v", err)
		}
		begun := time.Now()
		if err := p.Invoke(context.Background(), "/s/M", nil, nil); err != nil || time.Since(begun) != 1600*time.Millisecond {
			t.Errorf("the next call: %v after %v", err, time.Since(begun))
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		if _, _, calls := d.all()[0].count(); calls != 2 {
			t.Errorf("%d calls were sent, want 2", calls)
		}
		if s := p.Stats(); s.Waits != 3 || s.Waited != (300+100+600)*time.Millisecond || s.Picks != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestCloseEndsTheQueue.
func TestCloseEndsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, config(1, limit(1)), atOnce)
		held := hold(t, p)
		errs := make(chan error)
		for range 10 {
			go func() { errs <- p.Invoke(context.Background(), "/s/M", nil, nil) }()
		}
		synctest.Wait()
		_ = p.Close()
		for range 10 {
			if err := <-errs; !errors.Is(err, ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
		p.end(held)
	})
}

// TestQueueIsServedWhenAChannelComes: by one that becomes READY, and by one that
// takes the place of a full one.
func TestQueueIsServedWhenAChannelComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(2, limit(1), maxAge(time.Minute)), func(c *fakeConn) {
			c.set(connecting)
			if c.number != 1 {
				c.set(ready)
			}
		})
		first := hold(t, p)
		served := make(chan *channel, 2)
		wait := func() {
			c, err := p.begin(context.Background())
			if err != nil {
				t.Error(err)
			}
			served <- c
		}
		go wait()
		time.Sleep(time.Second)
		if len(served) != 0 {
			t.Fatal("served by a full channel, or one that is not READY")
		}
		d.all()[1].set(ready)
		second := <-served
		if second == first {
			t.Fatal("two calls on a channel of one")
		}
		go wait()
		time.Sleep(3 * time.Minute) // both are recycled, and drain
		synctest.Wait()
		if len(served) != 1 {
			t.Fatalf("not served by a new channel: %+v", p.Stats())
		}
		third := <-served
		for _, c := range []*channel{first, second, third} {
			p.end(c)
		}
		synctest.Wait()
		if s := p.Stats(); s.InFlight != 0 || s.Draining != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestLazyQueue: a full pool with a channel that sleeps connects that one.
func TestLazyQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(2, limit(1), least, func(c *Config) { c.Lazy = true }), func(c *fakeConn) {
			c.set(connecting)
			time.AfterFunc(time.Second, func() { c.set(ready) })
		})
		one := hold(t, p)
		two := hold(t, p)
		if one == two {
			t.Fatal("two calls on a channel of one")
		}
		for _, c := range d.all() {
			if connects, _, _ := c.count(); connects != 1 {
				t.Errorf("slot %d was connected %d times", c.slot, connects)
			}
		}
		p.end(one)
		p.end(two)
	})
}

// TestQueueAtRandom: many callers with short deadlines, channels that come and
// go. The limit holds at each moment, every call is served or refused, and
// nothing is left.
func TestQueueAtRandom(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size, most = 3, 4
				var mu sync.Mutex
				running, worst := map[*fakeConn]int{}, 0
				p, d := newPool(t, config(size, limit(most), maxAge(300*time.Millisecond), maxIdle(200*time.Millisecond),
					[]func(*Config){func(*Config) {}, least, atRandom}[seed%3]), func(c *fakeConn) {
					c.serve = func(ctx context.Context) error {
						mu.Lock()
						running[c]++
						worst = max(worst, running[c])
						mu.Unlock()
						select {
						case <-time.After(3 * time.Millisecond):
						case <-ctx.Done():
						}
						mu.Lock()
						running[c]--
						mu.Unlock()
						return status.FromContextError(ctx.Err()).Err()
					}
					c.set(connecting)
					time.AfterFunc(time.Millisecond, func() { c.set(ready) })
				})
				var wg sync.WaitGroup
				var ok, full, late int
				for caller := range 30 {
					wg.Go(func() {
						r := rand.New(rand.NewPCG(seed, uint64(caller)))
						for range 60 {
							ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+r.IntN(20))*time.Millisecond)
							err := p.Invoke(ctx, "/s/M", nil, nil)
							cancel()
							mu.Lock()
							switch {
							case err == nil:
								ok++
							case errors.Is(err, ErrFull):
								full++
							case status.Code(err) == codes.DeadlineExceeded:
								late++
							default:
								t.Errorf("got %v", err)
							}
							mu.Unlock()
							if r.IntN(20) == 0 {
								time.Sleep(time.Duration(r.IntN(600)) * time.Millisecond)
							}
						}
					})
				}
				wg.Wait()
				if ok+full+late != 30*60 || ok == 0 || full == 0 {
					t.Errorf("%d served, %d refused, %d late", ok, full, late)
				}
				if worst > most {
					t.Errorf("%d calls on one channel, of at most %d", worst, most)
				}
				s := p.Stats()
				if s.InFlight != 0 || s.Picks != int64(ok+late) || s.Recycles+s.Idled == 0 {
					t.Errorf("%+v with %d calls sent", s, ok+late)
				}
				p.mu.Lock()
				if p.queue.waiters.Len() != 0 {
					t.Errorf("%d calls are left in the queue", p.queue.waiters.Len())
				}
				p.mu.Unlock()
				total := 0
				for _, c := range d.all() {
					_, _, calls := c.count()
					total += calls
				}
				if total != ok+late {
					t.Errorf("%d calls were sent, %d ended", total, ok+late)
				}
			})
		})
	}
}

// TestStreamsHoldTheirPlace until they end, however they do.
func TestStreamsHoldTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(1, limit(3)), atOnce)
		open := func(ctx context.Context) grpc.ClientStream {
			s, err := p.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/s/M")
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		inFlight := func(want int64) {
			t.Helper()
			synctest.Wait()
			if got := p.Stats().InFlight; got != want {
				t.Errorf("%d in flight, want %d", got, want)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		open(ctx)
		s := open(context.Background())
		inFlight(2)
		cancel()
		inFlight(1)
		d.all()[0].mu.Lock()
		rest := d.all()[0].streams
		d.all()[0].mu.Unlock()
		for fake := range rest {
			fake.end(errors.New("lost"))
		}
		inFlight(0)
		_ = s.RecvMsg(nil) // its end is not counted twice
		inFlight(0)
		// A stream that does not open gives its place back.
		_ = d.all()[0].Close()
		if _, err := p.NewStream(context.Background(), &grpc.StreamDesc{}, "/s/M"); err == nil {
			t.Error("opened on a closed channel")
		}
		inFlight(0)
	})
}

// TestNoOneIsPassedOver: while calls wait, a new one does not take room that is
// theirs.
func TestNoOneIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, config(1, limit(1)), atOnce)
		held := hold(t, p)
		var order []int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				c, err := p.begin(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				p.end(c)
			})
			synctest.Wait()
		}
		p.end(held)
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 50 {
			t.Errorf("served in the order %v", order)
		}
	})
}

// TestServedAtTheLastInstant: a call whose time ends at the instant at which it
// is served takes its place or gives it back.
func TestServedAtTheLastInstant(t *testing.T) {
	p, _ := newPool(t, config(1, limit(1)), atOnce)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	given := 0
	for range 100 {
		c := hold(t, p)
		w := &waiter{done: make(chan struct{}), channel: c}
		close(w.done)
		if got, err := p.await(ended, w); err == nil {
			given++
			p.end(got)
		} else if !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		if s := p.Stats(); s.InFlight != 0 || s.Picks != int64(given) {
			t.Fatalf("%+v after %d calls were given a channel", s, given)
		}
	}
	if given == 0 || given == 100 {
		t.Errorf("%d of 100 were given a channel: this test shows nothing", given)
	}
}
