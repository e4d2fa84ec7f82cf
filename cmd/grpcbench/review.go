package main

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/result"
)

func (a *app) reviewCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "review RESULT…",
		Short: "Write a capacity review: question, setup, tables, plots, findings",
		Long: `review writes what a capacity review needs as one Markdown document: the
question, the answer in words, the setup, tables and plots, findings, how far to
believe them, and how to run it again.

With --output FILE.md the plots become SVG files in the folder FILE-plots beside
it, and the document links to them. On standard output it has charts in text.`,
		Example: `  grpcbench review results/pool-sizes/latest --output review.md
  grpcbench review results/backoffs/latest | less`,
		Args: resultFiles,
		RunE: func(_ *cobra.Command, files []string) error {
			results, err := readResults(files)
			if err != nil {
				return err
			}
			return a.review(results, output)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write instead of standard output, with its plots in a folder beside it")
	return c
}

// review writes the reviews one after the other.
func (a *app) review(results []*result.Result, output string) error {
	folders := make([]string, len(results))
	if output != "" {
		base := strings.TrimSuffix(output, filepath.Ext(output)) + "-plots"
		for i, r := range results {
			folder := base
			if len(results) > 1 {
				folder = filepath.Join(base, strconv.Itoa(i+1))
			}
			made, err := writePlots(r, folder)
			if err != nil {
				return err
			}
			if made {
				// As the document, which stands beside it, links to it.
				folders[i] = filepath.Base(base) + filepath.ToSlash(strings.TrimPrefix(folder, base))
			}
		}
	}
	format := reports.Format{Name: "a review"}
	write := func(w io.Writer) error {
		for i, r := range results {
			if i > 0 {
				if _, err := io.WriteString(w, "\n"); err != nil {
					return err
				}
			}
			if err := reports.Review(w, r, folders[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if output == "" {
		return a.print(format, write)
	}
	return writeFile(format, output, write)
}

// writePlots writes the result's plots into the folder; made is false where
// there is nothing to plot.
func writePlots(r *result.Result, folder string) (made bool, err error) {
	parts, err := reports.SVG(r, reports.Options{})
	if err != nil {
		return false, internalError(err)
	}
	if len(parts) == 0 {
		return false, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return false, usageError("--output: %v", err)
	}
	for _, part := range parts {
		if err := writeFile(reports.Format{Name: "svg"}, filepath.Join(folder, part.Name+".svg"), part.Write); err != nil {
			return false, err
		}
	}
	return true, nil
}
