// Package pool keeps N channels to one target and picks one for each call.
package pool

// Config is the pool's settings.
type Config struct {
	// Size is the number of channels. Each holds its own connections: with B
	// backends and round_robin that is Size × B.
	Size int `yaml:"size" doc:"channels; with B backends and round_robin size × B connections"`
}
