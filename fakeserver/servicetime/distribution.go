package servicetime

import (
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Sampler draws service times.
type Sampler interface {
	// Draw returns the service time that s stands for: never negative, and the
	// same for the same s.
	Draw(s draw.Stream) time.Duration
}

// Distribution is one way to draw a service time.
type Distribution interface {
	Sampler
	// Mean is the expected value of Draw.
	Mean() time.Duration
	// Random reports whether two streams may give different times.
	Random() bool
	// Validate returns the fields that are wrong, joined.
	Validate() error
}

// Distribution returns the one that is set, or nil.
func (c Choice) Distribution() Distribution {
	_, d := c.chosen()
	return d
}

// preparer is a distribution that draws faster after some work done once.
type preparer interface {
	prepare() Sampler
}

// Sampler returns what draws the service times of many calls, or nil when no
// distribution is set.
func (c Choice) Sampler() Sampler {
	switch d := c.Distribution().(type) {
	case nil:
		return nil
	case preparer:
		return d.prepare()
	default:
		return d
	}
}

// Name is the name of the distribution as a scenario writes it, or "".
func (c Choice) Name() string {
	name, _ := c.chosen()
	return name
}

// Mean is the expected service time; 0 when none is set.
func (c Choice) Mean() time.Duration {
	if d := c.Distribution(); d != nil {
		return d.Mean()
	}
	return 0
}

// Random reports whether calls may differ in their service time.
func (c Choice) Random() bool {
	d := c.Distribution()
	return d != nil && d.Random()
}

// filed is a distribution that may be given by a file.
type filed interface {
	// load reads the file, whose name is taken from folder.
	load(folder string) error
	// unread reports whether load is still to come.
	unread() bool
}

// Load reads the files that the distribution is given by, their names taken
// from folder. Its error is as of Validate. Until then nothing can be drawn.
func (c Choice) Load(folder string) error {
	name, d := c.chosen()
	if f, ok := d.(filed); ok {
		return field.Under(name, f.load(folder))
	}
	return nil
}

// Unread reports whether Load is still to come.
func (c Choice) Unread() bool {
	f, ok := c.Distribution().(filed)
	return ok && f.unread()
}

// Validate returns the fields that are wrong, joined, with paths below the
// name of the distribution.
func (c Choice) Validate() error {
	set := 0
	for _, f := range reflect.ValueOf(c).Fields() {
		if !f.IsNil() {
			set++
		}
	}
	if set > 1 {
		return field.New("", "must be one distribution (got %d)", set)
	}
	name, d := c.chosen()
	if d == nil {
		return nil
	}
	return field.Under(name, d.Validate())
}

// chosen walks the fields so that a distribution is one line in Choice and
// nothing elsewhere. It runs when a fleet is configured, never for a call.
func (c Choice) chosen() (string, Distribution) {
	for f, v := range reflect.ValueOf(c).Fields() {
		if !v.IsNil() {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			return name, v.Interface().(Distribution)
		}
	}
	return "", nil
}

// nanoseconds rounds x to a duration. What no clock could wait for ends at
// about 146 years, so that sums of a few do not overflow.
func nanoseconds(x float64) time.Duration {
	const most = 1 << 62
	switch {
	case !(x > 0):
		return 0
	case x >= most:
		return most
	}
	return time.Duration(math.Round(x))
}

// normalCDF is Φ, the distribution function of the standard normal.
func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// normalQuantile is Φ⁻¹. It is ±Inf at 0 and 1.
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
