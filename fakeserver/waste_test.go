package fakeserver

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// sumOf is the time of all seconds.
func sumOf(seconds []WastedSecond) (sum time.Duration) {
	for _, s := range seconds {
		sum += s.Time
	}
	return sum
}

// Wasted work is in the second of the fleet's clock in which it ended: before t0
// all is one, however the clock stands.
func TestWastedSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(20 * sec)})
		// leave is a call that is given up at once, to the nanosecond, after d.
		leave := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			wantCode(t, "the one that leaves", get(ctx, r.clients[0], "x", ""), codes.DeadlineExceeded)
			synctest.Wait()
		}
		leave(300 * ms) // no clock
		r.Start(time.Now().Add(sec), false)
		leave(200 * ms)  // announced
		leave(1900 * ms) // over time: t0 is still to be told
		t0 := time.Now().Add(sec)
		r.Start(t0, true)
		leave(400 * ms)
		before := r.Snapshot()
		leave(500 * ms)
		sleepTo(t0, 900*ms)
		leave(100*ms - 1) // ends in the first second by a nanosecond
		leave(1)          // and this one in the second
		leave(3500 * ms)  // ends in second 4, which has it all
		leave(100 * ms)
		sleepTo(t0, (lastSecond+100)*sec)
		leave(sec)
		now := r.Snapshot()
		want := []WastedSecond{{BeforeStart, 3300 * ms}, {0, 100*ms - 1}, {1, 1}, {4, 3600 * ms}, {lastSecond, sec}}
		if d := cmp.Diff(want, now.Backends[0].WastedSeconds); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		want[0].Time = 500 * ms
		since := now.Sub(before).Backends[0]
		if d := cmp.Diff(want, since.WastedSeconds); d != "" {
			t.Errorf("since the first snapshot (-want +got):\n%s", d)
		}
		for _, s := range []BackendSnapshot{now.Backends[0], since} {
			if sum := sumOf(s.WastedSeconds); sum != s.WastedTime || s.Wasted == 0 {
				t.Errorf("the seconds are %v together, the total of %d is %v", sum, s.Wasted, s.WastedTime)
			}
		}
		must(t, r.Reset(1, 1))
		if got := r.Snapshot().Backends[0].WastedSeconds; got != nil {
			t.Errorf("after a reset there is %v", got)
		}
	})
}

// A service that is wasted costs its slot for as long as it has it, whether it is
// given up or served to its end, also where the backend is slow or stands still.
func TestWasteIsWhatServicesTook(t *testing.T) {
	slow := fault.Rule{Inject: fault.Inject{Slow: &fault.Slow{Speed: 0.25}}}
	frozen := fault.Rule{At: 50 * ms, For: sec, Inject: fault.Inject{Freeze: &fault.Freeze{}}}
	for _, c := range []struct {
		name string
		on   OnCancel
		rule fault.Rule
		want time.Duration
	}{
		{"slow, given up", Stop, slow, 200 * ms},
		{"slow, served", Ignore, slow, 400 * ms},
		{"frozen half-way, given up", Stop, frozen, 200 * ms},
		{"frozen half-way, served", Ignore, frozen, 1100 * ms},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, _ := started(t, Config{Backends: 1, ServiceTime: fixed(100 * ms), OnCancel: c.on, Faults: []fault.Rule{c.rule}})
			ctx, cancel := timeout(t, 200*ms)
			defer cancel()
			wantCode(t, c.name, get(ctx, r.clients[0], "x", ""), codes.DeadlineExceeded)
			time.Sleep(2 * sec)
			synctest.Wait()
			s := r.Snapshot().Backends[0]
			if s.Wasted != 1 || s.WastedTime != c.want || sumOf(s.WastedSeconds) != c.want {
				t.Errorf("%s: %d wasted, %v (by second %v), want %v", c.name, s.Wasted, s.WastedTime, s.WastedSeconds, c.want)
			}
		})
	}
}

// Calls that race add up in each second, and the seconds are those of the total
// whenever they are read.
func TestWasteIsExactWhileCallsRace(t *testing.T) {
	const callers, each = 4, 2000
	c := &clock{}
	w := &waste{clock: c}
	now := time.Now()
	var calls, reader sync.WaitGroup
	over := make(chan struct{})
	reader.Go(func() {
		for {
			_, total, seconds := w.read()
			if sum := sumOf(seconds); sum != total {
				t.Errorf("the seconds are %v together, the total is %v", sum, total)
				return
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	for range callers {
		calls.Go(func() {
			for i := range each {
				// The clock jumps to and fro, so that seconds come out of order.
				c.set(now.Add(-time.Duration(i%7)*time.Second), true)
				w.add(time.Duration(i))
			}
		})
	}
	calls.Wait()
	close(over)
	reader.Wait()
	services, total, seconds := w.read()
	if want := time.Duration(callers * each * (each - 1) / 2); services != callers*each || total != want {
		t.Errorf("%d services of %v, want %d of %v", services, total, callers*each, want)
	}
	for i := 1; i < len(seconds); i++ {
		if seconds[i-1].Second >= seconds[i].Second {
			t.Fatalf("out of order: %v", seconds)
		}
	}
}

// The books of a large fleet after a long day cross the control service.
func TestManyWastedSecondsCross(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, address, _ := controlled(t, "secret")
		c, err := DialControl(address, "secret", n.Dial)
		must(t, err)
		defer c.Close()
		_, err = c.Configure(t.Context(), Config{Backends: 6})
		must(t, err)
		for _, b := range f.backends {
			w := &b.life.books.waste
			w.mu.Lock()
			for second := range lastSecond {
				w.seconds = append(w.seconds, WastedSecond{second, 100 * sec})
			}
			w.mu.Unlock()
		}
		s, err := c.Snapshot(t.Context())
		must(t, err)
		if got := len(s.Backends[5].WastedSeconds); got != lastSecond {
			t.Errorf("%d seconds came, want %d", got, lastSecond)
		}
	})
}
