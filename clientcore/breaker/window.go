package breaker

import (
	"sync/atomic"
	"time"
)

// buckets is how many parts a window moves in.
const buckets = 10

// window counts the calls that ended lately, by parts of it: what it holds is
// between nine and ten tenths of the window long. A success takes no lock unless
// it is the first of its part.
type window struct {
	part  time.Duration // of one bucket
	parts [buckets]bucket
}

// bucket is the calls that ended in one part. A success that comes while the
// bucket is taken into use for a newer part may be counted in that.
type bucket struct {
	part                atomic.Int64 // the part's number, from 1; 0 is unused
	successes, failures atomic.Int64
}

func newWindow(length time.Duration) *window { return &window{part: length / buckets} }

// at is the bucket of a time, counted from the breaker's beginning, when it is in
// use for that time already.
func (w *window) at(since time.Duration) (b *bucket, part int64, fresh bool) {
	part = int64(since/w.part) + 1
	b = &w.parts[part%buckets]
	return b, part, b.part.Load() == part
}

// use is the bucket of a time, taken into use. The breaker's lock is held.
func (w *window) use(since time.Duration) *bucket {
	b, part, fresh := w.at(since)
	if !fresh && b.part.Load() < part {
		b.successes.Store(0)
		b.failures.Store(0)
		b.part.Store(part)
	}
	return b
}

// sums is the calls that ended within the window before a time.
func (w *window) sums(since time.Duration) (calls, failures int64) {
	now := int64(since/w.part) + 1
	for i := range w.parts {
		if b := &w.parts[i]; b.part.Load() > now-buckets {
			f := b.failures.Load()
			calls += f + b.successes.Load()
			failures += f
		}
	}
	return calls, failures
}

// clear forgets all calls.
func (w *window) clear() {
	for i := range w.parts {
		w.parts[i].part.Store(0)
		w.parts[i].successes.Store(0)
		w.parts[i].failures.Store(0)
	}
}
