package servicetime

import (
	"errors"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Lognormal is the lognormal distribution: the logarithm of the time is normal
// with mean μ and standard deviation σ. Two settings fix it, in one of three
// ways; z is Φ⁻¹(0.99):
//
//   - P50 and P99: μ = ln P50, σ = ln(P99/P50) ÷ z
//   - Average and P99: σ²/2 − zσ + ln(P99/Average) = 0, the smaller root
//   - Median and Sigma: μ = ln Median, σ = Sigma
type Lognormal struct {
	P50     time.Duration `yaml:"p50" json:",omitempty" doc:"median service time; with p99"`
	P99     time.Duration `yaml:"p99" json:",omitempty" doc:"99th percentile of the service time; with p50 or mean"`
	Average time.Duration `yaml:"mean" json:",omitempty" doc:"mean service time; with p99, which is from 1 to 15 times as long"`
	Median  time.Duration `yaml:"median" json:",omitempty" doc:"median service time; with sigma"`
	Sigma   float64       `yaml:"sigma" json:",omitempty" doc:"standard deviation of the time's natural logarithm; with median"`
}

// Draw implements Distribution.
func (l *Lognormal) Draw(s draw.Stream) time.Duration { return l.prepare().Draw(s) }

// prepare implements preparer: μ and σ are the same for every draw.
func (l *Lognormal) prepare() Sampler {
	median, sigma := l.shape()
	return lognormal{median: median, sigma: sigma}
}

// lognormal is a Lognormal worked out: the median in nanoseconds, and σ.
type lognormal struct{ median, sigma float64 }

func (l lognormal) Draw(s draw.Stream) time.Duration {
	u := s.Float64()
	return nanoseconds(l.median * math.Exp(-l.sigma*normalQuantile(1-u)))
}

// Mean implements Distribution: exp(μ + σ²/2).
func (l *Lognormal) Mean() time.Duration {
	median, sigma := l.shape()
	return nanoseconds(median * math.Exp(sigma*sigma/2))
}

// Random implements Distribution.
func (l *Lognormal) Random() bool {
	_, sigma := l.shape()
	return sigma != 0
}

// shape is e^μ, the median in nanoseconds, and σ.
func (l *Lognormal) shape() (median, sigma float64) {
	z := normalQuantile(0.99)
	switch {
	case l.Median != 0:
		return float64(l.Median), l.Sigma
	case l.Average != 0:
		root := z*z - 2*math.Log(float64(l.P99)/float64(l.Average))
		sigma = z - math.Sqrt(max(root, 0))
		return float64(l.Average) * math.Exp(-sigma*sigma/2), sigma
	default:
		return float64(l.P50), math.Log(float64(l.P99)/float64(l.P50)) / z
	}
}

// Validate implements Distribution.
func (l *Lognormal) Validate() error {
	var errs []error
	positive := func(name string, d time.Duration) {
		if d <= 0 {
			errs = append(errs, field.New(name, "must be > 0 (got %v)", d))
		}
	}
	without := func(with string, set map[string]bool) {
		for _, name := range []string{"p50", "p99", "mean", "median", "sigma"} {
			if set[name] {
				errs = append(errs, field.New(name, "must be left out: %s say it all", with))
			}
		}
	}
	switch {
	case l.Median != 0 || l.Sigma != 0:
		positive("median", l.Median)
		if !(l.Sigma >= 0 && l.Sigma <= maxSigma) {
			errs = append(errs, field.New("sigma", "must be from 0 to %d (got %v)", maxSigma, l.Sigma))
		}
		without("median and sigma", map[string]bool{"p50": l.P50 != 0, "p99": l.P99 != 0, "mean": l.Average != 0})
	case l.Average != 0:
		positive("mean", l.Average)
		positive("p99", l.P99)
		z := normalQuantile(0.99)
		if ratio := float64(l.P99) / float64(l.Average); len(errs) == 0 && (ratio < 1 || 2*math.Log(ratio) > z*z) {
			errs = append(errs, field.New("p99", "must be from 1 to %.1f times the mean, %v: no lognormal distribution has both (got %v)",
				math.Exp(z*z/2), l.Average, l.P99))
		}
		without("mean and p99", map[string]bool{"p50": l.P50 != 0})
	default:
		positive("p50", l.P50)
		if positive("p99", l.P99); l.P99 > 0 && l.P99 < l.P50 {
			errs = append(errs, field.New("p99", "must be >= p50, %v (got %v)", l.P50, l.P99))
		}
	}
	return errors.Join(errs...)
}

// maxSigma is far beyond any service: its mean is e³² medians.
const maxSigma = 8
