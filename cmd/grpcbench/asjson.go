package main

import "github.com/spf13/cobra"

// jsonName is the format that --json is short for.
const jsonName = "json"

// registerJSON registers --json: one JSON document on standard output.
func registerJSON(c *cobra.Command, asJSON *bool, what string) {
	c.Flags().BoolVar(asJSON, "json", false, what+": short for --format json")
}

// takeJSON has --json choose the format.
func takeJSON(c *cobra.Command, asJSON bool, format *string) error {
	if !asJSON {
		return nil
	}
	if c.Flags().Changed("format") && *format != jsonName {
		return usageError("--json is --format json (got --format %s, too)", *format)
	}
	*format = jsonName
	return nil
}
