package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grpcbench/grpcbench/reports/result"
)

func (a *app) manCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "Print a manual page, or write all of them",
		Long: `man prints the manual page of grpcbench or of one of its commands, in roff. With
--output it writes all of them into a folder instead, for a package to install.`,
		Example: `  grpcbench man run | man -l -
  grpcbench man --output /usr/local/share/man/man1`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError("want one command, not %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []string
			for _, sub := range c.Root().Commands() {
				if len(args) == 0 && sub.IsAvailableCommand() {
					names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			if output == "" {
				page, _, err := root.Find(args)
				if err != nil || len(args) == 1 && page == root {
					return noArgs(root, args)
				}
				if err := writeMan(a.stdout, page); err != nil {
					return internalError(err)
				}
				return nil
			}
			if len(args) > 0 {
				return usageError("--output writes the pages of all commands: leave %s out", args[0])
			}
			if err := os.MkdirAll(output, 0o755); err != nil {
				return usageError("--output: %v", err)
			}
			for _, page := range manPages(root) {
				file := filepath.Join(output, manName(page)+".1")
				if err := result.WriteFile(file, func(w io.Writer) error { return writeMan(w, page) }); err != nil {
					return usageError("--output: %v", err)
				}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "`DIR` to write the pages of all commands into")
	return c
}

// manPages is the commands that have a page.
func manPages(root *cobra.Command) []*cobra.Command {
	pages := []*cobra.Command{root}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			pages = append(pages, c)
		}
	}
	return pages
}

// manName is grpcbench-run, as man finds it by `man grpcbench run`.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// writeMan writes the page of a command in the man macros of roff: man(7).
func writeMan(w io.Writer, c *cobra.Command) error {
	c.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" %s \"grpcbench manual\"\n", roffWord(strings.ToUpper(manName(c))), roffWord("grpcbench "+version()))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", roffText(description(c)))
	if c.HasSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range manPages(c)[1:] {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(sub.Name()), roff(sub.Short))
		}
	}
	b.WriteString(".SH OPTIONS\n")
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			writeFlag(&b, f)
		}
	})
	fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(strings.TrimRight(c.Example, "\n")))
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range exitMeanings() {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", e.code, roff(e.meaning))
	}
	if c.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(c.Parent())))
	} else {
		b.WriteString(".SH SEE ALSO\n")
		for i, sub := range manPages(c)[1:] {
			if i > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(&b, ".BR %s (1)", roff(manName(sub)))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// description is what a command's help begins with.
func description(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

func writeFlag(b *strings.Builder, f *pflag.Flag) {
	value, usage := pflag.UnquoteUsage(f)
	b.WriteString(".TP\n\\fB")
	if f.Shorthand != "" {
		b.WriteString(roff("-"+f.Shorthand) + "\\fR, \\fB")
	}
	b.WriteString(roff("--"+f.Name) + "\\fR")
	if value != "" {
		b.WriteString(" \\fI" + roff(value) + "\\fR")
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
		usage += " (default " + f.DefValue + ")"
	}
	b.WriteString("\n" + roff(usage) + "\n")
}

// roff is text that roff prints as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line // no request
		}
	}
	return strings.Join(lines, "\n")
}

// roffWord is text as one argument of a macro.
func roffWord(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `""`) + `"` }

// roffText is paragraphs: what is indented is printed as it stands.
func roffText(text string) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(paragraph, " ") {
			fmt.Fprintf(&b, ".nf\n%s\n.fi\n", roff(paragraph))
			continue
		}
		b.WriteString(roff(paragraph) + "\n")
	}
	return b.String()
}
