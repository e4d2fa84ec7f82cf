package main

import (
	"os"
	"runtime/debug"
)

// A collection steals time from the calls that are being measured, so the
// heap may grow to gcPercent more than what lives, up to gcLimit in all; from
// there on the collector works as hard as it must. GOGC and GOMEMLIMIT, when
// set, count instead. The result records what was in force.
const (
	gcPercent = 400
	gcLimit   = 2 << 30
)

func raiseGCTarget() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(gcLimit)
	}
}
