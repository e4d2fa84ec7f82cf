package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/scenario"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the kinds of every choice: policies, backoffs, faults, …",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := scenario.List(a.stdout, columns(a.stdout)); err != nil {
				return internalError(err)
			}
			fmt.Fprintf(a.stdout, "\nreport --format: what a result is rendered as\n")
			for _, f := range reports.Formats() {
				fmt.Fprintf(a.stdout, "  %-16s %s\n", f.Name, f.Doc)
			}
			return nil
		},
	}
}
