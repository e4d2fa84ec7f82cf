package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/export"
)

func (a *app) explainCommand() *cobra.Command {
	var flags scenarioFlags
	var variant string
	var asGo, asServiceConfig bool
	c := &cobra.Command{
		Use:   "explain FILE",
		Short: "Show what a scenario would run: variants, minutes, utilisation",
		Long: `explain shows what a scenario comes to, without running it.

With --variant it prints the client of that variant instead, to be shipped: as
YAML that scenario/clientyaml reads (and a scenario, below client), with --go as
Go that builds it, with --service-config as a gRPC service config for clients in
other languages. What a service config cannot say is told on standard error.`,
		Example: `  grpcbench explain scenarios/backoffs.yaml
  grpcbench explain scenarios/backoffs.yaml --variant full_jitter > client.yaml
  grpcbench explain scenarios/backoffs.yaml --variant full_jitter --go > client.go
  grpcbench explain scenarios/balancing.yaml --variant least_request --service-config`,
		Args: oneFile,
		RunE: func(c *cobra.Command, files []string) error {
			if asGo && asServiceConfig {
				return usageError("--go and --service-config are two ways to print a client: give one")
			}
			plan, err := flags.plan(c, files[0])
			if err != nil {
				return err
			}
			if c.Flags().Changed("variant") || asGo || asServiceConfig {
				return a.exportClient(plan, variant, asGo, asServiceConfig)
			}
			if err := scenario.Explain(a.stdout, plan, columns(a.stdout)); err != nil {
				return internalError(err)
			}
			return nil
		},
	}
	flags.register(c)
	c.Flags().StringVar(&variant, "variant", "", "print the client of `VARIANT`, such as backoff=fixed, as YAML")
	c.Flags().BoolVar(&asGo, "go", false, "print the variant's client as Go")
	c.Flags().BoolVar(&asServiceConfig, "service-config", false, "print the variant's client as a gRPC service config, as far as that goes")
	return c
}

// exportClient prints the client of one variant.
func (a *app) exportClient(plan *scenario.Plan, selector string, asGo, asServiceConfig bool) error {
	v, err := plan.Variant(selector)
	if err != nil {
		return usageError("--variant: %v", err)
	}
	client := v.Export(plan)
	var text []byte
	switch {
	case asGo:
		if text, err = export.Go(client); err != nil {
			return usageError("%s: %v", plan.File, err)
		}
	case asServiceConfig:
		var unsaid []string
		if text, unsaid, err = export.ServiceConfig(client); err != nil {
			return usageError("%s: %v", plan.File, err)
		}
		for _, line := range unsaid {
			fmt.Fprintf(a.stderr, "the service config is not all: %s\n", line)
		}
	default:
		text = []byte(export.YAML(client))
	}
	if _, err := a.stdout.Write(text); err != nil {
		return internalError(err)
	}
	return nil
}
