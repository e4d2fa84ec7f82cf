package main

import (
	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors",
		Long: `schema prints a JSON Schema (draft-07). An editor with a YAML language server
completes and checks scenarios with it: save it and begin a scenario with

  # yaml-language-server: $schema=scenario.schema.json`,
		Example: `  grpcbench schema > scenario.schema.json`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := scenario.Schema()
			if err != nil {
				return internalError(err)
			}
			if _, err := a.stdout.Write(append(schema, '\n')); err != nil {
				return internalError(err)
			}
			return nil
		},
	}
}
