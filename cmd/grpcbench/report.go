package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

func (a *app) reportCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "report RESULT",
		Short: "Render a stored result again, in any format",
		Example: `  grpcbench report results/quick/latest
  grpcbench report result.json --format markdown`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, files []string) error {
			chosen, err := findFormat(format)
			if err != nil {
				return err
			}
			r, err := readResult(files[0])
			if err != nil {
				return err
			}
			return a.render(chosen, r)
		},
	}
	c.Flags().StringVar(&format, "format", "table", "one of "+strings.Join(formatNames(), ", "))
	return c
}

// readResult reads a result file, or the result.json of a folder.
func readResult(path string) (*result.Result, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, resultName)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError("%v", err)
	}
	defer f.Close()
	r, err := result.Read(f)
	if err != nil {
		return nil, usageError("%s: %v", path, err)
	}
	return r, nil
}

// render writes the result to stdout, all of it or, on an error, nothing.
func (a *app) render(f reports.Format, r *result.Result) error {
	var out bytes.Buffer
	if err := f.Render(&out, r, reports.Options{Columns: columns(a.stdout), Color: colour(a.stdout)}); err != nil {
		return internalError(fmt.Errorf("rendering as %s: %w", f.Name, err))
	}
	if _, err := io.Copy(a.stdout, &out); err != nil {
		return internalError(err)
	}
	return nil
}

func formatNames() []string {
	var names []string
	for _, f := range reports.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func findFormat(name string) (reports.Format, error) {
	for _, f := range reports.Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	if guess := strict.Suggest(name, formatNames()); guess != "" {
		return reports.Format{}, usageError("--format: unknown format %q; did you mean %q?", name, guess)
	}
	return reports.Format{}, usageError("--format: unknown format %q; there are %s", name, strings.Join(formatNames(), ", "))
}
