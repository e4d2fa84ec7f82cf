package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/scenario"
)

// TestReadmeCommands runs every command of the README, as it stands, in the
// order it stands in. A YAML block whose first line is a comment with a file
// name becomes that file. `make run` is run for real; of `make test`, which
// this is part of, only that there is such a target.
func TestReadmeCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs, which the race detector does not see")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := newUser(t, root)
	commands := 0
	for _, block := range fenced.FindAllStringSubmatch(string(text), -1) {
		language, body := block[1], block[2]
		if language == "yaml" {
			first, _, _ := strings.Cut(body, "\n")
			if err := os.WriteFile(filepath.Join(dir, strings.TrimPrefix(first, "# ")), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if language != "sh" {
			continue
		}
		for line := range strings.Lines(body) {
			line, _, _ = strings.Cut(line, " #")
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			commands++
			t.Run(line, func(t *testing.T) {
				if line == "make test" {
					line = "make -n test"
				}
				cmd := exec.Command("sh", "-c", line)
				if strings.HasPrefix(line, "make test") {
					t.Fatal("it would run this test within this test")
				}
				cmd.Dir = dir
				if strings.HasPrefix(line, "make ") {
					cmd.Dir = root
				}
				if out, err := cmd.CombinedOutput(); err != nil && !onlyBusy(err, string(out)) {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
	if commands < 6 {
		t.Errorf("the README has only %d commands: are its blocks still marked sh?", commands)
	}
}

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// onlyBusy says that a run ended with exit code 3 because the machine was too
// busy, with other tests, to pace it.
func onlyBusy(err error, out string) bool {
	exit, ok := err.(*exec.ExitError)
	return ok && (exit.ExitCode() == exitInvalid || exit.ExitCode() == 2 && strings.Contains(out, "Error 3")) &&
		strings.Contains(out, "books exact") && strings.Contains(out, "lag_p99")
}

// newUser is a folder as a new user has it after `make build`: the scenarios,
// and grpcbench in bin.
func newUser(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "scenarios"), filepath.Join(dir, "scenarios")); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' %s \"$@\"\n", self, asCommand)
	if err := os.WriteFile(filepath.Join(dir, "bin", "grpcbench"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	// What `make run` leaves, in short: later commands read it.
	out := filepath.Join(dir, "results", "quick", "20260102T030405Z")
	code, _, stderr := inVirtualTime(t, "run", filepath.Join(root, "scenarios", "quick.yaml"), "--out", out,
		"--set", "fleet.isolation=inprocess", "--trials", "1", "--measure", "200ms")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	pointToLatest(out)
	return dir
}

// TestDocumentsAreValid reads every whole scenario in docs/.
func TestDocumentsAreValid(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	scenarios := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fenced.FindAllStringSubmatch(string(text), -1) {
			if block[1] != "yaml" || !strings.HasPrefix(block[2], "name:") {
				continue
			}
			scenarios++
			if code, _, stderr := command(t, "validate", write(t, "doc.yaml", block[2])); code != exitOK {
				t.Errorf("%s: %s", file, stderr)
			}
		}
	}
	if scenarios == 0 {
		t.Error("docs/ has no scenario")
	}
}

// The README has every shipped scenario with the question that it answers.
func TestReadmeListsEveryScenario(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := scenario.Read(file, text, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		row := fmt.Sprintf("| [%s](scenarios/%s.yaml) | %s |", name, name, strings.TrimSpace(plan.Base.About))
		if !strings.Contains(string(readme), row+"\n") {
			t.Errorf("the README lacks\n%s", row)
		}
	}
}
