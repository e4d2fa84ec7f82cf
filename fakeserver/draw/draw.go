// Package draw makes random numbers without state: each is a hash of what it
// is for. A call therefore meets the same service time and the same faults in
// every variant that a benchmark compares, whatever order calls arrive in.
package draw

// Purpose keeps the draws of different things apart. The numbers are part of
// what a seed means: never change one.
type Purpose uint64

// What draws are made for.
const (
	Service Purpose = 1 // the service time of an attempt
	Fault   Purpose = 2 // whether an attempt meets a rule
	Ordinal Purpose = 3 // the identity of a call that carries none
	Network Purpose = 4 // the jitter of a connection
)

// gamma is the increment of splitmix64: 2⁶⁴ ÷ golden ratio, made odd.
const gamma = 0x9e3779b97f4a7c15

// mix is the output function of splitmix64 (Steele, Lea and Flood, "Fast
// splittable pseudorandom number generators", 2014; variant 13 of Stafford).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Mix hashes numbers into one. Their order matters.
func Mix(parts ...uint64) uint64 {
	var h uint64
	for _, p := range parts {
		h = mix(h+gamma) ^ p
		h = mix(h + gamma)
	}
	return h
}

// Hash hashes text: FNV-1a, finished with the function of splitmix64 because
// FNV's high bits alone are weak for short text.
func Hash[T ~string | ~[]byte](text T) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(text); i++ {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return mix(h)
}

// Seed is the root of all draws of one block of a benchmark.
type Seed struct {
	Seed  uint64
	Block uint32
}

// For returns the draws for one purpose of one attempt at one call. rule tells
// several draws for one purpose apart; pass 0 where there is one.
func (s Seed) For(purpose Purpose, rule int, call, attempt uint64) Stream {
	return Stream{state: Mix(s.Seed, uint64(s.Block), uint64(purpose), uint64(rule), call, attempt)}
}

// Stream is an endless sequence of independent numbers. It is a value: a copy
// begins where the original stands.
type Stream struct {
	state uint64
}

// StreamOf returns the sequence of splitmix64 with the given seed.
func StreamOf(seed uint64) Stream { return Stream{state: seed} }

// Uint64 returns the next number of the sequence, all 64 bits random.
func (s *Stream) Uint64() uint64 {
	s.state += gamma
	return mix(s.state)
}

// Float64 returns the next number of the sequence in [0, 1), a multiple of
// 2⁻⁵³.
func (s *Stream) Float64() float64 {
	return float64(s.Uint64()>>11) / (1 << 53)
}
