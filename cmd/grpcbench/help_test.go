package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// theRoot is the command tree as a user has it.
func theRoot() *cobra.Command { return (&app{}).root() }

// Help teaches by example: each command shows how it is called, with flags that
// there are.
func TestEveryCommandHasExamples(t *testing.T) {
	root := theRoot()
	for _, c := range manPages(root) {
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s has no line that says what it does, or no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			if strings.TrimSpace(line) == "" || !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example %q is not indented by two", c.CommandPath(), line)
			}
			line = substitution.ReplaceAllString(line, "x")
			for _, m := range ourCommand.FindAllStringSubmatch(line, -1) {
				sub, _, err := root.Find(strings.Fields(m[1]))
				if err != nil || sub == root && m[1] != "" {
					t.Errorf("%s: %q calls a command that there is not (%v)", c.CommandPath(), line, err)
					continue
				}
				for _, flag := range longFlag.FindAllStringSubmatch(m[2], -1) {
					if sub.Flags().Lookup(flag[1]) == nil {
						t.Errorf("%s: %q has a flag that %s has not: --%s", c.CommandPath(), line, sub.Name(), flag[1])
					}
				}
			}
		}
	}
}

var (
	ourCommand = regexp.MustCompile(`grpcbench ([a-z]+)(.*)`)
	// substitution is what a shell runs first, and we do not look into.
	substitution = regexp.MustCompile(`\$\([^)]*\)`)
	longFlag     = regexp.MustCompile(`(?:^|\s)--([a-z][a-z-]*)`)
)

