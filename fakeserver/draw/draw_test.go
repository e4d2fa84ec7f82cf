package draw_test

import (
	"math"
	"testing"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
)

// The numbers are part of what a seed means: a change here makes old results
// impossible to repeat.
func TestVectors(t *testing.T) {
	s := draw.Seed{Seed: 7, Block: 2}.For(draw.Service, 0, draw.Hash("reads/17"), 1)
	got := []uint64{draw.Mix(), draw.Mix(0), draw.Mix(1, 2), draw.Hash(""), draw.Hash("reads/17"), s.Uint64(), s.Uint64()}
	want := []uint64{0x0, 0xa706dd2f4d197e6f, 0xbedb5bf1cd5ec111, 0xf52a15e9a9b5e89b, 0x253a7ab16b78f58, 0x34bfa661d6b8c674, 0x65c16811f6e860ac}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("vector %d = %#x, want %#x", i, got[i], want[i])
		}
	}
}

// Stream is splitmix64: its published first outputs for the seed 1234567.
func TestStreamIsSplitmix64(t *testing.T) {
	s := draw.StreamOf(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := s.Uint64(); got != want {
			t.Errorf("output %d = %d, want %d", i, got, want)
		}
	}
}

func TestDrawsDiffer(t *testing.T) {
	base := draw.Seed{Seed: 1}
	first := func(s draw.Stream) uint64 { return s.Uint64() }
	seen := map[uint64]string{}
	for name, s := range map[string]draw.Stream{
		"base":    base.For(draw.Fault, 0, 5, 1),
		"seed":    draw.Seed{Seed: 2}.For(draw.Fault, 0, 5, 1),
		"block":   draw.Seed{Seed: 1, Block: 1}.For(draw.Fault, 0, 5, 1),
		"purpose": base.For(draw.Service, 0, 5, 1),
		"rule":    base.For(draw.Fault, 1, 5, 1),
		"call":    base.For(draw.Fault, 0, 6, 1),
		"attempt": base.For(draw.Fault, 0, 5, 2),
		"swapped": base.For(draw.Fault, 0, 1, 5),
	} {
		if other, ok := seen[first(s)]; ok {
			t.Errorf("%s and %s draw the same", name, other)
		}
		seen[first(s)] = name
	}
}

// Neighbouring calls must look independent: mean, variance and correlation of
// their first draws.
func TestNeighboursAreIndependent(t *testing.T) {
	const n = 100_000
	var sum, squares, products, last float64
	for i := range uint64(n) {
		s := draw.Seed{Seed: 3}.For(draw.Service, 0, i, 1)
		x := s.Float64() - 0.5
		sum += x
		squares += x * x
		products += x * last
		last = x
	}
	// Standard errors: mean 1/√(12n), variance 1/√(180n), product 1/(12√n).
	if m := sum / n; math.Abs(m) > 4/math.Sqrt(12*n) {
		t.Errorf("mean off by %g", m)
	}
	if v := squares/n - 1.0/12; math.Abs(v) > 4/math.Sqrt(180*n) {
		t.Errorf("variance off by %g", v)
	}
	if c := products / n; math.Abs(c) > 4/(12*math.Sqrt(n)) {
		t.Errorf("neighbours correlate: %g", c)
	}
}
