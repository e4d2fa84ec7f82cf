package pool

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// TestTrapNoLockOverDialOrCall: while a dial and a call take for ever, everything
// else goes on.
func TestTrapNoLockOverDialOrCall(t *testing.T) {
	for _, most := range []int{0, 2} {
		stuck := make(chan struct{}) // ends the dial and the call
		var dials atomic.Int64
		dialling := make(chan struct{})
		d := &dialled{connect: func(c *fakeConn) {
			c.serve = func(context.Context) error { <-stuck; return nil }
			c.set(failing)
		}}
		cfg := config(1, limit(most), func(c *Config) { c.StuckFor = Patience(time.Millisecond) })
		p, err := New(cfg, 1, func(slot int, report func(connectivity.State)) (Conn, error) {
			if dials.Add(1) == 2 {
				close(dialling)
				<-stuck
			}
			return d.dial(slot, report)
		})
		if err != nil {
			t.Fatal(err)
		}
		called := make(chan error, 1)
		go func() { called <- p.Invoke(context.Background(), "/s/M", nil, nil) }()
		<-dialling
		for p.Stats().InFlight == 0 {
			time.Sleep(time.Millisecond)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Stats()
			p.States()
			pickOnce(t, p)
			s, err := p.NewStream(context.Background(), &grpc.StreamDesc{}, "/s/M")
			if err != nil {
				t.Error(err)
			} else {
				s.(*stream).ClientStream.(*fakeStream).end(nil)
			}
			d.all()[0].set(connecting)
			d.all()[0].set(failing)
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := p.WaitReady(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Error("something waits for a dial or a call")
		}
		close(stuck)
		if err := <-called; err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTrapNothingIsLeftAfterClose: a bubble that has a goroutine left does not
// end. New that fails leaves none either.
func TestTrapNothingIsLeftAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dialled{connect: never}
		cfg := config(4, maxAge(time.Minute), maxIdle(time.Minute), stuckFor(time.Second))
		p, err := New(cfg, 1, d.dial)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		n := 0
		if _, err := New(cfg, 1, func(slot int, report func(connectivity.State)) (Conn, error) {
			if n++; n == 3 {
				return nil, errors.New("no")
			}
			return d.dial(slot, report)
		}); err == nil {
			t.Error("New succeeded")
		}
		rebuilds := p.Stats().Rebuilds
		time.Sleep(time.Hour)
		if p.Stats().Rebuilds != rebuilds {
			t.Error("the keeper goes on after Close")
		}
	})
}
