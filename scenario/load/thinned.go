package load

import "time"

// Thinned is one kind of call of a mix: of the arrivals of one process, those
// that are drawn for it. All kinds of a mix have the same process and seed, so
// that together they are exactly its arrivals, each once. A Poisson process
// thinned is one again; a metronome is not.
type Thinned struct {
	Of Process
	// Weights are the kinds' shares, in any unit, and Kind is the index of this
	// one.
	Weights []float64
	Kind    int
}

// Schedule implements Process: the rate is that of the whole mix.
func (t *Thinned) Schedule(ratePerSecond float64, seed uint64) Schedule {
	if !(t.Weights[t.Kind] > 0) {
		return Nothing{}
	}
	s := &thinned{all: t.Of.Schedule(ratePerSecond, seed), seed: Mix(seed, purposeKind), of: t}
	for _, w := range t.Weights {
		s.total += w
	}
	return s
}

// purposeKind keeps the draws of kinds apart from those of arrivals.
const purposeKind = 0x6d6978 // "mix"

type thinned struct {
	all   Schedule
	seed  uint64
	of    *Thinned
	total float64
	i     uint64
}

func (s *thinned) Next() time.Duration {
	for {
		at := s.all.Next()
		if at == never {
			return never
		}
		mine := s.kind(s.i) == s.of.Kind
		s.i++
		if mine {
			return at
		}
	}
}

// kind is that of the i-th arrival.
func (s *thinned) kind(i uint64) int {
	u := unit(Mix(s.seed, i)) * s.total
	last := 0
	for k, w := range s.of.Weights {
		if w <= 0 {
			continue
		}
		if last = k; u < w {
			return k
		}
		u -= w
	}
	return last
}
