// Package load holds load shapes and arrival processes. It is pure: a seed
// goes in, intended times come out; nothing here reads a clock.
package load

import "time"

// Schedule yields the due times of an open loop, as offsets from the start of
// the phase (t0 for the measurement), never decreasing. Not safe for
// concurrent use.
type Schedule interface {
	Next() time.Duration
}

// Process makes the schedule of one load entry in one phase of one block.
type Process interface {
	// Schedule is a pure function of the rate (calls per second, > 0) and the
	// seed.
	Schedule(ratePerSecond float64, seed uint64) Schedule
}
