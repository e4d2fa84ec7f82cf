package strict

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
)

// sample is a small scenario that uses every convention of configuration
// structs once.
type sample struct {
	Name     string             `yaml:"name" doc:"what it is called"`
	Seed     uint64             `yaml:"seed"`
	Small    int8               `yaml:"small"`
	Queue    *int               `yaml:"queue" doc:"calls that wait"`
	Ready    bool               `yaml:"ready"`
	Factor   float64            `yaml:"factor"`
	Timeout  time.Duration      `yaml:"timeout" doc:"bound on a call"`
	Size     int64              `yaml:"size" unit:"bytes"`
	Share    float64            `yaml:"share" unit:"share"`
	Chance   *float64           `yaml:"chance" unit:"share"`
	Retry    samplePolicy       `yaml:"retry" doc:"none, or how"`
	Time     sampleTime         `yaml:"service_time"`
	Balance  sampleBalance      `yaml:"balance"`
	Methods  map[string]perCall `yaml:"methods"`
	Baseline map[string]string  `yaml:"baseline"`
	Load     []sampleLoad       `yaml:"load"`
	Mode     sampleMode         `yaml:"mode"`
	Compare  *Node              `yaml:"compare"`
	Keep     *sampleKeepalive   `yaml:"keepalive"`
	sampleInline
	Block  sampleInlined `yaml:",inline"`
	Hidden string        `yaml:"-"`
	Plain  string
}

type sampleInline struct{ Ignored int }

type sampleInlined struct {
	Trials int   `yaml:"trials"`
	Ports  []int `yaml:"ports"`
}

type samplePolicy struct {
	Off      bool          `yaml:"-"`
	Attempts int           `yaml:"attempts"`
	Base     time.Duration `yaml:"base"`
	Max      time.Duration `yaml:"max"`
	Jitter   sampleJitter  `yaml:"jitter"`
	Codes    []codes.Code  `yaml:"codes"`
}

func (p *samplePolicy) Words() []string { return []string{"none"} }

func (p *samplePolicy) UnmarshalText(text []byte) error {
	if string(text) != "none" {
		return fmt.Errorf("must be none (got %s)", text)
	}
	p.Off = true
	return nil
}

type sampleJitter struct {
	None    *struct{}      `yaml:"none" doc:"b itself" example:"none"`
	Percent *samplePercent `yaml:"percent" doc:"b ± p/100" example:"{percent: 10}"`
}

// samplePercent is a value kind with a default: its name alone is enough.
type samplePercent struct {
	P float64 `yaml:",value"`
}

func (p *samplePercent) SetDefaults() { p.P = 25 }

type sampleTime struct {
	Fixed     *sampleFixed     `yaml:"fixed" doc:"always the same" example:"{fixed: 2ms}"`
	Lognormal *sampleLognormal `yaml:"lognormal" doc:"long-tailed" example:"{lognormal: {p50: 2ms, p99: 12ms}}"`
	Quantiles *sampleQuantiles `yaml:"quantiles" doc:"measured" example:"{quantiles: {p50: 3ms}}"`
}

type sampleFixed struct {
	D time.Duration `yaml:",value"`
}

type sampleLognormal struct {
	P50 time.Duration `yaml:"p50"`
	P99 time.Duration `yaml:"p99"`
}

func (l *sampleLognormal) SetDefaults() { l.P50, l.P99 = time.Millisecond, 10*time.Millisecond }

type sampleQuantiles struct {
	Points map[string]time.Duration `yaml:",value"`
}

type sampleBalance struct {
	RoundRobin *struct{}        `yaml:"round_robin" example:"round_robin"`
	PickFirst  *samplePickFirst `yaml:"pick_first" example:"pick_first"`
}

type samplePickFirst struct {
	Shuffle bool `yaml:"shuffle"`
}

type perCall struct {
	Timeout *time.Duration `yaml:"timeout"`
	Retry   *samplePolicy  `yaml:"retry"`
}

type sampleLoad struct {
	Name string  `yaml:"name"`
	Rate float64 `yaml:"rate" unit:"rate"`
	SLO  struct {
		Limit time.Duration `yaml:"limit"`
	} `yaml:"slo"`
}

type sampleMode string

func (m *sampleMode) Words() []string { return []string{"process", "inprocess"} }

func (m *sampleMode) UnmarshalText(text []byte) error {
	*m = sampleMode(text)
	return nil
}

type sampleKeepalive struct {
	Time time.Duration `yaml:"time"`
}

func (k *sampleKeepalive) SetDefaults() { k.Time = 30 * time.Second }

func sampleDefaults() *sample {
	s := &sample{
		Name: "sample", Timeout: 30 * time.Second, Mode: "process", Methods: map[string]perCall{},
		Retry: samplePolicy{Attempts: 3, Base: 100 * time.Millisecond, Jitter: sampleJitter{Percent: &samplePercent{P: 10}}},
	}
	s.Balance.RoundRobin = &struct{}{}
	s.Block.Trials = 8
	return s
}

// sampleError is what a Validate returns.
type sampleError struct{ field, message string }

func (e sampleError) Error() string { return e.message }
func (e sampleError) Field() string { return e.field }

func (s *sample) Validate() error {
	var errs []error
	fail := func(field, format string, args ...any) {
		errs = append(errs, sampleError{field, fmt.Sprintf(format, args...)})
	}
	if s.Retry.Base <= 0 {
		fail("retry.base", "must be > 0 (got %v)", s.Retry.Base)
	}
	if s.Retry.Max < 0 {
		fail("retry.max", "must be >= 0 (got %v)", s.Retry.Max)
	}
	for i, l := range s.Load {
		if l.Rate == 0 {
			fail(fmt.Sprintf("load[%d].rate", i), "must be > 0")
		}
		if l.Rate > 1e6 {
			fail(fmt.Sprintf("load[%d].rate", i), "must be at most 1000000/s (got %v/s)", l.Rate)
		}
	}
	if f := s.Time.Fixed; f != nil && f.D < 0 {
		fail("service_time.fixed", "must be >= 0 (got %v)", f.D)
	}
	if q := s.Time.Quantiles; q != nil && len(q.Points) == 0 {
		fail("service_time.quantiles", "must have at least one quantile")
	}
	if s.Seed == 13 {
		errs = append(errs, errors.New("thirteen is unlucky"))
	}
	return errors.Join(errs...)
}
