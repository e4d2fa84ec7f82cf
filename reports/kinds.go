// Package reports renders results. One file per format; every format is a
// pure function of a result.Result.
package reports

import (
	"io"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Options are what a place of output asks for.
type Options struct {
	// Columns is the width of the terminal; 0 means 80, and no table is
	// narrower than 40. Formats that are not for terminals ignore it.
	Columns int
	// Color allows ANSI colours.
	Color bool
	// Select names the figures that the terminal's table shows, in this order;
	// empty is the usual ones. Settings are always shown.
	Select []string
	// Sort names the column that the rows of the terminal's table are ordered
	// by, least first; a minus before it turns the order around.
	Sort string
	// Wide shows every column, however wide the table becomes.
	Wide bool
}

// OptionError says that a result has not what an option asks for.
type OptionError struct {
	Option string
	Reason string
}

func (e *OptionError) Error() string { return e.Option + ": " + e.Reason }

// Format is one way to render a result.
type Format struct {
	Name string
	Doc  string
	// Extension is that of the format's files, with its dot.
	Extension string
	// Render writes one result. It is nil where a result becomes several files.
	Render func(io.Writer, *result.Result, Options) error
	// Together writes several results as one document. It is nil where a
	// document holds only one.
	Together func(io.Writer, []*result.Result, Options) error
	// Parts names the files that a result becomes, where it is not one.
	Parts func(*result.Result, Options) ([]Part, error)
}

// Part is one of several files that a result is rendered as.
type Part struct {
	Name  string // of the file, without its extension: unique, and safe in a path
	Doc   string // what it shows
	Write func(io.Writer) error
}

// Formats lists every format. A new one is a file and a line here.
func Formats() []Format {
	return []Format{
		inTurn("table", "tables for a terminal, as wide as it is", ".txt", Table),
		inTurn("markdown", "GitHub-flavoured Markdown for a pull request or a review", ".md", Markdown),
		alone("json", "the result itself, as in result.json", ".json", func(w io.Writer, r *result.Result, _ Options) error { return JSON(w, r) }),
		alone("html", "one self-contained page with plots, for any browser", ".html", HTML),
		inParts("svg", "each plot as an SVG file", ".svg", SVG),
		inParts("png", "each plot as a picture", ".png", PNG),
		joined("csv", "tidy CSV: a row for each trial, load entry and metric", ".csv", CSV),
		joined("gobench", "Go benchmark text, which benchstat compares", ".txt", GoBench),
		alone("hlog", "an HdrHistogram log, V2, of every measure", ".hlog", HLog),
		inParts("hgrm", "percentile distributions for the HdrHistogram plotter", ".hgrm", HGRM),
		joined("junit", "JUnit XML: gates and the measurement's verdicts as test cases", ".xml", JUnit),
		joined("github", "Markdown for a GitHub step summary, at most 900 KiB", ".md", GitHub),
		inParts("action-benchmark", "JSON for github-action-benchmark", ".json", ActionBenchmark),
		joined("openmetrics", "OpenMetrics text, with classic histograms", ".txt", OpenMetrics),
	}
}

// alone is a format whose documents hold one result.
func alone(name, doc, extension string, render func(io.Writer, *result.Result, Options) error) Format {
	return Format{Name: name, Doc: doc, Extension: extension, Render: render}
}

// inTurn is a format in which one result can follow another.
func inTurn(name, doc, extension string, render func(io.Writer, *result.Result, Options) error) Format {
	f := alone(name, doc, extension, render)
	f.Together = func(w io.Writer, results []*result.Result, o Options) error {
		for i, r := range results {
			if i > 0 {
				if _, err := io.WriteString(w, "\n"); err != nil {
					return err
				}
			}
			if err := render(w, r, o); err != nil {
				return err
			}
		}
		return nil
	}
	return f
}

// joined is a format whose documents hold any number of results.
func joined(name, doc, extension string, together func(io.Writer, []*result.Result, Options) error) Format {
	f := alone(name, doc, extension, func(w io.Writer, r *result.Result, o Options) error {
		return together(w, []*result.Result{r}, o)
	})
	f.Together = together
	return f
}

// inParts is a format that makes several files of a result.
func inParts(name, doc, extension string, parts func(*result.Result, Options) ([]Part, error)) Format {
	return Format{Name: name, Doc: doc, Extension: extension, Parts: parts}
}
