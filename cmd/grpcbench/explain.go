package main

import (
	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario"
)

func (a *app) explainCommand() *cobra.Command {
	var flags scenarioFlags
	c := &cobra.Command{
		Use:   "explain FILE",
		Short: "Show what a scenario would run: variants, minutes, utilisation",
		Args:  oneFile,
		RunE: func(c *cobra.Command, files []string) error {
			plan, err := flags.plan(c, files[0])
			if err != nil {
				return err
			}
			if err := scenario.Explain(a.stdout, plan, columns(a.stdout)); err != nil {
				return internalError(err)
			}
			return nil
		},
	}
	flags.register(c)
	return c
}
