package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/history"
)

func (a *app) historyCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "history FILE.jsonl [RESULT…]",
		Short: "Add results to a history, and show where figures changed for good",
		Long: `history keeps the figures of runs in FILE, a line of JSON for each, and shows how
they went. Results are added to it first, each once; the file is written whole or
not at all. A result that is INVALID or partial, or of 'grpcbench capacity', is left
out, and told of.

Where a figure changed its level, the run that brought it is named by its label
commit ('grpcbench run --label commit=…'): E-divisive means with a t-test at 0.1 %,
with three runs or more on either side. A figure is followed while the workload of
the scenario and the class of machine stay the same. The exit code says nothing of
what was found.`,
		Example: `  grpcbench history bench/history.jsonl results/quick/latest
  grpcbench history bench/history.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("which history? Give a file, which need not exist yet if there are results to add")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			file, paths := args[0], args[1:]
			results, err := readResults(paths)
			if err != nil {
				return err
			}
			if _, err := os.Stat(file); err != nil && len(paths) == 0 {
				return usageError("%v", err)
			}
			var entries []history.Entry
			for i, r := range results {
				e, err := history.Of(r)
				if errors.Is(err, history.ErrUnfit) {
					fmt.Fprintf(a.stderr, "grpcbench: %s is left out: %v\n", paths[i], err)
					continue
				}
				if err != nil {
					return internalError(err)
				}
				entries = append(entries, e)
			}
			all, added, err := history.Append(file, entries)
			if err != nil {
				return usageError("%v", err)
			}
			if known := len(entries) - added; known > 0 {
				fmt.Fprintf(a.stderr, "grpcbench: %s known already\n", count(known, "result"))
			}
			return a.print(reports.Format{Name: "a history"}, func(w io.Writer) error {
				if asJSON {
					return reports.TrendJSON(w, history.Groups(all))
				}
				return reports.Trend(w, history.Groups(all), reports.Options{Columns: columns(a.stdout), Color: colour(a.stdout)})
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document: every series, with where it changed")
	return c
}
