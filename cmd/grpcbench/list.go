package main

import (
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
			if err := scenario.List(a.stdout, columns(a.stdout), listedFormats(), listedGates(), listedCodes()); err != nil {
				return internalError(err)
			}
			return nil
		},
	}
}

func listedFormats() scenario.Section {
	s := scenario.Section{Title: "report --format: what a result is rendered as"}
	for _, f := range reports.Formats() {
		s.Rows = append(s.Rows, []string{f.Name, f.Doc})
	}
	return s
}

func listedGates() scenario.Section {
	s := scenario.Section{Title: "gates: what a condition can be about"}
	for _, line := range gate.Doc() {
		name, doc, _ := strings.Cut(line, ": ")
		s.Rows = append(s.Rows, []string{name, doc})
	}
	return s
}

func listedCodes() scenario.Section {
	s := scenario.Section{Title: "status codes: how a call ended"}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		s.Rows = append(s.Rows, []string{engine.CodeName(uint32(code)), clientcore.Explain(code)})
	}
	return s
}
