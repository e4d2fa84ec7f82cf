package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// outFolder is where a result is left: where --out says, or below results/NAME.
type outFolder struct {
	path     string
	standard bool // no --out was given
}

// makeOutFolder makes the folder now: not after an hour's run is when to learn of
// one that can't be written.
func makeOutFolder(out, name string) (outFolder, error) {
	f := outFolder{path: out}
	if out == "" {
		f = outFolder{path: filepath.Join("results", name, time.Now().UTC().Format("20060102T150405Z")), standard: true}
	}
	if err := os.MkdirAll(f.path, 0o755); err != nil {
		return f, usageError("--out: %v", err)
	}
	return f, nil
}

func (f outFolder) file() string { return filepath.Join(f.path, resultName) }

// keep writes the result, and makes it the newest of its scenario.
func (f outFolder) keep(r *result.Result) error {
	if err := r.Save(f.file()); err != nil {
		return err
	}
	if f.standard {
		pointToLatest(f.path)
	}
	return nil
}

// abandon removes the folder if it is still empty.
func (f outFolder) abandon() { _ = os.Remove(f.path) }
