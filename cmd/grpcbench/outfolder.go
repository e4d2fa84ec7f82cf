package main

import (
	"errors"
	"fmt"
	"io/fs"
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
func makeOutFolder(out, name string) (f outFolder, err error) {
	f = outFolder{path: out, standard: out == ""}
	if f.standard {
		f.path, err = newFolder(filepath.Join("results", name, time.Now().UTC().Format("20060102T150405Z")))
	} else {
		err = os.MkdirAll(out, 0o755)
	}
	if err != nil {
		return f, usageError("--out: %v", err)
	}
	// One that was there may be read only.
	probe, err := os.CreateTemp(f.path, ".result-")
	if err != nil {
		f.abandon()
		return f, usageError("--out: %s cannot be written: %v", f.path, pathError(err))
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return f, nil
}

// newFolder makes a folder that nobody else has: one of that name, with a number
// behind it where another run began in the same second.
func newFolder(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		one := path
		if n > 1 {
			one = fmt.Sprintf("%s-%d", path, n)
		}
		if err := os.Mkdir(one, 0o755); !errors.Is(err, fs.ErrExist) {
			return one, err
		}
	}
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
