package retry

import "sync/atomic"

// bucket is the tokens of gRFC A6, in thousandths.
type bucket struct {
	full, ratio int64
	tokens      atomic.Int64
}

func newBucket(full, ratio int64) *bucket {
	b := &bucket{full: full, ratio: ratio}
	b.tokens.Store(full)
	return b
}

func (b *bucket) call() {}

func (b *bucket) succeeded() {
	for {
		now := b.tokens.Load()
		if now >= b.full || b.tokens.CompareAndSwap(now, min(now+b.ratio, b.full)) {
			return
		}
	}
}

func (b *bucket) failed() {
	for {
		now := b.tokens.Load()
		if b.tokens.CompareAndSwap(now, max(now-1000, 0)) {
			return
		}
	}
}

func (b *bucket) allow() bool { return 2*b.tokens.Load() > b.full }
