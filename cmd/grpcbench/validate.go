package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "validate FILE...",
		Short:   "Check scenario files and say everything that is wrong with them",
		Example: "  grpcbench validate scenarios/*.yaml",
		Args:    atLeastOneFile,
		RunE: func(_ *cobra.Command, files []string) error {
			var wrong []string
			for _, file := range files {
				plan, err := readPlan(file, scenario.Options{})
				if err != nil {
					wrong = append(wrong, err.Error())
					continue
				}
				for _, warning := range plan.Warnings {
					fmt.Fprintf(a.stderr, "%s: warning: %s\n", file, warning)
				}
				if unchecked := plan.UncheckedText(); unchecked != "" {
					fmt.Fprintf(a.stderr, "%s: %s\n", file, unchecked)
				}
				fmt.Fprintf(a.stdout, "%s: ok, %s of %s\n", file, count(plan.MostTrials(), "trial"), count(len(plan.Variants), "variant"))
			}
			if len(wrong) > 0 {
				return &exitError{code: exitUsage, message: strings.Join(wrong, "\n")}
			}
			return nil
		},
	}
}

func atLeastOneFile(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError("which scenario? See `%s --help`.", c.CommandPath())
	}
	return nil
}

func atMostOneFile(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return oneFile(c, args)
	}
	return nil
}

func oneFile(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError("want one file, not %d. See `%s --help`.", len(args), c.CommandPath())
	}
	return nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
