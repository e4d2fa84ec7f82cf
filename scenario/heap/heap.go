// Package heap sets the garbage collector for a process that measures, or serves
// what is measured.
//
// A collection takes some milliseconds of a processor from the calls, and what is
// late then must be caught up with: on a machine that is nearly busy that shows in
// the 99th percentile. What lives is little, ten megabytes or so, and a call's
// garbage is ten kilobytes: by Go's own target a process that makes 20,000 calls a
// second would collect ten times a second. So the heap may grow to Target percent
// more than what lives, and to Floor in any case, up to Limit in all; from there on
// the collector works as hard as it must.
package heap

import (
	"os"
	"runtime/debug"
	"sync"
)

// The settings on a machine with memory to spare.
const (
	Target    = 400 // per cent, as GOGC
	mostFloor = 512 << 20
	mostLimit = 2 << 30
)

// There is one collector in a process, and so there is one of these.
var (
	mu sync.Mutex
	// ballast counts as living, and is never touched: it takes addresses, but no
	// memory. Go has no setting for the least heap to collect at.
	ballast []byte
	floor   int64
)

// Raise sets target, floor and limit. GOGC, when set in the environment, stands in for
// the first two, GOMEMLIMIT for the last.
func Raise() {
	mu.Lock()
	defer mu.Unlock()
	least, limit := shares(memory())
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(Target)
	// Whatever the limit is: from close below it the collector would never rest.
	least = min(least, debug.SetMemoryLimit(-1)/4)
	if ballast == nil {
		ballast = make([]byte, least/(1+Target/100))
	}
	floor = least
}

// Floor is how large the heap may grow in any case, in bytes; 0 before Raise, and where
// GOGC is set.
func Floor() int64 {
	mu.Lock()
	defer mu.Unlock()
	return floor
}

// shares is floor and limit on a machine or in a container with that much memory, in
// bytes; 0 is unknown. There may be several processes: the fleet's are like this one.
func shares(memory int64) (floor, limit int64) {
	floor, limit = mostFloor, mostLimit
	if memory > 0 {
		floor, limit = min(floor, memory/16), min(limit, memory/2)
	}
	return floor, limit
}
