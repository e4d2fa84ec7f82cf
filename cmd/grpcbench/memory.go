package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
)

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
