package pool

import (
	"errors"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// MaxSize is the most channels that a Config may ask for.
const MaxSize = 1000

// Config is the pool's settings. Begin with Default; a zero duration or limit
// is none.
type Config struct {
	// Size is the number of channels, 1 to MaxSize. Each holds its own
	// connections: with B backends and round_robin that is Size × B.
	Size int `yaml:"size" doc:"channels; with B backends and round_robin size × B connections"`
	// Lazy leaves each channel unconnected until a pick first falls to it, or
	// WaitReady wants it. The call that was picked for goes to a READY channel
	// where there is one, and else waits on the one that connects.
	Lazy bool `yaml:"lazy" doc:"a channel connects when the first pick falls to it, not at the start"`
	// Pick is how a channel is chosen for a call.
	Pick Pick `yaml:"pick" doc:"how a channel is chosen for a call"`
	// StuckFor is how long a channel is left to fail before it is made anew:
	// the time since it entered TRANSIENT_FAILURE without having been READY or
	// IDLE. Up to a tenth is added at random.
	StuckFor Patience `yaml:"stuck_for" doc:"a channel that fails to connect for this long is made anew; off is never"`
	// MaxAge is how long a channel is used before another takes its place, give
	// or take a tenth at random. Its calls end in peace.
	MaxAge time.Duration `yaml:"max_age" doc:"a channel this old (± 10 %) is replaced, once its replacement is READY; 0 is none"`
	// MaxIdle is how long a channel is kept without a call in flight before it
	// is closed. The one in its place connects as under Lazy.
	MaxIdle time.Duration `yaml:"max_idle" doc:"a channel without a call for this long is closed until it is needed; 0 is none"`
	// MaxInFlight is the most calls and streams that a channel has at a time.
	// Those beyond wait in order of arrival: see FullError.
	MaxInFlight int `yaml:"max_in_flight" doc:"most calls and streams on one channel, others wait their turn; 0 is unlimited"`
}

// Default is one channel, connected from the start, picks by round robin, and a
// new channel in place of one that was stuck for 30 s.
func Default() Config {
	return Config{
		Size:     1,
		Pick:     Pick{RoundRobin: &RoundRobin{}},
		StuckFor: Patience(30 * time.Second),
	}
}

// Validate reports every setting that is out of range, as errors with a Field.
// A Pick without a choice is round_robin.
func (c Config) Validate() error {
	var errs []error
	wrong := func(path, format string, args ...any) {
		errs = append(errs, field.Errorf(path, format, args...))
	}
	if c.Size < 1 || c.Size > MaxSize {
		wrong("size", "must be between 1 and %d (got %d)", MaxSize, c.Size)
	}
	if _, n := c.Pick.chosen(); n > 1 {
		wrong("pick", "must be one of round_robin, least_in_flight, random (got %d of them)", n)
	}
	if c.StuckFor < 0 {
		wrong("stuck_for", "must be > 0, or off (got %v)", c.StuckFor)
	}
	if c.MaxAge < 0 {
		wrong("max_age", "must be >= 0, where 0 is none (got %v)", c.MaxAge)
	}
	if c.MaxIdle < 0 {
		wrong("max_idle", "must be >= 0, where 0 is none (got %v)", c.MaxIdle)
	}
	if c.MaxInFlight < 0 {
		wrong("max_in_flight", "must be >= 0, where 0 is unlimited (got %d)", c.MaxInFlight)
	}
	return errors.Join(errs...)
}
