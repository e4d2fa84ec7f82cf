package main

import (
	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List every choice a scenario has: policies, backoffs, faults, distributions, arrivals",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := scenario.List(a.stdout, columns(a.stdout)); err != nil {
				return internalError(err)
			}
			return nil
		},
	}
}
