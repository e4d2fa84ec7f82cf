package load

import (
	"fmt"
	"math"
)

// MaxSize is the largest payload: 1 GiB, within the 32-bit fields of the
// contract.
const MaxSize = 1 << 30

// Sizes is the choice of a distribution of payload sizes: at most one field is
// set.
type Sizes struct {
	Uniform     *UniformSize     `yaml:"uniform" doc:"evenly spread between two sizes" example:"{uniform: {min: 1KiB, max: 8KiB}}"`
	Exponential *ExponentialSize `yaml:"exponential" doc:"many small ones, few large ones" example:"{exponential: {mean: 4KiB}}"`
	Lognormal   *LognormalSize   `yaml:"lognormal" doc:"through a median and a 99th percentile" example:"{lognormal: {p50: 1KiB, p99: 64KiB}}"`
}

// sizing is a kind of Sizes. The text is how a heading writes it.
type sizing interface {
	// size is that of a draw u, uniform on (0, 1): increasing in u.
	size(u float64) float64
	mean() float64
	largest() int64
	text() string
}

func (s Sizes) choice() (name string, kind sizing) {
	switch {
	case s.Uniform != nil:
		return "uniform", s.Uniform
	case s.Exponential != nil:
		return "exponential", s.Exponential
	case s.Lognormal != nil:
		return "lognormal", s.Lognormal
	}
	return "", nil
}

// Name is the name of the kind that is set, or empty when none is.
func (s Sizes) Name() string {
	name, _ := s.choice()
	return name
}

// Sampler draws sizes, each a pure function of a seed; nil when none is set.
func (s Sizes) Sampler() func(seed uint64) int64 {
	_, kind := s.choice()
	if kind == nil {
		return nil
	}
	most := kind.largest()
	return func(seed uint64) int64 {
		return min(most, max(0, int64(math.Round(kind.size(unit(seed))))))
	}
}

// Mean is the mean size, and Largest one that no draw exceeds; 0 when none is
// set.
func (s Sizes) Mean() int64 {
	if _, kind := s.choice(); kind != nil {
		return int64(math.Round(kind.mean()))
	}
	return 0
}

// Largest is a size that no draw exceeds.
func (s Sizes) Largest() int64 {
	if _, kind := s.choice(); kind != nil {
		return kind.largest()
	}
	return 0
}

// String is lognormal p50 1024 B, p99 65536 B; empty when none is set.
func (s Sizes) String() string {
	if name, kind := s.choice(); kind != nil {
		return name + " " + kind.text()
	}
	return ""
}

// Problems is what is wrong with its settings.
func (s Sizes) Problems() []Problem {
	name, kind := s.choice()
	if kind == nil {
		return nil
	}
	return problemsOf(name, kind)
}

func sizeOf(field string, bytes int64) []Problem {
	if bytes < 0 || bytes > MaxSize {
		return []Problem{problem(field, "must be from 0 to 1GiB (got %d bytes)", bytes)}
	}
	return nil
}

// UniformSize is evenly spread over [Min, Max].
type UniformSize struct {
	Min int64 `yaml:"min" unit:"bytes" doc:"smallest size"`
	Max int64 `yaml:"max" unit:"bytes" doc:"largest size"`
}

// Validate returns what is wrong.
func (s *UniformSize) Validate() []Problem {
	out := append(sizeOf("min", s.Min), sizeOf("max", s.Max)...)
	if len(out) == 0 && (s.Max < s.Min || s.Max == 0) {
		out = append(out, problem("max", "must be > 0 and >= min, %d bytes (got %d)", s.Min, s.Max))
	}
	return out
}

func (s *UniformSize) size(u float64) float64 { return float64(s.Min) + u*float64(s.Max-s.Min) }
func (s *UniformSize) mean() float64          { return float64(s.Min+s.Max) / 2 }
func (s *UniformSize) largest() int64         { return s.Max }
func (s *UniformSize) text() string           { return fmt.Sprintf("%d–%d B", s.Min, s.Max) }

// ExponentialSize has a mean; none is larger than 20 times it.
type ExponentialSize struct {
	Size int64 `yaml:"mean" unit:"bytes" doc:"mean size; none is larger than 20 times that"`
}

// Validate returns what is wrong.
func (s *ExponentialSize) Validate() []Problem {
	if out := sizeOf("mean", s.Size); out != nil {
		return out
	}
	if s.Size == 0 {
		return []Problem{problem("mean", "must be > 0 (got 0)")}
	}
	return nil
}

func (s *ExponentialSize) size(u float64) float64 { return -math.Log1p(-u) * float64(s.Size) }
func (s *ExponentialSize) mean() float64          { return float64(s.Size) }
func (s *ExponentialSize) largest() int64         { return min(MaxSize, 20*s.Size) }
func (s *ExponentialSize) text() string           { return fmt.Sprintf("mean %d B", s.Size) }

// LognormalSize goes through its median and its 99th percentile; none is larger
// than 10 times that.
type LognormalSize struct {
	P50 int64 `yaml:"p50" unit:"bytes" doc:"median size"`
	P99 int64 `yaml:"p99" unit:"bytes" doc:"size that 1 % are above; none is larger than 10 times that"`
}

// Validate returns what is wrong.
func (s *LognormalSize) Validate() []Problem {
	out := append(sizeOf("p50", s.P50), sizeOf("p99", s.P99)...)
	if len(out) == 0 && s.P50 == 0 {
		out = append(out, problem("p50", "must be > 0 (got 0)"))
	}
	if len(out) == 0 && s.P99 < s.P50 {
		out = append(out, problem("p99", "must be >= p50, %d bytes (got %d)", s.P50, s.P99))
	}
	return out
}

func (s *LognormalSize) sigma() float64 {
	return math.Log(float64(s.P99)/float64(s.P50)) / normal(0.99)
}
func (s *LognormalSize) size(u float64) float64 {
	return float64(s.P50) * math.Exp(s.sigma()*normal(u))
}
func (s *LognormalSize) mean() float64 {
	return float64(s.P50) * math.Exp(s.sigma()*s.sigma()/2)
}
func (s *LognormalSize) largest() int64 { return min(MaxSize, 10*s.P99) }
func (s *LognormalSize) text() string   { return fmt.Sprintf("p50 %d B, p99 %d B", s.P50, s.P99) }
