package fault

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// A window is counted from t0 on the fleet's clock. It includes At and
// excludes At + For; For 0 lasts to the end. With Every it opens again at
// At + Every, At + 2·Every and so on, as often as the trial has room for.
// Attempts are judged when they arrive. A momentary fault has no For: it happens
// at At, and with Every again and again.

// ForBackend is the rule as one backend meets it, its Stagger spent; ok
// is false when it is not for that backend. The first backend of Where, as
// written, is not late, the next is by Stagger, and so on; without Where they
// go by their numbers.
func (r Rule) ForBackend(backend int) (own Rule, ok bool) {
	place := r.Where.place(backend)
	if place < 0 {
		return r, false
	}
	late := time.Duration(place)
	if r.Stagger > 0 && late > (math.MaxInt64-max(r.At, 0))/r.Stagger {
		return r, false // its turn never comes
	}
	r.At, r.Stagger = r.At+late*r.Stagger, 0
	return r, true
}

// Window says which window is open at a time of the fleet's clock: 0 is the
// first. While none is open it is the last that was, and -1 before the first.
func (r Rule) Window(at time.Duration) (n int, open bool) {
	if at < r.At {
		return -1, false
	}
	since := r.since(at)
	if r.Every > 0 {
		n, since = int(since/r.Every), since%r.Every
	}
	return n, r.For == 0 || since < r.For
}

// Open reports whether a window is open at a time of the fleet's clock.
func (r Rule) Open(at time.Duration) bool {
	_, open := r.Window(at)
	return open
}

// Next returns when, after at, a window next opens or ends; ok is false when
// none ever does.
func (r Rule) Next(at time.Duration) (change time.Duration, ok bool) {
	if at < r.At {
		return r.At, true
	}
	n, open := r.Window(at)
	began := r.At + time.Duration(n)*r.Every
	switch {
	case r.For == 0 && r.Every > 0:
		return later(began, r.Every)
	case r.For == 0:
		return 0, false
	case open:
		return later(began, r.For)
	case r.Every > 0:
		return later(began, r.Every)
	}
	return 0, false
}

// Momentary reports whether the fault happens at a moment and is over: its
// windows have a beginning and no length.
func (r Rule) Momentary() bool {
	_, f := r.Inject.chosen()
	_, momentary := f.(Momentary)
	return momentary
}

// since is how long ago, at a time not before it, the first window opened.
func (r Rule) since(at time.Duration) time.Duration {
	if r.At < 0 && at > math.MaxInt64+r.At {
		return math.MaxInt64
	}
	return at - r.At
}

// later is a + b, where that is a time at all.
func later(a, b time.Duration) (time.Duration, bool) {
	if a > math.MaxInt64-b {
		return 0, false
	}
	return a + b, true
}

func (r Rule) validateWindow() error {
	var errs []error
	if r.For < 0 {
		errs = append(errs, field.New("for", "must be > 0, or left out to last to the end (got %v)", r.For))
	}
	switch {
	case r.Every < 0:
		errs = append(errs, field.New("every", "must be > 0, or left out to happen once (got %v)", r.Every))
	case r.Momentary():
		if r.For != 0 {
			errs = append(errs, field.New("for", "must be left out: %s happens at a moment", r.Inject.Kind()))
		}
	case r.Every > 0 && r.For == 0:
		errs = append(errs, field.New("every", "must come with for: a window that lasts to the end opens once"))
	case r.Every > 0 && r.For >= r.Every:
		errs = append(errs, field.New("every", "must be > for, or the window never closes (got %v, for %v)", r.Every, r.For))
	}
	switch {
	case r.Stagger < 0:
		errs = append(errs, field.New("stagger", "must be >= 0 (got %v); where.backends has the order", r.Stagger))
	case r.Stagger > 0 && len(r.Where.Backends) == 1:
		errs = append(errs, field.New("stagger", "must be left out: where.backends is one backend, and nothing comes after it"))
	}
	return errors.Join(errs...)
}
