package fakeserver

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// worked runs a service of asked in virtual time, with changes of the speed at
// times of their own, and returns how long it took.
func worked(t *testing.T, own float64, asked time.Duration, changes map[time.Duration]func(*pace)) time.Duration {
	t.Helper()
	var took time.Duration
	synctest.Test(t, func(t *testing.T) {
		p := newPace(own)
		for at, change := range changes {
			if at == 0 {
				change(p)
			} else {
				time.AfterFunc(at, func() { change(p) })
			}
		}
		began := time.Now()
		actual, err := p.work(t.Context(), timers{}, asked)
		must(t, err)
		took = time.Since(began)
		if actual < asked || actual > asked+1 {
			t.Errorf("the work clock went on by %v, not %v", actual, asked)
		}
	})
	return took
}

func TestPace(t *testing.T) {
	a, b := new(fault.Slow), new(fault.Slow)
	set := func(by *fault.Slow, r fault.Ramp) func(*pace) { return func(p *pace) { p.set(by, r) } }
	unset := func(by *fault.Slow) func(*pace) { return func(p *pace) { p.unset(by) } }
	half, stop := fault.Ramp{From: 1, To: 0.5}, fault.Ramp{}
	for _, c := range []struct {
		name    string
		own     float64
		asked   time.Duration
		changes map[time.Duration]func(*pace)
		want    time.Duration
	}{
		{"nothing", 1, 123456789, nil, 123456789},
		{"own speed", 0.5, 100 * ms, nil, 200 * ms},
		{"own speed, above", 4, 100 * ms, nil, 25 * ms},
		{"slow from the start", 1, 100 * ms, map[time.Duration]func(*pace){0: set(a, half)}, 200 * ms},
		{"slow half-way", 1, 100 * ms, map[time.Duration]func(*pace){50 * ms: set(a, half)}, 150 * ms},
		{"slow for a while", 1, 100 * ms, map[time.Duration]func(*pace){20 * ms: set(a, half), 60 * ms: unset(a)}, 120 * ms},
		{"slow twice over", 1, 100 * ms, map[time.Duration]func(*pace){0: set(a, half), 40 * ms: set(b, half), 80 * ms: unset(a)}, 220 * ms},
		{"set again", 1, 100 * ms, map[time.Duration]func(*pace){0: set(a, half), 40 * ms: set(a, fault.Ramp{From: 1, To: 1})}, 120 * ms},
		{"frozen", 1, 123456789, map[time.Duration]func(*pace){50 * ms: set(a, stop), 3 * sec: unset(a)}, 2950*ms + 123456789},
		{"frozen at first", 1, 1, map[time.Duration]func(*pace){0: set(a, stop), sec: unset(a)}, sec + 1},
		{"no work, frozen", 1, 0, map[time.Duration]func(*pace){0: set(a, stop), sec: unset(a)}, sec},
		{"frozen and slow", 0.5, 100 * ms, map[time.Duration]func(*pace){50 * ms: set(a, stop), sec: set(b, half), 2 * sec: unset(a)}, 2*sec + 300*ms},
		// 1 → 0 in 200 ms is 100 ms of work, and never one more.
		{"to a stop", 1, 75 * ms, map[time.Duration]func(*pace){0: set(a, fault.Ramp{From: 1, To: 0, Over: 200 * ms})}, 100 * ms},
		// From 0.2 to 1 in 1 s: 0.6 s of work, then full speed.
		{"slow start", 1, sec, map[time.Duration]func(*pace){0: set(a, fault.Ramp{From: 0.2, To: 1, Over: sec})}, 1400 * ms},
		// ∫ (1 − t/2)² dt from 0 to 1 is 7/12.
		{"two ramps", 1, 7 * sec / 12, map[time.Duration]func(*pace){
			0: func(p *pace) {
				p.set(a, fault.Ramp{From: 1, To: 0.5, Over: sec})
				p.set(b, fault.Ramp{From: 1, To: 0.5, Over: sec})
			}}, sec},
	} {
		got := worked(t, c.own, c.asked, c.changes)
		if d := got - c.want; d < -5 || d > 5 {
			t.Errorf("%s: took %v, want %v", c.name, got, c.want)
		}
	}
}

func TestPaceEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1)
		p.set(p, fault.Ramp{}) // any key
		for _, asked := range []time.Duration{0, sec} {
			ctx, cancel := timeout(t, 10*ms)
			took(t, "the wait", 10*ms, func() {
				if _, err := p.work(ctx, timers{}, asked); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("work of %v: %v", asked, err)
				}
			})
			cancel()
		}
	})
}

// Burning costs processor time at the speed it should, and gives up with its
// caller. Real time: only that it is no quicker than it can be.
func TestBurn(t *testing.T) {
	b := calibrate()
	if b.perMicrosecond < 1 || math.IsInf(b.perMicrosecond, 0) {
		t.Fatalf("%v hashes a microsecond", b.perMicrosecond)
	}
	best := time.Hour
	for range 20 {
		actual, err := b.work(t.Context(), newPace(1), timers{}, 2*ms)
		must(t, err)
		best = min(best, actual)
	}
	if best < ms {
		t.Errorf("2 ms were burnt in %v", best)
	}
	// At half the speed it takes twice as long, as is to be: the work clock, by which
	// it is judged whether the processor had the time, goes half as fast.
	slow := time.Hour
	for range 20 {
		actual, err := b.work(t.Context(), newPace(0.5), timers{}, 2*ms)
		must(t, err)
		slow = min(slow, actual)
	}
	if ratio := float64(slow) / float64(best); ratio > 1.5 {
		t.Errorf("at half the speed it seems %.2f times as late", ratio)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.work(ctx, newPace(1), timers{}, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
