package main

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario"
)

// scenarioFlags are the flags of every command that reads a scenario to run.
type scenarioFlags struct {
	set     []string
	only    []string
	trials  int
	measure time.Duration
	gates   []string         // of a command that judges
	builds  *scenario.Builds // of one that compares builds
}

func (f *scenarioFlags) register(c *cobra.Command) {
	f.registerChoice(c)
	c.Flags().IntVar(&f.trials, "trials", 0, "trials of each variant, instead of the document's")
}

// registerChoice registers those that a command has which decides itself how many
// trials it takes.
func (f *scenarioFlags) registerChoice(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.set, "set", nil, "override `path=value` of the document, such as client.timeout=500ms (repeatable)")
	c.Flags().StringArrayVar(&f.only, "only", nil, "keep only `VARIANT`, such as backoff=fixed (repeatable)")
	c.Flags().DurationVar(&f.measure, "measure", 0, "length of each measurement, instead of the document's")
}

// plan reads a scenario file under the flags.
func (f *scenarioFlags) plan(c *cobra.Command, file string) (*scenario.Plan, error) {
	if err := f.check(c); err != nil {
		return nil, err
	}
	return readPlan(file, f.options())
}

func (f *scenarioFlags) options() scenario.Options {
	return scenario.Options{Set: f.set, Only: f.only, Trials: f.trials, Measure: f.measure, Gates: f.gates, Builds: f.builds}
}

// check finds values that no document would have.
func (f *scenarioFlags) check(c *cobra.Command) error {
	if c.Flags().Changed("trials") && f.trials < 1 {
		return usageError("--trials must be at least 1 (got %d)", f.trials)
	}
	if c.Flags().Changed("measure") && f.measure <= 0 {
		return usageError("--measure must be > 0 (got %v)", f.measure)
	}
	return nil
}

func readText(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError("%s: %v", file, pathError(err))
	}
	return text, nil
}

func readPlan(file string, options scenario.Options) (*scenario.Plan, error) {
	text, err := readText(file)
	if err != nil {
		return nil, err
	}
	plan, err := scenario.Read(file, text, options)
	if err != nil {
		return nil, scenarioError(err)
	}
	return plan, nil
}

// pathError is what is wrong with a file, without the name.
func pathError(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
