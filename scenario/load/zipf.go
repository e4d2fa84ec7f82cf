package load

import (
	"math"
	"sort"
)

// Zipf makes key n (from 1) come with weight 1/n^Exponent.
type Zipf struct {
	Exponent float64 `yaml:"exponent" doc:"1 (when left out) is Zipf's law; larger is more uneven"`
}

// SetDefaults implements the decoder's hook.
func (z *Zipf) SetDefaults() { z.Exponent = 1 }

// Validate returns what is wrong.
func (z *Zipf) Validate() []Problem {
	if !(z.Exponent > 0 && z.Exponent <= 10) {
		return []Problem{problem("exponent", "must be > 0 and at most 10 (got %v)", z.Exponent)}
	}
	return nil
}

// sampler inverts the cumulative weights, which it tables once.
func (z *Zipf) sampler(n int) func(uint64) int {
	sums := make([]float64, n)
	total := 0.0
	for i := range sums {
		total += math.Pow(float64(i+1), -z.Exponent)
		sums[i] = total
	}
	return func(seed uint64) int {
		return min(n-1, sort.SearchFloat64s(sums, unit(seed)*total))
	}
}
