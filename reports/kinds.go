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
}

// Format is one way to render a result.
type Format struct {
	Name   string
	Doc    string
	Render func(io.Writer, *result.Result, Options) error
}

// Formats lists every format. A new one is a file and a line here.
func Formats() []Format {
	return []Format{
		{"table", "tables for a terminal, as wide as it is", Table},
		{"markdown", "GitHub-flavoured Markdown for a pull request or a review", Markdown},
		{"json", "the result itself, as in result.json", func(w io.Writer, r *result.Result, _ Options) error { return JSON(w, r) }},
	}
}
