package reports

import (
	"fmt"
	"io"
	"slices"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
)

// mostInFile is how many variants a plot in a file of its own shows: more
// could not be told apart.
const mostInFile = 16

// SVG is each plot of the result as an SVG file: the percentile spectrum, rate,
// goodput, p99, errors and attempts over time, a heatmap for each variant, and
// the shares of the backends, for each load entry and condition.
func SVG(r *result.Result, _ Options) ([]Part, error) {
	return plotFiles(r, plot.Standalone), nil
}

// plotFiles is a file for each plot.
func plotFiles(r *result.Result, write func(w io.Writer, p plot.Plot, title string, notes ...string) error) []Part {
	var out []Part
	verdict, _ := judged(r)
	for _, g := range galleries(r, tablesOf(r), fine(mostInFile)) {
		for _, f := range g.all() {
			notes := slices.Concat(f.notes, f.own, []string{source(r.Scenario) + " · measurement " + verdict}, banner(r))
			out = append(out, Part{Name: f.name, Doc: f.title, Write: func(w io.Writer) error {
				if err := write(w, f.plot, f.title, notes...); err != nil {
					return fmt.Errorf("writing the plot: %w", err)
				}
				return nil
			}})
		}
	}
	return out
}
