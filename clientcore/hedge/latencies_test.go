package hedge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// Every latency lies in its bucket, and a bucket is no wider than 1/64 of it.
func TestBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	check := func(d time.Duration) {
		i := bucketOf(d)
		if i < 0 || i >= buckets {
			t.Fatalf("%v: bucket %d", d, i)
		}
		if from := bucketFrom(i); i > 0 && float64(d) < from {
			t.Errorf("%v is below its bucket %d, which begins at %v", d, i, from)
		}
		if to := bucketFrom(i + 1); i < buckets-1 && float64(d) >= to {
			t.Errorf("%v is beyond its bucket %d, which ends at %v", d, i, to)
		}
		if from, to := bucketFrom(i), bucketFrom(i+1); i > 0 && i < buckets-1 && to-from > from/64*1.0001 {
			t.Errorf("bucket %d from %v to %v is too wide", i, from, to)
		}
	}
	for bit := range 63 {
		for _, d := range []int64{-1, 0, 1} {
			check(time.Duration(max(0, int64(1)<<bit+d)))
		}
	}
	check(0)
	check(math.MaxInt64)
	for range 100_000 {
		check(time.Duration(random.Int64N(int64(1) << (1 + random.IntN(40)))))
	}
	if bucketOf(-1) != 0 {
		t.Error("a clock that goes back")
	}
}

// Methods beyond a thousand share one account, and to find it makes none.
func TestMethodsBeyondAThousand(t *testing.T) {
	var l Latencies
	for i := range maxAccounts {
		l.of(fmt.Sprint(i), 95)
	}
	shared := l.of("one more", 95)
	if l.of("0", 95) == shared || l.of("and another", 95) != shared || l.of("one more", 99) == shared {
		t.Error("not one account for the methods beyond, of a percentile")
	}
	// Both look-ups put their key on the heap.
	if n := testing.AllocsPerRun(100, func() { l.of("one more", 95) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

// The percentile is that of the latencies themselves, to within 2 %.
func TestPercentile(t *testing.T) {
	for _, percentile := range []float64{1, 50, 90, 95, 99, 99.9} {
		for name, draw := range map[string]func(*rand.Rand) float64{
			"exponential": func(r *rand.Rand) float64 { return r.ExpFloat64() * 5e6 },
			"lognormal":   func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()*1.5) * 3e6 },
			"fixed":       func(*rand.Rand) float64 { return 7e6 },
			"two values":  func(r *rand.Rand) float64 { return []float64{1e6, 900e6}[r.IntN(2)] },
		} {
			t.Run(fmt.Sprintf("p%v of %s", percentile, name), func(t *testing.T) {
				random := rand.New(rand.NewPCG(3, 4))
				a := newAccount(percentile)
				var all []float64
				for n := int64(1); n < a.full; n++ { // all are kept
					d := draw(random)
					all = append(all, d)
					a.note(time.Duration(d))
					if n < a.enough && a.after() != 0 {
						t.Fatalf("a value after %d calls, %d are needed", n, a.enough)
					}
					if n == a.enough && a.after() == 0 {
						t.Fatalf("no value after %d calls", n)
					}
				}
				if a.enough == a.full {
					a.renew()
				}
				seen := all
				if a.enough < a.full {
					seen = all[:len(all)/renewEvery*renewEvery]
				}
				slices.Sort(seen)
				rank := percentile / 100 * float64(len(seen))
				low, high := seen[max(0, int(math.Floor(rank-1e-9))-1)], seen[min(len(seen)-1, int(math.Ceil(rank)))]
				if got := float64(a.after()); got < low*0.98 || got > high*1.02 {
					t.Errorf("%v, want between %v and %v", a.after(), time.Duration(low), time.Duration(high))
				}
			})
		}
	}
}

// It is that of recent calls: when they change, it follows.
func TestPercentileIsRecent(t *testing.T) {
	a := newAccount(95)
	note := func(n int, d time.Duration) {
		for range n {
			a.note(d)
		}
	}
	note(50_000, time.Millisecond)
	if got := a.after(); got > 1020*time.Microsecond {
		t.Errorf("%v after 1 ms each", got)
	}
	note(2000, 100*time.Millisecond)
	if got := a.after(); got < 98*time.Millisecond || got > 102*time.Millisecond {
		t.Errorf("%v, 2000 calls after latencies had become 100 ms", got)
	}
	note(2000+renewEvery, time.Millisecond)
	if got := a.after(); got > 1020*time.Microsecond {
		t.Errorf("%v, 2064 calls after they had become 1 ms again", got)
	}
}

func TestLatenciesOfEachMethod(t *testing.T) {
	var l Latencies
	first := l.of("/a/b", 95)
	if l.of("/a/b", 95) != first || l.of("/a/c", 95) == first || l.of("/a/b", 99) == first {
		t.Error("accounts are mixed up")
	}
	for i := range 2 * maxAccounts {
		l.of(fmt.Sprint(i), 95)
	}
	n := 0
	l.accounts.Range(func(any, any) bool { n++; return true })
	if n > maxAccounts+1 {
		t.Errorf("%d accounts", n)
	}
	if l.of("new", 95) != l.of("newer", 95) {
		t.Error("methods beyond the bound share no account")
	}
}

// All counts add up, whoever notes at the same time.
func TestNoteFromManyGoroutines(t *testing.T) {
	a := newAccount(95)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 5000 {
				a.note(time.Duration(1+(g*5000+i)%100) * time.Millisecond)
				a.after()
			}
		})
	}
	all.Wait()
	if got := a.after(); got < 90*time.Millisecond || got > 99*time.Millisecond {
		t.Errorf("p95 of 1 to 100 ms is %v", got)
	}
}

func BenchmarkNote(b *testing.B) {
	a := newAccount(95)
	random := rand.New(rand.NewPCG(1, 2))
	var draws [1024]time.Duration
	for i := range draws {
		draws[i] = time.Duration(random.ExpFloat64() * 5e6)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.note(draws[i%len(draws)])
	}
}
