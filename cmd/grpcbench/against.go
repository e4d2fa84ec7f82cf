package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/plain"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

// againstFlags name another build of grpcbench to compare this one with.
type againstFlags struct{ path, name string }

func (f *againstFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.path, "against", "", "`BINARY` of another build of grpcbench, which runs the same trials and is the baseline")
	c.Flags().StringVar(&f.name, "against-name", "", "`NAME` of the other build (default what sets it apart: the version of grpc-go, grpcbench or Go)")
}

// start starts both builds, each in a process of its own so that neither is at an
// advantage, and has the plan compare them. Without --against it is nil.
func (f *againstFlags) start(ctx context.Context, flags *scenarioFlags) (*bench.Pair, error) {
	if f.path == "" {
		if f.name != "" {
			return nil, usageError("--against-name names the build of --against, which is not given")
		}
		return nil, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, internalError(err)
	}
	pair := &bench.Pair{}
	for _, one := range []struct {
		path  string
		build **bench.Build
	}{{f.path, &pair.Other}, {self, &pair.This}} {
		build, err := bench.StartBuild(ctx, exec.Command(one.path, trialsCommandName))
		if err != nil {
			pair.Close()
			return nil, f.mistake(ctx, one.path, err)
		}
		*one.build = build
	}
	pair.Names = buildNames(pair.This.Environment, pair.Other.Environment)
	if f.name != "" {
		pair.Names.Other = f.name
	}
	if pair.Names.This == pair.Names.Other {
		pair.Close()
		return nil, usageError("--against-name: this build is called %s already", f.name)
	}
	flags.builds = &pair.Names
	return pair, nil
}

// agree has both builds read the scenario.
func (f *againstFlags) agree(ctx context.Context, pair *bench.Pair, file string, flags *scenarioFlags) error {
	if pair == nil {
		return nil
	}
	text, err := readText(file)
	if err != nil {
		return err
	}
	if err := pair.Agree(ctx, file, string(text), flags.options()); err != nil {
		return f.mistake(ctx, "", err)
	}
	return nil
}

// mistake is what is wrong with the other build; nothing can be told where the
// user has interrupted.
func (f *againstFlags) mistake(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted, message: "grpcbench: interrupted before anything was measured"}
	}
	if path != "" {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("%w (a path has a slash: ./%s)", err, path)
	}
	return usageError("--against: %s", plain.Text(err.Error()))
}

// buildNames names two builds by what sets them apart: grpc-go's version, what
// the comparison is most often about, else their own, else Go's.
func buildNames(this, other result.Environment) scenario.Builds {
	for _, by := range []struct {
		prefix string
		of     func(result.Environment) string
	}{
		{"grpc-", func(e result.Environment) string { return e.GRPC }},
		{"", func(e result.Environment) string { return e.Grpcbench }},
		{"", func(e result.Environment) string { return e.Go }},
	} {
		a, b := by.of(this), by.of(other)
		if a != b && a != "" && b != "" {
			return scenario.Builds{This: by.prefix + strings.TrimSpace(a), Other: by.prefix + strings.TrimSpace(b)}
		}
	}
	return scenario.Builds{This: "this", Other: "other"}
}
