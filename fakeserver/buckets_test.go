package fakeserver

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
)

// Each value is in the bucket whose bounds hold it, and no bucket is wider than
// an eighth of what is in it.
func TestBuckets(t *testing.T) {
	below := int64(-1)
	for i := range (buckets{}) {
		most := bucketMax(i)
		for _, v := range []int64{below + 1, most} {
			if got := bucketOf(v); got != i {
				t.Fatalf("%d is in bucket %d, want %d, which is %d to %d", v, got, i, below+1, most)
			}
		}
		if width := most - below; width > 1 && width > (below+1)/8 {
			t.Fatalf("bucket %d is %d wide, from %d", i, width, below+1)
		}
		below = most
	}
	if below < int64(3600e9) {
		t.Errorf("the last bucket ends at %d ns, within an hour", below)
	}
	for _, v := range []int64{math.MaxInt64, below + 1} {
		if got := bucketOf(v); got != len(buckets{})-1 {
			t.Errorf("%d is in bucket %d", v, got)
		}
	}
	if bucketOf(-5) != 0 {
		t.Error("negative values are 0")
	}
	var b buckets
	random, n := draw.StreamOf(1), int64(0)
	for range 1000 {
		b.add(int64(random.Uint64() >> (random.Uint64() % 64)))
	}
	for i, bucket := range b.histogram() {
		n += bucket.Count
		if i > 0 && bucket.Max <= b.histogram()[i-1].Max {
			t.Errorf("bucket %d is out of order", i)
		}
	}
	if n != 1000 {
		t.Errorf("%d values counted, want 1000", n)
	}
	if d := cmp.Diff(Histogram(nil), (&buckets{}).histogram()); d != "" {
		t.Error(d)
	}
}
