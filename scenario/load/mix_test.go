package load_test

import (
	"math/bits"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// TestMixVectors keeps what a seed means: a result of one version can be run
// again with another.
func TestMixVectors(t *testing.T) {
	for _, c := range []struct {
		parts []uint64
		want  uint64
	}{
		{nil, 0},
		{[]uint64{0}, 0x8b4fda8c892b50e},
		{[]uint64{1}, 0xe9fd6049d65af21e},
		{[]uint64{0, 0}, 0x813c937e1785ce47},
		{[]uint64{1, 2}, 0xdf7708f9fcd0ff36},
		{[]uint64{2, 1}, 0x955cab0865903091},
		{[]uint64{7, 1 << 63, 0, 12345678901234567890}, 0x22244c02b68b5f0a},
	} {
		if got := load.Mix(c.parts...); got != c.want {
			t.Errorf("Mix(%d) = %#x, want %#x", c.parts, got, c.want)
		}
	}
	for _, c := range []struct {
		seed uint64
		s    string
		want uint64
	}{
		{0, "", 0x813c937e1785ce47},
		{0, "reads", 0x4e85e48cbf9e0c6a},
		{1, "reads", 0x199b96fa3fa3d4d7},
		{7, "a longer name, of three words", 0x401f3d02eabc21b3},
	} {
		if got := load.MixString(c.seed, c.s); got != c.want {
			t.Errorf("MixString(%d, %q) = %#x, want %#x", c.seed, c.s, got, c.want)
		}
	}
}

func TestMixTellsInputsApart(t *testing.T) {
	seen := make(map[uint64]string)
	add := func(name string, h uint64) {
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[h] = name
	}
	add("()", load.Mix())
	add("(0)", load.Mix(0))
	add("(0,0)", load.Mix(0, 0))
	add("(1,0)", load.Mix(1, 0))
	add("(0,1)", load.Mix(0, 1))
	for _, s := range []string{"", "\x00", "\x00\x00", "ab", "ba", "12345678", "12345678\x00", "123456781"} {
		add(s, load.MixString(3, s))
	}
}

// TestMixAvalanches flips each input bit: about half of the output must flip.
func TestMixAvalanches(t *testing.T) {
	for bit := range 64 {
		flipped := 0
		const n = 1000
		for i := range uint64(n) {
			flipped += bits.OnesCount64(load.Mix(9, i) ^ load.Mix(9, i^1<<bit))
		}
		if mean := float64(flipped) / n; mean < 31 || mean > 33 {
			t.Errorf("bit %d flips %.2f bits of 64", bit, mean)
		}
	}
}

func TestMixDoesNotAllocate(t *testing.T) {
	var sink uint64
	if n := testing.AllocsPerRun(100, func() { sink += load.Mix(1, sink, 3) + load.MixString(sink, "reads") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
