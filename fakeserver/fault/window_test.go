package fault_test

import (
	"math"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

func TestWindow(t *testing.T) {
	never := time.Duration(-1)
	flap := fault.Rule{At: 5 * sec, For: sec, Every: 3 * sec}
	for _, c := range []struct {
		rule fault.Rule
		at   time.Duration
		open bool
		n    int
		next time.Duration
	}{
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 5*sec - 1, false, -1, 5 * sec},
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 5 * sec, true, 0, 8 * sec},
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 8*sec - 1, true, 0, 8 * sec},
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 8 * sec, false, 0, never},
		{fault.Rule{}, -1, false, -1, 0},
		{fault.Rule{}, 0, true, 0, never},
		{fault.Rule{At: -2 * sec}, -2 * sec, true, 0, never},
		{fault.Rule{At: sec, For: math.MaxInt64}, 2 * sec, true, 0, never},
		{fault.Rule{At: math.MinInt64}, math.MaxInt64, true, 0, never},
		{flap, 5*sec - 1, false, -1, 5 * sec},
		{flap, 5 * sec, true, 0, 6 * sec},
		{flap, 6 * sec, false, 0, 8 * sec},
		{flap, 8*sec - 1, false, 0, 8 * sec},
		{flap, 8 * sec, true, 1, 9 * sec},
		{flap, 5*sec + 3000*sec, true, 1000, 6*sec + 3000*sec},
		{fault.Rule{At: -4 * sec, For: sec, Every: 2 * sec}, -1, false, 1, 0},
		{fault.Rule{At: -4 * sec, For: sec, Every: 2 * sec}, 0, true, 2, sec},
	} {
		n, open := c.rule.Window(c.at)
		if open != c.open || c.rule.Open(c.at) != c.open || n != c.n {
			t.Errorf("%+v at %v: window %d, open = %v", c.rule, c.at, n, open)
		}
		next, ok := c.rule.Next(c.at)
		if c.next == never && !ok {
			continue
		}
		if !ok || next != c.next {
			t.Errorf("%+v at %v: next = %v, %v", c.rule, c.at, next, ok)
		}
	}
}

// What Next says is where Open changes, and nowhere else.
func TestWindowsChangeWhereTheySay(t *testing.T) {
	random := draw.StreamOf(1)
	below := func(n uint64) time.Duration { return time.Duration(random.Uint64() % n) }
	for range 2000 {
		r := fault.Rule{At: below(20) - 10, For: below(5)}
		if r.For > 0 && below(2) == 0 {
			r.Every = r.For + 1 + below(5)
		}
		open := r.Open(-20)
		next, ok := r.Next(-20)
		for at := time.Duration(-19); at < 60; at++ {
			now := r.Open(at)
			if changed := ok && at == next; changed != (now != open) {
				t.Fatalf("%+v: open %v at %v, %v before; a change was announced for %v", r, now, at, open, next)
			}
			open = now
			next, ok = r.Next(at)
		}
	}
}

func TestStagger(t *testing.T) {
	roll := fault.Rule{At: 2 * sec, For: sec, Stagger: 5 * sec}
	for _, c := range []struct {
		backends []int
		backend  int
		at       time.Duration
		ok       bool
	}{
		{nil, 0, 2 * sec, true},
		{nil, 3, 17 * sec, true},
		{[]int{4, 1, 2}, 4, 2 * sec, true}, // in the order in which they are written
		{[]int{4, 1, 2}, 1, 7 * sec, true},
		{[]int{4, 1, 2}, 0, 0, false},
	} {
		r := roll
		r.Where.Backends = c.backends
		own, ok := r.ForBackend(c.backend)
		if ok != c.ok || ok && (own.At != c.at || own.Stagger != 0) {
			t.Errorf("b%d of %v: %v at %v", c.backend, c.backends, ok, own.At)
		}
	}
	if own, ok := (fault.Rule{At: sec, Stagger: math.MaxInt64}).ForBackend(1); ok {
		t.Errorf("a turn after the end of time comes at %v", own.At)
	}
}
