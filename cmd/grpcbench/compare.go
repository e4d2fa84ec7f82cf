package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/plain"
)

// oldName is what gates of compare call the older of the two results.
const oldName = "old"

func (a *app) compareCommand() *cobra.Command {
	var gated gateFlags
	var format string
	var force, asJSON bool
	c := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Show what changed from one result to another, with intervals",
		Long: `compare shows, for each variant and load entry that both results have, what became
of p50, p99, the share in SLO, errors, attempts and CPU per call. OLD and NEW are a
result.json, the folder of one, or @NAME for a stored baseline. ~ is no difference
shown, with the one that would have been. Results with the same seed are compared
block by block, others as independent trials.

Results of another scenario, load or class of machine are refused unless --force is
given; trials, gates and words of the scenario do not count. A gate calls OLD @old.
Without --gate the exit code says nothing of what changed.`,
		Example: `  grpcbench compare @main results/quick/latest
  grpcbench compare old.json new.json --gate 'p99 <= @old + 5%' --gate 'errors <= @old + 0.1pp'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError("want OLD and NEW, each a result.json or the folder of one (got %d)", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := takeJSON(c, asJSON, &format); err != nil {
				return err
			}
			if !slices.Contains(changesFormats(), format) {
				return usageError("--format must be one of %s (got %q)", strings.Join(changesFormats(), ", "), format)
			}
			if err := gated.check(); err != nil {
				return err
			}
			if err := gated.unused(c, true); err != nil {
				return err
			}
			gates, err := gated.parse()
			if err != nil {
				return err
			}
			pair := make([]*result.Result, 2)
			for i, path := range args {
				if pair[i], err = gated.result(path); err != nil {
					return err
				}
			}
			changes := reports.Changes{Old: pair[0], New: pair[1], Differences: gate.Differences(pair[0], pair[1])}
			if len(changes.Differences) > 0 && !force {
				lines := make([]string, len(changes.Differences))
				for i, text := range changes.Differences {
					lines[i] = "\n  " + plain.Text(text)
				}
				return usageError("%s and %s cannot be compared (--force does it all the same):%s", args[0], args[1], strings.Join(lines, ""))
			}
			stored, err := gated.stored(gates, map[string]*result.Result{oldName: changes.Old})
			if err != nil {
				return err
			}
			changes.New.Gates = nil // those of its run say nothing of this
			if len(gates) > 0 {
				if err := judgeGates(changes.New, gates, gate.Options{Stored: stored, Force: force}); err != nil {
					return err
				}
			}
			err = a.print(reports.Format{Name: "changes"}, func(w io.Writer) error {
				switch format {
				case "markdown":
					return changes.Markdown(w)
				case jsonName:
					return changes.JSON(w)
				}
				return changes.Table(w, reports.Options{Columns: columns(a.stdout), Color: colour(a.stdout)})
			})
			if err != nil {
				return err
			}
			return gated.exit(changes.New)
		},
	}
	gated.register(c, "`CONDITION` that NEW must meet, such as 'p99 <= @old + 5%' (repeatable)")
	c.Flags().StringVar(&format, "format", "table", "what to print: one of "+strings.Join(changesFormats(), ", "))
	registerJSON(c, &asJSON, "print the changes as one JSON document")
	c.Flags().BoolVar(&force, "force", false, "compare results of different scenarios, loads or machines")
	return c
}

// changesFormats are what changes can be printed as.
func changesFormats() []string { return []string{"table", "markdown", jsonName} }

// result reads a result file, or a baseline where the path is @NAME and no file.
func (f *gateFlags) result(path string) (*result.Result, error) {
	if name, ok := strings.CutPrefix(path, "@"); ok {
		if _, err := os.Stat(path); err != nil {
			r, err := (baselines{f.dir}).read(name)
			if err != nil {
				return nil, usageError("%v", err)
			}
			return r, nil
		}
	}
	return readResult(path)
}
