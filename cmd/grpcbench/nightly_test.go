package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/grpcbench/grpcbench/scenario"
)

// night runs docs/ci/nightly.sh as a pipeline does.
func night(t *testing.T, root, dir string, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(root, "docs", "ci", "nightly.sh"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GRPCBENCH=bin/grpcbench", "CI_COMMIT_SHA=0123abc", "GITHUB_SHA=")
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(text)
	} else if err != nil {
		t.Fatal(err)
	}
	return exitOK, string(text)
}

// The script that users copy: the first good night is the baseline, the second is
// judged against it, and both are in the history.
func TestNightly(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command and runs it, many times")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := newUser(t, root)
	// A closed loop, which cannot be late: a busy machine measures that, too.
	short := strings.NewReplacer("trials: 2", "trials: 1", "measure: 1s", "measure: 500ms", "rate: 200/s", "workers: 20", "attempts: 3", "attempts: 8").Replace(small)
	if err := os.WriteFile(filepath.Join(dir, "small.yaml"), []byte(short), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out := night(t, root, dir, "small.yaml", "errors < 99%")
	if code == exitInvalid {
		t.Skip("the machine is too busy, with other tests, to measure")
	}
	if code != exitOK || !strings.Contains(out, "gate passed: errors < 99%") || !strings.Contains(out, "small.json") {
		t.Fatalf("the first night: code %d\n%s", code, out)
	}
	code, out = night(t, root, dir, "small.yaml")
	if code == exitInvalid {
		t.Skip("the machine is too busy, with other tests, to measure")
	}
	// Of one trial against one nothing can be said.
	if code != exitInconclusive || !strings.Contains(out, "gate inconclusive: errors <= @small + 0.5pp") {
		t.Errorf("the second night: code %d\n%s", code, out)
	}
	for _, file := range []string{"result.json", "report.html", "junit.xml", "summary.md", "changes.md", "trend.txt"} {
		if info, err := os.Stat(filepath.Join(dir, "grpcbench-report", file)); err != nil || info.Size() == 0 {
			t.Errorf("there is no %s: %v", file, err)
		}
	}
	if !strings.Contains(out, "2 runs") || !strings.Contains(out, "0123abc") {
		t.Errorf("the history lacks a night:\n%s", out)
	}
	// Of a variant whose p99 is no figure in any night nothing can be said: it need not
	// be asked.
	if !strings.Contains(out, "lands on failed calls in trials of both") {
		t.Errorf("retry=none has a p99:\n%s", out)
	}
	t.Setenv("GRPCBENCH_P99_VARIANTS", "immediate")
	if code, out := night(t, root, dir, "small.yaml"); code != exitInvalid &&
		(!strings.Contains(out, "p99{variant=immediate} <= @small + 10%") || strings.Contains(out, "lands on failed calls in trials of both")) {
		t.Errorf("p99 of one variant: code %d\n%s", code, out)
	}
	// A night that could not begin has nothing of the last one's to show.
	if code, out := night(t, root, dir, "small.yaml", "p99 < 20"); code != exitUsage || strings.Contains(out, "known already") {
		t.Errorf("no gate: code %d\n%s", code, out)
	}
	if left := filesIn(t, filepath.Join(dir, "grpcbench-report")); !slices.Equal(left, []string{"table.txt"}) {
		t.Errorf("left of the last night: %v", left)
	}
	// A new baseline is not judged by the old one, which it could never replace.
	t.Setenv("GRPCBENCH_NEW_BASELINE", "1")
	if code, out := night(t, root, dir, "small.yaml", "errors < 99%"); code != exitInvalid && (code != exitOK || !strings.Contains(out, "small.json")) {
		t.Errorf("a new baseline: code %d\n%s", code, out)
	}
	// A gate that fails leaves the baseline, whatever is asked for.
	if code, out := night(t, root, dir, "small.yaml", "errors{variant=none} < 1%"); code != exitGate && code != exitInvalid || strings.Contains(out, "small.json") {
		t.Errorf("a bad night: code %d\n%s", code, out)
	}
}

// Of no gate that the script makes for quick.yaml in the pipelines nothing could be said
// whatever was measured: the p99 of a variant without retries falls on failed calls
// every night.
func TestNightlyGatesCanPass(t *testing.T) {
	if testing.Short() {
		t.Skip("very many calls, for gates that are judged in one goroutine")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	quick := []string{"run", filepath.Join(root, "scenarios", "quick.yaml"), "--set", "fleet.isolation=inprocess", "--out", filepath.Join(dir, "out")}
	if code, _, stderr := inVirtualTime(t, quick...); code != exitOK {
		t.Fatalf("the first night: code %d\n%s", code, stderr)
	}
	kept := filepath.Join(dir, ".grpcbench", "baselines")
	if code, _, stderr := command(t, "baseline", "save", "quick", filepath.Join(dir, "out"), "--dir", kept); code != exitOK {
		t.Fatal(stderr)
	}
	// In place of grpcbench stands what writes its arguments down, a line each.
	asked := filepath.Join(dir, "asked")
	stub := write(t, "grpcbench", "#!/bin/sh\nprintf '%s\\n' \"$@\" >'"+asked+"'\n")
	if err := os.Chmod(stub, 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../docs/ci/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d pipelines: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(filepath.Join(root, "docs", "ci", "nightly.sh"), "quick.yaml")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GRPCBENCH="+stub)
		for _, set := range regexp.MustCompile(`(GRPCBENCH_(?:P99_VARIANTS|ERRORS|P99)): ([^#\n]*[^# \n])`).FindAllSubmatch(text, -1) {
			cmd.Env = append(cmd.Env, string(set[1])+"="+string(set[2]))
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		written, err := os.ReadFile(asked)
		if err != nil {
			t.Fatal(err)
		}
		var args []string
		lines := strings.Split(string(written), "\n")
		for i := range lines[1:] {
			if lines[i] == "--gate" {
				args = append(args, "--gate", lines[i+1])
			}
		}
		code, stdout, stderr := inVirtualTime(t, slices.Concat(quick, []string{"--baselines", kept}, args)...)
		if code != exitOK && code != exitInconclusive || len(args) != 6 || strings.Contains(stdout, "lands on failed calls") {
			t.Errorf("%s: code %d of %q\n%s%s", file, code, args, stdout, stderr)
		}
	}
}

// The pipelines are YAML, and call the script that stands beside them.
func TestPipelinesAreYAML(t *testing.T) {
	files, err := filepath.Glob("../../docs/ci/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d pipelines: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := yaml.Unmarshal(text, &document); err != nil || len(document) == 0 {
			t.Errorf("%s: %v", file, err)
		}
		_, call, ok := strings.Cut(string(text), "bench/nightly.sh bench/quick.yaml ")
		if !ok {
			t.Errorf("%s does not call the script", file)
			continue
		}
		// Its gates are about quick.yaml.
		line, _, _ := strings.Cut(call, "\n")
		for i, gate := range strings.Split(line, "'") {
			if i%2 == 0 {
				continue
			}
			if _, err := readPlan("../../scenarios/quick.yaml", gateOptions(gate)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func gateOptions(gate string) scenario.Options { return scenario.Options{Gates: []string{gate}} }
