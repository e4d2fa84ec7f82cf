package pool

import "math/bits"

// chooser is one way to choose.
type chooser interface {
	// choose is the index of a channel in from, which is not empty; those from
	// awake on are not connected yet. turn counts the choices made so far, seed
	// is the pool's. It takes no lock and changes nothing.
	//
	// load is what the channel's load was when it was the reason of the choice,
	// or anyLoad: the choice is void when that has changed.
	choose(from []*channel, awake int, turn, seed uint64) (index int, load int64)
}

const anyLoad = -1

// choice is one kind of a Pick. The flag is there because an interface that
// holds a nil pointer is not nil.
type choice struct {
	chosen bool
	kind   chooser
}

func (p Pick) chosen() (kind chooser, count int) {
	for _, c := range p.list() {
		if c.chosen {
			kind = c.kind
			count++
		}
	}
	return kind, count
}

// kind is the chooser, round robin where none is chosen.
func (p Pick) kind() chooser {
	if kind, n := p.chosen(); n > 0 {
		return kind
	}
	return &RoundRobin{}
}

// random is the number that turn draws: SplitMix64 (Steele, Lea, Flood: Fast
// splittable pseudorandom number generators, 2014), of which any element can be
// had on its own, so that no lock guards a generator.
func random(turn, seed uint64) uint64 {
	x := seed + (turn+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below is x, uniform over 64 bits, as a number below n.
func below(x uint64, n int) int {
	high, _ := bits.Mul64(x, uint64(n))
	return int(high)
}
