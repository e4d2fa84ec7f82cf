package discovery_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// naive is the watch loop that one writes first: a buffered channel, and a
// select that drops what does not fit.
type naive struct{ updates chan []discovery.Endpoint }

func (n naive) Set(endpoints []discovery.Endpoint) {
	select {
	case n.updates <- endpoints:
	default: // full: the newest is dropped
	}
}

// Watch has no way out: nothing looks at ctx.
func (n naive) Watch(_ context.Context, l discovery.Listener) {
	for endpoints := range n.updates {
		l.Update(endpoints)
	}
}

// TestTrapNewestUpdateIsNeverLost has a listener that is busy while endpoints
// change: it may miss what is outdated, and must end up with the newest.
func TestTrapNewestUpdateIsNeverLost(t *testing.T) {
	last := func(t *testing.T, set func([]discovery.Endpoint), watch func(context.Context, discovery.Listener)) string {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		h := &heard{slow: func() { time.Sleep(time.Second) }}
		go watch(ctx, h)
		for i := range 10 {
			set(discovery.Addresses(fmt.Sprintf("a:%d", i)))
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		all := h.all()
		if len(all) == 0 {
			return "nothing"
		}
		return all[len(all)-1]
	}
	synctest.Test(t, func(t *testing.T) {
		r := &discovery.Static{}
		if got := last(t, r.Set, r.Watch); got != "[a:9]" {
			t.Errorf("Static: the last update is %s, want the newest, [a:9]", got)
		}
		r = &discovery.Static{}
		if got := last(t, r.Set, discovery.NewHub(r).Watch); got != "[a:9]" {
			t.Errorf("Hub: the last update is %s, want the newest, [a:9]", got)
		}
		n := naive{make(chan []discovery.Endpoint, 1)}
		if got := last(t, n.Set, n.Watch); got == "[a:9]" {
			t.Error("the naive loop keeps the newest: the test proves nothing")
		}
		close(n.updates)
	})
}

// TestTrapWatchStops ends a watch at each moment of its life: waiting for
// endpoints, telling them, waiting out a failure.
func TestTrapWatchStops(t *testing.T) {
	// stops is whether watch returns by the end of its context.
	stops := func(t *testing.T, watch func(context.Context, discovery.Listener), l discovery.Listener) bool {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			watch(ctx, l)
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	failing := func(ctx context.Context, l discovery.Listener) {
		discovery.DefaultBackoff().Watch(ctx, l, func(context.Context, discovery.Listener) error { return fmt.Errorf("no answer") })
	}
	synctest.Test(t, func(t *testing.T) {
		for name, watch := range map[string]func(context.Context, discovery.Listener){
			"Static without endpoints": (&discovery.Static{}).Watch,
			"Static":                   discovery.NewStatic(discovery.Addresses("a:1")...).Watch,
			"Hub":                      discovery.NewHub(&discovery.Static{}).Watch,
			"Observe":                  discovery.Observe(&discovery.Static{}, &heard{}).Watch,
			"Backoff":                  failing,
			"Hub over a failure":       discovery.NewHub(scripted{failing}).Watch,
		} {
			if !stops(t, watch, &heard{}) {
				t.Errorf("%s: the watch goes on after its context", name)
			}
		}
		n := naive{make(chan []discovery.Endpoint, 1)}
		if stops(t, n.Watch, &heard{}) {
			t.Error("the naive loop stops: the test proves nothing")
		}
		close(n.updates) // what only its owner can do
	})
	// The bubble's end would fail the test for any goroutine that is left.
}
