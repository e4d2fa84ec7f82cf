package main

import (
	"context"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/plain"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// completionCommand takes the place of cobra's own, whose pages are five.
func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes grpcbench's commands in your shell",
		Long: `completion prints a script by which a shell completes commands, flags and their
values: scenario files, formats, the variants of a scenario, what a gate can be
about. The script asks grpcbench itself, so that it fits every version.`,
		Example: `  source <(grpcbench completion bash)
  grpcbench completion bash > /etc/bash_completion.d/grpcbench
  grpcbench completion zsh > "${fpath[1]}/_grpcbench"
  grpcbench completion fish > ~/.config/fish/completions/grpcbench.fish
  grpcbench completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shells(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells(), args[0]) {
				return usageError("which shell? One of %s (got %q)", strings.Join(shells(), ", "), strings.Join(args, " "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			switch root := c.Root(); args[0] {
			case "bash":
				err = root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				err = root.GenZshCompletion(a.stdout)
			case "fish":
				err = root.GenFishCompletion(a.stdout, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(a.stdout)
			}
			if err != nil {
				return internalError(err)
			}
			return nil
		},
	}
}

func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// completed says of every command below root how its arguments and the values of
// its flags are completed.
func completed(root *cobra.Command) {
	scenarios := func(most int) cobra.CompletionFunc { return files(most, "yaml", "yml") }
	arguments := map[string]cobra.CompletionFunc{
		"run": scenarios(1), "capacity": scenarios(1), "explain": scenarios(1), "serve": scenarios(1), "validate": scenarios(0),
		"report": files(0, "json"), "review": files(0, "json"), "compare": files(2, "json"), "history": files(0, "jsonl", "json"),
		"baseline": words("save", "show", "list"),
	}
	// By flag, for whatever command has one of that name.
	values := map[string]cobra.CompletionFunc{
		"inconclusive": words("fail", "pass"),
		"gate":         gateSubjects, "slo": gateSubjects,
		"only": variants, "variant": variants,
		"arrivals": kinds(reflect.TypeFor[load.Arrivals]()),
	}
	for _, c := range root.Commands() {
		if complete := arguments[c.Name()]; complete != nil {
			c.ValidArgsFunction = complete
		} else if c.ValidArgs == nil && c.ValidArgsFunction == nil {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
		of := maps.Clone(values)
		of["format"] = formats(c.Name())
		for flag, complete := range of {
			if c.Flags().Lookup(flag) != nil {
				// It fails for a flag that is not there, or is completed already.
				_ = c.RegisterFlagCompletionFunc(flag, complete)
			}
		}
	}
}

// files completes names of files with these endings, and folders on the way to
// them; at most so many, 0 is any number.
func files(most int, endings ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return endings, cobra.ShellCompDirectiveFilterFileExt
	}
}

// methods completes a method by asking the server that the flags name, or reading
// the files. It is not waited for long: nobody waits for a completion.
func (a *app) methods(f *serverFlags, services bool) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const patience = time.Second
		none := cobra.ShellCompDirectiveNoFileComp
		if services && len(args) > 0 || f.target == "" && f.source().NeedsServer() {
			return nil, none
		}
		ctx, cancel := context.WithTimeout(c.Context(), patience)
		defer cancel()
		silent := *a
		silent.stderr = io.Discard
		set, err := silent.describeServer(ctx, f)
		if err != nil {
			return nil, none
		}
		var all []cobra.Completion
		for _, s := range set.Services() {
			if services {
				all = append(all, plain.Text(string(s.FullName())))
			}
			for i := range s.Methods().Len() {
				all = append(all, plain.Text(descriptor.FullName(s.Methods().Get(i))))
			}
		}
		return all, none
	}
}

// words completes the first argument, or the value of a flag, to one of these.
func words(all ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// kinds completes the kinds of a choice.
func kinds(choice reflect.Type) cobra.CompletionFunc {
	var all []cobra.Completion
	for _, k := range strict.Kinds(choice) {
		all = append(all, cobra.CompletionWithDesc(k.Name, k.Doc))
	}
	return cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)
}

// formats are those that the command can print.
func formats(command string) cobra.CompletionFunc {
	var all []cobra.Completion
	for _, f := range reports.Formats() {
		switch {
		case command == "compare" && !slices.Contains(changesFormats(), f.Name):
		case command != "report" && f.Parts != nil:
		default:
			all = append(all, cobra.CompletionWithDesc(f.Name, f.Doc))
		}
	}
	return cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)
}

// gateSubjects are what a condition begins with: more of it follows.
func gateSubjects(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	for _, line := range gate.Doc() {
		name, doc, _ := strings.Cut(line, ": ")
		all = append(all, cobra.CompletionWithDesc(name, doc))
	}
	return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// variants are those of the scenario that stands on the command line already.
func variants(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	if len(args) > 0 {
		if plan, err := readPlan(args[0], scenario.Options{}); err == nil {
			for _, v := range plan.Variants {
				all = append(all, v.Name)
			}
			for _, d := range plan.Dimensions {
				if len(plan.Dimensions) == 1 {
					break // they are the variants
				}
				for _, value := range d.Values {
					all = append(all, d.Name+"="+value)
				}
			}
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}
