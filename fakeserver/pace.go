package fakeserver

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// pace is how fast one backend works: the product of its own speed and of what
// the faults that it is in make of that. It keeps a work clock, which runs at
// that speed: a service is over when the clock has advanced by the service
// time.
type pace struct {
	own   float64
	plain atomic.Bool // no fault sets a factor

	mu      sync.Mutex
	factors []factor
	since   time.Time     // when the factors last changed
	clock   time.Duration // the work clock then
	changed chan struct{} // closed at the next change
}

// factor is one fault's share of the speed, from a time on.
type factor struct {
	by    any
	ramp  fault.Ramp
	began time.Time
}

// at is the factor at a time.
func (f factor) at(now time.Time) float64 {
	gone := now.Sub(f.began)
	if gone >= f.ramp.Over {
		return f.ramp.To
	}
	return f.ramp.From + (f.ramp.To-f.ramp.From)*float64(max(gone, 0))/float64(f.ramp.Over)
}

func newPace(own float64) *pace {
	p := &pace{own: own, since: time.Now(), changed: make(chan struct{})}
	p.plain.Store(true)
	return p
}

// set makes ramp, beginning now, the factor of by, in place of an earlier one.
func (p *pace) set(by any, ramp fault.Ramp) {
	p.change(by, func(now time.Time) { p.factors = append(p.factors, factor{by: by, ramp: ramp, began: now}) })
}

// unset takes the factor of by away.
func (p *pace) unset(by any) { p.change(by, func(time.Time) {}) }

func (p *pace) change(by any, then func(now time.Time)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.clock, p.since = p.clockAt(now), now
	p.factors = slices.DeleteFunc(p.factors, func(f factor) bool { return f.by == by })
	then(now)
	p.plain.Store(len(p.factors) == 0)
	close(p.changed)
	p.changed = make(chan struct{})
}

// work lets asked pass on the work clock and returns how much did, which is
// more by what the wait was late. Work of no time waits while the speed is 0,
// too. The error is ctx's.
func (p *pace) work(ctx context.Context, w waiter, asked time.Duration) (actual time.Duration, err error) {
	if asked <= 0 && p.plain.Load() {
		return 0, nil
	}
	began := p.read()
	for {
		p.mu.Lock()
		now := time.Now()
		done := p.clockAt(now) - began
		wait, comes := p.until(now, asked-done)
		changed, stopped := p.changed, p.stopped(now)
		p.mu.Unlock()
		switch {
		case done >= asked && (asked > 0 || !stopped):
			return done, nil
		case comes && !stopped:
			err = w.wait(ctx, wait, changed)
		default:
			select {
			case <-changed:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != nil {
			return 0, err
		}
	}
}

// read is the work clock now.
func (p *pace) read() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clockAt(time.Now())
}

// stopped reports whether nothing is done, now and until the next change. mu
// must be held.
func (p *pace) stopped(now time.Time) bool {
	return slices.ContainsFunc(p.factors, func(f factor) bool { return f.ramp.To == 0 && f.at(now) == 0 })
}

// clockAt is the work clock at a time that is not before since. mu must be held.
func (p *pace) clockAt(now time.Time) time.Duration {
	done := p.clock
	for from := p.since; from.Before(now); {
		to, level := p.piece(from, now)
		done += p.between(from, to, level)
		from = to
	}
	return done
}

// until is how long it takes from now until so much work is done, as things
// are; ok is false when that is never. mu must be held.
func (p *pace) until(now time.Time, work time.Duration) (d time.Duration, ok bool) {
	for from := now; ; {
		to, level := p.piece(from, time.Time{})
		if to.IsZero() {
			speed := p.speed(from)
			if speed == 0 {
				return 0, work <= 0
			}
			return from.Sub(now) + ceil(float64(max(work, 0))/speed), true
		}
		if here := p.between(from, to, level); here < work {
			work -= here
			from = to
			continue
		}
		// The clock never runs backwards: halve the piece down to a nanosecond.
		low, high := time.Duration(0), to.Sub(from)
		for low < high {
			middle := low + (high-low)/2
			if p.between(from, from.Add(middle), level) >= work {
				high = middle
			} else {
				low = middle + 1
			}
		}
		return from.Sub(now) + high, true
	}
}

// piece is the end of the stretch from a time on in which every factor is a
// straight line, at most limit (zero is no limit, and what comes back then says
// that the stretch has no end), and whether all of them are level there.
func (p *pace) piece(from, limit time.Time) (to time.Time, level bool) {
	to, level = limit, true
	for _, f := range p.factors {
		if end := f.began.Add(f.ramp.Over); end.After(from) {
			level = level && f.ramp.From == f.ramp.To
			if to.IsZero() || end.Before(to) {
				to = end
			}
		}
	}
	return to, level
}

// speed is the product of all factors.
func (p *pace) speed(at time.Time) float64 {
	s := p.own
	for _, f := range p.factors {
		s *= f.at(at)
	}
	return s
}

// gauss are the points and weights of the Gauss–Legendre quadrature on [0, 1]
// that is exact for polynomials up to degree 5: for five ramps at a time.
var gauss = [...]struct{ at, weight float64 }{
	{0.5 - 0.3872983346207417, 5. / 18}, {0.5, 8. / 18}, {0.5 + 0.3872983346207417, 5. / 18},
}

// between is the work that is done in a piece.
func (p *pace) between(from, to time.Time, level bool) time.Duration {
	d := to.Sub(from)
	if level {
		speed := p.speed(from)
		if speed == 1 {
			return d
		}
		return time.Duration(math.Round(float64(d) * speed))
	}
	sum := 0.0
	for _, g := range gauss {
		sum += g.weight * p.speed(from.Add(time.Duration(g.at*float64(d))))
	}
	return time.Duration(math.Round(float64(d) * sum))
}

// now is the speed at this moment; while it is frozen, the speed that it had.
func (p *pace) now() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.speed(time.Now()); s > 0 {
		return s
	}
	return p.own
}

// ceil is x in whole nanoseconds, rounded up; what no clock could wait for is
// cut off.
func ceil(x float64) time.Duration {
	const most = 1 << 61
	return time.Duration(min(math.Ceil(x), most))
}
