package main

import (
	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

func (a *app) schemaCommand() *cobra.Command {
	var ofResult bool
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors, or of results",
		Long: `schema prints a JSON Schema (draft-07). An editor with a YAML language server
completes and checks scenarios with it: save it and begin a scenario with

  # yaml-language-server: $schema=scenario.schema.json

--result prints the one of result.json instead, which docs/result.md explains.`,
		Example: `  grpcbench schema > scenario.schema.json
  grpcbench schema --result > result.schema.json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			of := scenario.Schema
			if ofResult {
				of = result.Schema
			}
			schema, err := of()
			if err != nil {
				return internalError(err)
			}
			if _, err := a.stdout.Write(schema); err != nil {
				return internalError(err)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&ofResult, "result", false, "the schema of result.json")
	return c
}
