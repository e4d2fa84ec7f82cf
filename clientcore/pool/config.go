// Package pool keeps N channels to one target and picks one for each call.
package pool

import "github.com/grpcbench/grpcbench/clientcore/internal/field"

// MaxSize is the most channels that a Config may ask for.
const MaxSize = 1000

// Config is the pool's settings.
type Config struct {
	// Size is the number of channels, 1 to MaxSize. Each holds its own
	// connections: with B backends and round_robin that is Size × B.
	Size int `yaml:"size" doc:"channels; with B backends and round_robin size × B connections"`
}

// Validate reports every setting that is out of range, as errors with a Field.
func (c Config) Validate() error {
	if c.Size < 1 || c.Size > MaxSize {
		return field.Errorf("size", "must be between 1 and %d (got %d)", MaxSize, c.Size)
	}
	return nil
}
