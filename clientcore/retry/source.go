package retry

import (
	"math/rand/v2"
	"sync"
)

// Source is the random numbers that jitter draws from. It is only asked when an
// attempt has failed.
type Source struct {
	mu   sync.Mutex
	rand *rand.Rand
}

// NewSource is a source whose numbers follow from seed.
func NewSource(seed uint64) *Source {
	return &Source{rand: rand.New(rand.NewPCG(seed, 0x6a697474_65720000))}
}

// Float64 is uniform in [0, 1).
func (s *Source) Float64() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.Float64()
}