// Documents, scenarios and pipelines call commands that there are, with flags that
// they have.
func TestDocumentsCallCommandsThatExist(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../README.md", "../../docs/*.md", "../../docs/*/*", "../../scenarios/*.yaml", "../../.ci/*"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		files = append(files, some...)
	}
	root := theRoot()
	// A command ends with its line, or with the code that it stands in.
	command := regexp.MustCompile("grpcbench\"? ([a-z]+)\\b([^`\n]*)")
	flags := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range command.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\\n", " "), -1) {
			sub, _, err := root.Find([]string{m[1]})
			if err != nil || sub == root {
				continue // words of a sentence
			}
			for _, flag := range longFlag.FindAllStringSubmatch(m[2], -1) {
				if flags++; sub.Flags().Lookup(flag[1]) == nil {
					t.Errorf("%s: %s has no --%s", file, sub.CommandPath(), flag[1])
				}
			}
		}
	}
	if flags < 60 {
		t.Errorf("only %d flags were found", flags)
	}
}

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if code, _, stderr := command(t, "man", "--output", dir); code != exitOK {
		t.Fatal(stderr)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	pages := manPages(theRoot())
	if len(files) != len(pages) {
		t.Errorf("%d files of %d commands: %v", len(files), len(pages), files)
	}
	macros := []string{".TH", ".SH", ".TP", ".PP", ".B", ".BR", ".nf", ".fi"}
	for _, c := range pages {
		text, err := os.ReadFile(filepath.Join(dir, manName(c)+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		page := string(text)
		for line := range strings.Lines(page) {
			request, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) && !slices.Contains(macros, request) {
				t.Errorf("%s: roff would obey %q", c.CommandPath(), line)
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(page, roff("--"+f.Name)) {
				t.Errorf("%s: the page lacks --%s", c.CommandPath(), f.Name)
			}
		})
		for _, want := range []string{".SH NAME\n" + roff(manName(c)), ".SH SYNOPSIS", ".SH EXAMPLES", ".SH EXIT STATUS\n.TP\n.B 0\n", ".SH SEE ALSO"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %q:\n%s", c.CommandPath(), want, page)
			}
		}
	}

	if code, stdout, stderr := command(t, "man", "run"); code != exitOK || !strings.HasPrefix(stdout, `.TH "GRPCBENCH\-RUN" 1`) {
		t.Errorf("man run: code %d, %s%.100s", code, stderr, stdout)
	}
	for want, args := range map[string][]string{
		`did you mean "run"?`:       {"man", "rum"},
		"leave run out":             {"man", "run", "--output", dir},
		"not a directory":           {"man", "--output", filepath.Join(files[0], "x")},
		"want one command, not two": {"man", "run", "list"},
	} {
		if strings.HasSuffix(want, "not two") {
			want = "want one command, not 2"
		}
		if code, _, stderr := command(t, args...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: code %d, %s; want %q", args, code, stderr, want)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range shells() {
		code, stdout, stderr := command(t, "completion", shell)
		if code != exitOK || !strings.Contains(stdout, "__complete") || !strings.Contains(stdout, "grpcbench") {
			t.Errorf("%s: code %d, %s; %.200s", shell, code, stderr, stdout)
		}
	}
	if code, _, stderr := command(t, "completion", "tcsh"); code != exitUsage || !strings.Contains(stderr, "bash, zsh, fish, powershell") {
		t.Errorf("code %d, %s", code, stderr)
	}
}

// TestCompletes asks as the scripts do.
func TestCompletes(t *testing.T) {
	file := smallScenario(t)
	tests := map[string]struct {
		args []string
		want []string
		not  string
	}{
		"commands":             {[]string{"r"}, []string{"run\t", "report\t", "review\t"}, "list"},
		"scenario files":       {[]string{"run", ""}, []string{"yaml\n", "yml\n", "FilterFileExt"}, "json"},
		"no second file":       {[]string{"run", file, ""}, []string{"NoFileComp"}, "yaml"},
		"results":              {[]string{"report", ""}, []string{"json\n", "FilterFileExt"}, "yaml"},
		"formats":              {[]string{"report", "--format", ""}, []string{"table\t", "svg\t"}, ""},
		"formats of changes":   {[]string{"compare", "--format", ""}, []string{"table\t", "markdown\t", "json\t", "NoFileComp"}, "csv"},
		"formats of a run":     {[]string{"run", "--format", ""}, []string{"table\t", "NoFileComp"}, "svg"},
		"what a gate is about": {[]string{"run", "--gate", ""}, []string{"p99", "in_slo\t", "NoSpace"}, ""},
		"variants":             {[]string{"run", file, "--only", ""}, []string{"retry=none\n", "retry=immediate\n"}, ""},
		"of a broken file":     {[]string{"run", "nowhere.yaml", "--only", ""}, []string{"NoFileComp"}, "nowhere"},
		"shells":               {[]string{"completion", ""}, []string{"bash\n", "powershell\n"}, ""},
		"pages":                {[]string{"man", ""}, []string{"run\t", "report\t"}, fleetCommandName},
		"arrivals":             {[]string{"run", "--arrivals", ""}, []string{"constant\t", "replay\t"}, ""},
		"methods of nobody":    {[]string{"call", "--call", ""}, []string{"NoFileComp"}, "/"},
		"methods of files": {[]string{"run", "--proto", "../../scenario/descriptor/testdata/protos/pay/v1/pay.proto", "--import-path",
			"../../scenario/descriptor/testdata/protos", "--call", ""}, []string{"pay.v1.Payments/Charge\n"}, ""},
		"what gates end with": {[]string{"run", "--inconclusive", ""}, []string{"fail\n", "pass\n"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := command(t, append([]string{cobra.ShellCompRequestCmd}, test.args...)...)
			for _, want := range test.want {
				if code != exitOK || !strings.Contains(stdout+stderr, want) {
					t.Errorf("code %d, no %q in\n%s%s", code, want, stdout, stderr)
				}
			}
			if test.not != "" && strings.Contains(stdout, test.not) {
				t.Errorf("%q in\n%s", test.not, stdout)
			}
		})
	}
}

// Methods are asked of the server that stands on the command line.
func TestCompletesMethods(t *testing.T) {
	for _, args := range [][]string{{"call", "--target", own, "--call", ""}, {"run", "--target", own, "--call", ""}, {"services", "--target", own, ""}} {
		code, stdout, stderr := againstOwn(t, "", append([]string{cobra.ShellCompRequestCmd}, args...)...)
		if code != exitOK || !strings.Contains(stdout, "user.v1.UserService/SyncUsers\n") {
			t.Errorf("%v: code %d, %s%s", args, code, stdout, stderr)
		}
	}
	// A server that is not there does not keep anybody waiting, nor is it complained of.
	code, stdout, stderr := againstOwn(t, "", cobra.ShellCompRequestCmd, "call", "--target", "passthrough:///nobody:1", "--call", "")
	if code != exitOK || strings.Contains(stdout+stderr, "cannot reach") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
}
