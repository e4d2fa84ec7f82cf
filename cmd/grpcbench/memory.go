package main

import (
	"os"
	"path/filepath"
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

// Reading and rendering results needs little more than what lives, three times the
// files at most; the collector's usual target would let it grow to twice that.
const (
	renderShare = 2.5
	renderLeast = 120 << 20
)

// boundMemory keeps the rendering of the files, or of the results in their folders,
// within about that. It is no hard limit: what is needed is had.
func boundMemory(files []string) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	var size int64
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && info.IsDir() {
			info, err = os.Stat(filepath.Join(file, resultName))
		}
		if err == nil {
			size += info.Size()
		}
	}
	debug.SetMemoryLimit(max(renderLeast, int64(renderShare*float64(size))))
}
