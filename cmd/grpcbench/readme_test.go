package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	base := freePorts(t)
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
			// Another may have the port that the README names.
			line = strings.ReplaceAll(line, "50051", strconv.Itoa(base))
			if alone, ok := strings.CutSuffix(line, " &"); ok {
				background(t, dir, alone)
				continue
			}
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

// TestReadmeSearches: what the README says of capacity in its text can be begun, with
// the scenarios that it names. Each is interrupted before its first trial.
func TestReadmeSearches(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(filepath.Join(root, "scenarios"), "scenarios"); err != nil {
		t.Fatal(err)
	}
	for _, block := range fenced.FindAllStringSubmatch(string(text), -1) {
		if first, _, _ := strings.Cut(block[2], "\n"); block[1] == "yaml" {
			if err := os.WriteFile(strings.TrimPrefix(first, "# "), []byte(block[2]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	searches := regexp.MustCompile("`bin/grpcbench (capacity [^`]+)`").FindAllStringSubmatch(string(text), -1)
	if len(searches) == 0 {
		t.Error("the README says nothing of capacity")
	}
	for _, search := range searches {
		split, err := exec.Command("sh", "-c", `printf '%s\n' `+search[1]).Output()
		if err != nil {
			t.Fatal(err)
		}
		args := append(strings.Split(strings.TrimSpace(string(split)), "\n"), "--set", "fleet.isolation=inprocess", "--out", t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var errs bytes.Buffer
		if code := runWith(ctx, args, io.Discard, &errs, deps{}); code != exitInterrupted {
			t.Errorf("%s: exit code %d: %s", search[1], code, errs.String())
		}
	}
}

// background starts a command that goes on until the test ends, however that ends,
// and waits until it says that it serves.
func background(t *testing.T, dir, line string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line+" & serving=$!; cat; kill $serving")
	cmd.Dir = dir
	held, err := cmd.StdinPipe() // closed by the system where the test is killed
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = held.Close()
		_, _ = io.Copy(io.Discard, said)
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(said); ; {
		if !lines.Scan() {
			t.Fatalf("%s ended", line)
		}
		if strings.HasPrefix(lines.Text(), "serving ") {
			return
		}
	}
}

// freePorts is the first of three ports in a row that nobody listens on.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 100 {
		base := 20000 + rand.IntN(10000)
		free := true
		for port := base; port < base+3; port++ {
			l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
			if free = free && err == nil; err == nil {
				_ = l.Close()
			}
		}
		if free {
			return base
		}
	}
	t.Fatal("no three free ports in a row")
	return 0
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

// ghzFlags are the flags of ghz 0.120.
const ghzFlags = `config proto protoset call import-paths cacert cert key cname skipTLS insecure authority async rps load-schedule load-start
concurrency concurrency-schedule concurrency-start total timeout duration max-duration duration-stop binary metadata stream-interval
stream-call-duration stream-call-count stream-dynamic-messages reflect-metadata output format skipFirst count-errors connections
connect-timeout keepalive name tags cpus debug enable-compression lb-strategy max-recv-message-size max-send-message-size`

// TestReadmeMapsGhz: every flag of ghz has a row, by its long or its short name,
// and what the rows advise can be done.
func TestReadmeMapsGhz(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(readme), "| ghz | grpcbench run |\n| --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("the README has no table for ghz")
	}
	short := map[string]string{"import-paths": "-i", "rps": "-r", "concurrency": "-c", "total": "-n", "timeout": "-t", "duration": "-z", "max-duration": "-x",
		"binary": "-b", "metadata": "-m", "output": "-o", "format": "-O", "enable-compression": "-e"}
	var theirs, ours strings.Builder
	for row := range strings.Lines(table) {
		cells := strings.SplitN(row, " | ", 2)
		theirs.WriteString(cells[0] + "\n")
		ours.WriteString(cells[1] + "\n")
	}
	for _, flag := range strings.Fields(ghzFlags) {
		long := regexp.MustCompile("`(-[a-zA-Z]`/`)?(-[a-zA-Z]/)?--" + flag + "[ `]")
		if !long.MatchString(theirs.String()) && (short[flag] == "" || !strings.Contains(theirs.String(), "`"+short[flag])) {
			t.Errorf("no row for --%s", flag)
		}
	}
	run, _, err := theRoot().Find([]string{"run"})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := []string{"output"} // of report
	for _, m := range regexp.MustCompile("--([a-z-]+)").FindAllStringSubmatch(ours.String(), -1) {
		if run.Flags().Lookup(m[1]) == nil && !slices.Contains(elsewhere, m[1]) {
			t.Errorf("run has no --%s", m[1])
		}
	}
	sets := regexp.MustCompile("--set ('[^']+'|[^ `']+)").FindAllStringSubmatch(ours.String(), -1)
	if len(sets) < 8 {
		t.Errorf("only %d times --set", len(sets))
	}
	for _, m := range sets {
		set := strings.ReplaceAll(strings.Trim(m[1], "'"), "=…", "=x")
		if set == "drain=x" {
			set = "drain=5s"
		}
		method := "user.v1.UserService/GetUser"
		if strings.Contains(set, "messages=") {
			method = "user.v1.UserService/SyncUsers"
		}
		if code, _, stderr := command(t, "run", "--target", "localhost:1", "--call", method, "--rate", "5/s", "--dry-run", "--set", set); code != exitOK {
			t.Errorf("--set %s: %s", set, stderr)
		}
	}
}
