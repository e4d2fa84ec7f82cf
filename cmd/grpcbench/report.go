package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// reportFlags say how stored results are rendered.
type reportFlags struct {
	format, output, part string
	options              reports.Options
}

func (a *app) reportCommand() *cobra.Command {
	var flags reportFlags
	var gated gateFlags
	c := &cobra.Command{
		Use:   "report RESULT…",
		Short: "Render stored results again, in any format",
		Long: `report renders what a run left, in any format. RESULT is a result.json, or the
folder it is in. Several results follow one another, or stand in one document
where the format has room for them.

A format that makes several files (svg, png, hgrm, action-benchmark) writes them
into the folder --output; --part prints one of them alone. Without either, the
parts are listed. Files are written whole or not at all.

With --gate the results are judged anew, by these gates instead of those of the
run, and the exit code is as of 'grpcbench run': 99 where one failed. Without it
the exit code says nothing of what was measured.`,
		Example: `  grpcbench report results/quick/latest
  grpcbench report results/quick/latest --columns p99,attempts --sort p99
  grpcbench report result.json --format html --output report.html
  grpcbench report result.json --format svg --output plots
  grpcbench report result.json --format junit --gate 'p99 <= baseline + 5%' > junit.xml
  grpcbench report old.json new.json --format csv > both.csv`,
		Args: resultFiles,
		RunE: func(c *cobra.Command, files []string) error {
			chosen, err := findFormat(flags.format)
			if err != nil {
				return err
			}
			if err := flags.check(chosen, c); err != nil {
				return err
			}
			if err := gated.check(); err != nil {
				return err
			}
			if err := gated.unused(c, false); err != nil {
				return err
			}
			gates, err := gated.parse()
			if err != nil {
				return err
			}
			results, err := readResults(files)
			if err != nil {
				return err
			}
			if len(gates) == 0 {
				return a.report(chosen, results, flags)
			}
			stored, err := gated.stored(gates, nil)
			if err != nil {
				return err
			}
			for _, r := range results {
				if err := judgeGates(r, gates, gate.Options{Stored: stored}); err != nil {
					return err
				}
			}
			if err := a.report(chosen, results, flags); err != nil {
				return err
			}
			return gated.exit(results...)
		},
	}
	gated.register(c, "`CONDITION` to judge the results by, such as 'p99 < 20ms' (repeatable)")
	c.Flags().StringVar(&flags.format, "format", "table", "one of "+strings.Join(formatNames(), ", "))
	c.Flags().StringVarP(&flags.output, "output", "o", "", "`FILE` to write instead of standard output; a folder for a format of several files")
	c.Flags().StringVar(&flags.part, "part", "", "`NAME` of the one file to make, of a format of several")
	c.Flags().StringSliceVar(&flags.options.Select, "columns", nil, "table: the figures to show, in this order (p50,p99,in_slo,…)")
	c.Flags().StringVar(&flags.options.Sort, "sort", "", "table: order rows by this `COLUMN`; -COLUMN turns it around")
	c.Flags().BoolVar(&flags.options.Wide, "wide", false, "table: every column, however wide the terminal is")
	return c
}

// resultFiles wants at least one result.
func resultFiles(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError("which result? Give a result.json, or the folder of one")
	}
	return nil
}

// check refuses flags that the format would have to ignore.
func (f *reportFlags) check(format reports.Format, c *cobra.Command) error {
	if format.Name != "table" {
		for _, name := range []string{"columns", "sort", "wide"} {
			if c.Flags().Changed(name) {
				return usageError("--%s is of --format table alone (got %s)", name, format.Name)
			}
		}
	}
	if f.part != "" && format.Parts == nil {
		return usageError("--part is of formats of several files alone (got %s)", format.Name)
	}
	return nil
}

