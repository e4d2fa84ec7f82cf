package load

import "encoding/binary"

// gamma is splitmix64's increment: 2⁶⁴ over the golden ratio, made odd.
const gamma = 0x9e3779b97f4a7c15

// splitmix is the output of splitmix64 (Steele, Lea and Flood 2014, with
// Stafford's mix 13) in state x. It is a bijection of 64-bit words.
func splitmix(x uint64) uint64 {
	x += gamma
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Mix hashes its parts, in order, to 64 bits that look random. Parts that
// differ in any bit, in order or in number give unrelated hashes. The function
// is part of what a seed means: it never changes, and test vectors keep it. It
// does not allocate.
func Mix(parts ...uint64) uint64 {
	h := uint64(len(parts))
	for _, p := range parts {
		h = splitmix(h ^ splitmix(p))
	}
	return h
}

// MixString hashes a seed and a text as Mix hashes numbers.
func MixString(seed uint64, s string) uint64 {
	h := Mix(seed, uint64(len(s)))
	var word [8]byte
	for len(s) > 0 {
		n := copy(word[:], s)
		clear(word[n:])
		h = splitmix(h ^ splitmix(binary.LittleEndian.Uint64(word[:])))
		s = s[n:]
	}
	return h
}
