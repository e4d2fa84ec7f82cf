package hedge

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// Latencies is what a client has seen of its calls, for policies that hedge after
// a percentile. It is kept for each method apart, and only of calls whose policy
// asks for a percentile:
//
//   - of a call that was answered and of which no attempt had failed, the time from
//     its first attempt to its answer, whichever attempt that came from;
//   - of a call that was not answered before its deadline, the time that it had: a
//     server that stands still is slow, not to be asked twice as often.
//
// Up to the time after which calls are hedged, that is distributed as the first
// attempts' own latency is: an attempt that loses cannot be seen to its end, but
// to know a percentile it is enough to know how many came later. So the percentile
// settles where it would be without any hedging.
//
// As long as fewer calls were seen than a percentile needs, 10/(1 − q) of them and
// at least 100 (p95: 200, p99: 1000, p99.9: 10,000), calls are not hedged for
// being late. Then it is that of the last 1000 to 2000 calls, more where it needs
// more; it moves on with every 64th. The values are right to within 2 %. A method
// takes 15 KiB; methods beyond a thousand share one account, as in a proxy.
//
// The zero value is ready. All its methods may be called at any time.
type Latencies struct {
	accounts sync.Map // accountKey → *account
	known    atomic.Int64
}

type accountKey struct {
	method     string
	percentile float64
}

const maxAccounts = 1 << 10

// of is the account of a method.
func (l *Latencies) of(method string, percentile float64) *account {
	key := accountKey{method, percentile}
	if a, ok := l.accounts.Load(key); ok {
		return a.(*account)
	}
	if l.known.Load() >= maxAccounts {
		key.method = "" // those beyond
		if a, ok := l.accounts.Load(key); ok {
			return a.(*account)
		}
	}
	a, had := l.accounts.LoadOrStore(key, newAccount(percentile))
	if !had {
		l.known.Add(1)
	}
	return a.(*account)
}

// account is the latencies of the calls of one method, in two halves: calls are
// noted in the newer one until that is full, and then take the place of the older.
type account struct {
	share  float64 // of calls that are to be below the value
	enough int64   // calls before there is a value
	full   int64   // calls in a half

	value atomic.Int64 // nanoseconds; 0 before there is one
	seen  atomic.Int64
	newer atomic.Pointer[histogram]

	mu    sync.Mutex // serialises renewals
	older *histogram
}

const (
	minEnough = 100
	minFull   = 1000
	// renewEvery is a power of two: so many calls share the cost of one look at
	// the histograms.
	renewEvery = 64
)

func newAccount(percentile float64) *account {
	share := percentile / 100
	enough := max(minEnough, int64(math.Ceil(10/(1-share)-1e-6)))
	a := &account{share: share, enough: enough, full: max(minFull, enough), older: &histogram{}}
	a.newer.Store(&histogram{})
	return a
}

// after is the percentile, 0 before there are enough calls.
func (a *account) after() time.Duration { return time.Duration(a.value.Load()) }

// note adds a call.
func (a *account) note(latency time.Duration) {
	a.newer.Load().add(latency)
	if n := a.seen.Add(1); n >= a.enough && (n == a.enough || n%renewEvery == 0) {
		a.renew()
	}
}

// renew works the value out anew, unless someone is at it.
func (a *account) renew() {
	if !a.mu.TryLock() {
		return
	}
	defer a.mu.Unlock()
	newer := a.newer.Load()
	a.value.Store(int64(quantile(a.share, newer, a.older)))
	if newer.count.Load() >= a.full {
		// Who still holds the emptied one adds a call or two to it: they are
		// recent, too.
		a.older.clear()
		a.newer.Store(a.older)
		a.older = newer
	}
}

// histogram counts latencies in buckets whose width is 1/64 of their value.
type histogram struct {
	count   atomic.Int64
	buckets [buckets]atomic.Uint32
}

const (
	subBits = 6  // 2^subBits buckets for each power of two
	minBits = 10 // the first holds what is below 2^minBits ns, 1 µs
	maxBits = 38 // the last what is not below 2^maxBits ns, 275 s
	buckets = (maxBits-minBits)<<subBits + 2
)

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)].Add(1)
	h.count.Add(1)
}

func (h *histogram) clear() {
	h.count.Store(0)
	for i := range h.buckets {
		h.buckets[i].Store(0)
	}
}

// bucketOf is the number of the bucket that holds d.
func bucketOf(d time.Duration) int {
	switch n := uint64(max(d, 0)); {
	case n < 1<<minBits:
		return 0
	case n >= 1<<maxBits:
		return buckets - 1
	default:
		power := bits.Len64(n) - 1
		sub := int(n>>(power-subBits)) - 1<<subBits
		return 1 + (power-minBits)<<subBits + sub
	}
}

// bucketFrom is the least latency, in nanoseconds, that bucket i holds.
func bucketFrom(i int) float64 {
	if i == 0 {
		return 0
	}
	power, sub := (i-1)>>subBits+minBits, (i-1)&(1<<subBits-1)
	return math.Ldexp(1+float64(sub)/(1<<subBits), power)
}

// quantile is the value that a share of the latencies in two histograms is not
// above; within a bucket they are taken to lie evenly.
func quantile(share float64, a, b *histogram) time.Duration {
	var counts [buckets]uint64
	var total uint64
	for i := range counts {
		counts[i] = uint64(a.buckets[i].Load()) + uint64(b.buckets[i].Load())
		total += counts[i]
	}
	rank := share * float64(total)
	below := 0.0
	for i, n := range counts {
		if n := float64(n); below+n >= rank && n > 0 {
			from, to := bucketFrom(i), bucketFrom(i+1)
			if i == buckets-1 {
				return time.Duration(from)
			}
			return max(1, time.Duration(from+(to-from)*(rank-below)/n))
		} else {
			below += n
		}
	}
	return 0
}
