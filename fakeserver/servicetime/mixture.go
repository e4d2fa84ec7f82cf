package servicetime

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Mixture is several kinds of calls behind one method: hits and misses of a
// cache, say.
type Mixture struct {
	Parts []Part `yaml:",value" doc:"the distributions and how much of each"`
}

// Part is one component of a Mixture.
type Part struct {
	// Weight counts against the sum of all weights.
	Weight float64 `yaml:"weight" doc:"how many of the calls, against the sum of all weights"`
	Time   Choice  `yaml:"time" doc:"service time of these calls"`
}

// Draw implements Distribution. The first number says which part, the rest of
// the sequence is that part's.
func (m *Mixture) Draw(s draw.Stream) time.Duration { return m.prepare().Draw(s) }

// prepare implements preparer.
func (m *Mixture) prepare() Sampler {
	total, sum := m.total(), 0.0
	parts := make(mixture, len(m.Parts))
	for i, p := range m.Parts {
		sum += p.Weight
		parts[i] = component{upTo: sum / total, sampler: p.Time.Sampler()}
	}
	return parts
}

// mixture is the parts of a Mixture, by the cumulated share of calls.
type mixture []component

type component struct {
	upTo    float64
	sampler Sampler
}

func (m mixture) Draw(s draw.Stream) time.Duration {
	u := s.Float64()
	for _, c := range m[:len(m)-1] {
		if u < c.upTo {
			return c.sampler.Draw(s)
		}
	}
	return m[len(m)-1].sampler.Draw(s)
}

// Mean implements Distribution: that of the parts' means.
func (m *Mixture) Mean() time.Duration {
	sum := 0.0
	for _, p := range m.Parts {
		sum += p.Weight * float64(p.Time.Mean())
	}
	return nanoseconds(sum / m.total())
}

// Random implements Distribution.
func (m *Mixture) Random() bool { return true }

// load implements filed.
func (m *Mixture) load(folder string) error {
	var errs []error
	for i, p := range m.Parts {
		errs = append(errs, field.Under(fmt.Sprintf("[%d].time", i), p.Time.Load(folder)))
	}
	return errors.Join(errs...)
}

// unread implements filed.
func (m *Mixture) unread() bool {
	return slices.ContainsFunc(m.Parts, func(p Part) bool { return p.Time.Unread() })
}

func (m *Mixture) total() float64 {
	sum := 0.0
	for _, p := range m.Parts {
		sum += p.Weight
	}
	return sum
}

// Validate implements Distribution.
func (m *Mixture) Validate() error {
	var errs []error
	if len(m.Parts) < 2 {
		errs = append(errs, field.New("", "must have at least two parts, such as {weight: 9, time: {fixed: 1ms}} (got %d)", len(m.Parts)))
	}
	for i, p := range m.Parts {
		at := fmt.Sprintf("[%d]", i)
		if !(p.Weight > 0) || math.IsInf(p.Weight, 0) {
			errs = append(errs, field.New(at+".weight", "must be > 0 (got %v)", p.Weight))
		}
		if p.Time.Distribution() == nil {
			errs = append(errs, field.New(at+".time", "must be a distribution, such as {fixed: 1ms}"))
		}
		errs = append(errs, field.Under(at+".time", p.Time.Validate()))
	}
	return errors.Join(errs...)
}
