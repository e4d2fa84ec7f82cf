package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the kinds of every choice: policies, backoffs, faults, …; and what status codes say",
		Example: `  grpcbench list
  grpcbench list | grep -A20 backoff`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := scenario.List(a.stdout, columns(a.stdout)); err != nil {
				return internalError(err)
			}
			fmt.Fprintf(a.stdout, "\nreport --format: what a result is rendered as\n")
			for _, f := range reports.Formats() {
				fmt.Fprintf(a.stdout, "  %-16s %s\n", f.Name, f.Doc)
			}
			fmt.Fprintf(a.stdout, "\ngates: what a condition can be about\n")
			for _, line := range gate.Doc() {
				name, doc, _ := strings.Cut(line, ": ")
				fmt.Fprintf(a.stdout, "  %-16s %s\n", name, doc)
			}
			fmt.Fprintf(a.stdout, "\nstatus codes: how a call ended\n")
			for code := codes.OK; code <= codes.Unauthenticated; code++ {
				fmt.Fprintf(a.stdout, "  %-19s %s\n", engine.CodeName(uint32(code)), clientcore.Explain(code))
			}
			return nil
		},
	}
}