// readResults reads each of the files, and says all that is wrong with them.
func readResults(files []string) ([]*result.Result, error) {
	boundMemory(files)
	var out []*result.Result
	var messages []string
	for _, file := range files {
		r, err := readResult(file)
		if err != nil {
			messages = append(messages, err.Error())
			continue
		}
		out = append(out, r)
	}
	if len(messages) > 0 {
		return nil, &exitError{code: exitUsage, message: strings.Join(messages, "\n")}
	}
	return out, nil
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

// report writes the results to stdout or to files.
func (a *app) report(f reports.Format, results []*result.Result, flags reportFlags) error {
	if len(results) > 1 && f.Together == nil {
		return usageError("%s renders one result at a time (got %d)", f.Name, len(results))
	}
	if f.Parts != nil {
		return a.reportParts(f, results[0], flags)
	}
	write := func(w io.Writer, o reports.Options) error {
		if len(results) == 1 {
			return f.Render(w, results[0], o)
		}
		return f.Together(w, results, o)
	}
	o := flags.options
	if flags.output == "" {
		o.Columns, o.Color = columns(a.stdout), colour(a.stdout)
		return a.print(f, func(w io.Writer) error { return write(w, o) })
	}
	o.Columns = columns(io.Discard)
	return writeFile(f, flags.output, func(w io.Writer) error { return write(w, o) })
}

// reportParts writes all parts into a folder, or one of them anywhere.
func (a *app) reportParts(f reports.Format, r *result.Result, flags reportFlags) error {
	parts, err := f.Parts(r, flags.options)
	if err != nil {
		return renderError(f, err)
	}
	if len(parts) == 0 {
		return usageError("%s: nothing was measured that it could show", f.Name)
	}
	var names []string
	for _, part := range parts {
		names = append(names, part.Name)
	}
	switch {
	case flags.part != "":
		for _, part := range parts {
			if part.Name != flags.part {
				continue
			}
			if flags.output == "" {
				return a.print(f, part.Write)
			}
			return writeFile(f, flags.output, part.Write)
		}
		if guess := strict.Suggest(flags.part, names); guess != "" {
			return usageError("--part: there is no %q; did you mean %q?", flags.part, guess)
		}
		return usageError("--part: there is no %q; there are %s", flags.part, strings.Join(names, ", "))
	case flags.output == "":
		return usageError("%s makes %d files: write them with --output DIR, or print one with --part: %s",
			f.Name, len(parts), strings.Join(names, ", "))
	}
	if err := os.MkdirAll(flags.output, 0o755); err != nil {
		return usageError("--output: %v", err)
	}
	for _, part := range parts {
		if err := writeFile(f, filepath.Join(flags.output, part.Name+f.Extension), part.Write); err != nil {
			return err
		}
	}
	return nil
}

// render writes a run's result to stdout.
func (a *app) render(f reports.Format, r *result.Result) error {
	return a.report(f, []*result.Result{r}, reportFlags{})
}

// print writes to stdout: all of it or, on an error, nothing.
func (a *app) print(f reports.Format, write func(io.Writer) error) error {
	var out pages
	if err := write(&out); err != nil {
		return renderError(f, err)
	}
	if _, err := out.WriteTo(a.stdout); err != nil {
		return internalError(err)
	}
	return nil
}

// writeFile writes a file: all of it or, on an error, nothing.
func writeFile(f reports.Format, path string, write func(io.Writer) error) error {
	var rendering error
	err := result.WriteFile(path, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 1<<16)
		if rendering = write(buffered); rendering != nil {
			return rendering
		}
		return buffered.Flush()
	})
	switch {
	case rendering != nil:
		return renderError(f, rendering)
	case err != nil:
		return usageError("--output: %v", err)
	}
	return nil
}

// renderError is the user's mistake where an option was wrong, and ours
// otherwise.
func renderError(f reports.Format, err error) error {
	if option, ok := errors.AsType[*reports.OptionError](err); ok {
		return usageError("%v", option)
	}
	return internalError(fmt.Errorf("rendering as %s: %w", f.Name, err))
}

func formatNames() []string {
	var names []string
	for _, f := range reports.Formats() {
		names = append(names, f.Name)
	}
	return names
}

// printedNames is the formats that a run can print: those of one document.
func printedNames() []string {
	var names []string
	for _, f := range reports.Formats() {
		if f.Parts == nil {
			names = append(names, f.Name)
		}
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
