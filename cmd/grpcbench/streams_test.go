package main

import (
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asked is one way to call a command, and what is to come of it.
type asked struct {
	args []string
	// quiet is that it has --quiet, and tells of its progress without.
	quiet bool
	// json is that it prints one JSON document with --json; has is a key of it.
	json bool
	has  string
}

// everyCommand is every command that ends by itself, on a result that was stored.
func everyCommand(t *testing.T) []asked {
	t.Helper()
	out, dir := filepath.Join(t.TempDir(), "out"), t.TempDir()
	// Enough trials: a warning of too few is no matter of progress.
	file := write(t, "small.yaml", strings.Replace(small, "trials: 2", "trials: 6", 1))
	if code, _, stderr := inVirtualTime(t, "run", file, "--out", out, "--quiet"); code != exitOK {
		t.Fatal(stderr)
	}
	if code, _, stderr := command(t, "baseline", "save", "main", out, "--dir", dir); code != exitOK {
		t.Fatal(stderr)
	}
	return []asked{
		{args: []string{"run", file, "--out", t.TempDir()}, quiet: true, json: true, has: "variants"},
		{args: []string{"capacity", file, "--only", "immediate", "--slo", "p99 < 50ms", "--measure", "2s", "--max-rate", "500/s", "--out", t.TempDir()}, quiet: true, json: true, has: "capacity"},
		{args: []string{"validate", file}},
		{args: []string{"explain", file}},
		{args: []string{"schema"}},
		{args: []string{"schema", "--result"}},
		{args: []string{"list"}},
		{args: []string{"man"}},
		{args: []string{"report", out}},
		{args: []string{"review", out}},
		{args: []string{"baseline", "save", "again", out, "--dir", dir}},
		{args: []string{"baseline", "list", "--dir", dir}, json: true, has: "baselines"},
		{args: []string{"baseline", "show", "main", "--dir", dir}, json: true, has: "variants"},
		{args: []string{"compare", "@main", out, "--baselines", dir}, json: true, has: "changes"},
		{args: []string{"history", filepath.Join(t.TempDir(), "history.jsonl"), out}, json: true, has: "groups"},
	}
}

// TestStandardOutputIsForResults: what a command was asked for goes to standard
// output; what it tells of itself to standard error, which --quiet leaves empty.
func TestStandardOutputIsForResults(t *testing.T) {
	if testing.Short() {
		t.Skip("runs each command three times")
	}
	seen := map[string]bool{}
	for _, c := range everyCommand(t) {
		seen[c.args[0]] = true
		t.Run(strings.Join(c.args[:min(2, len(c.args))], " "), func(t *testing.T) {
			code, stdout, stderr := inVirtualTime(t, c.args...)
			if code != exitOK || stdout == "" || (stderr != "") != c.quiet {
				t.Errorf("code %d, %d bytes on standard output, on standard error: %q", code, len(stdout), stderr)
			}
			if c.quiet {
				for _, word := range []string{"trials of", "elapsed", "result: "} {
					if strings.Contains(stdout, word) {
						t.Errorf("standard output has %q:\n%s", word, stdout)
					}
				}
				code, again, stderr := inVirtualTime(t, append(c.args, "--quiet")...)
				if code != exitOK || again == "" || stderr != "" {
					t.Errorf("--quiet: code %d, standard error %q", code, stderr)
				}
			}
			if !c.json {
				return
			}
			code, stdout, _ = inVirtualTime(t, append(c.args, "--json")...)
			decoder := json.NewDecoder(strings.NewReader(stdout))
			document := map[string]any{}
			if err := decoder.Decode(&document); err != nil || code != exitOK || document[c.has] == nil {
				t.Errorf("--json: code %d, %v: %.300s", code, err, stdout)
			}
			if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
				t.Errorf("--json: more than one document (%v)", err)
			}
		})
	}
	// Those that serve until they are told to end, or want a server, have tests of
	// their own.
	serve := []string{"serve", "fault", "call", "services", fleetCommandName, trialsCommandName, "help", "completion"}
	for _, sub := range (&app{}).root().Commands() {
		if !seen[sub.Name()] && !slices.Contains(serve, sub.Name()) {
			t.Errorf("%s has no line in this test", sub.Name())
		}
	}
}

// TestMistakesLeaveStandardOutputEmpty: whoever pipes it gets nothing rather than
// half of something.
func TestMistakesLeaveStandardOutputEmpty(t *testing.T) {
	file := smallScenario(t)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"json and another":  {[]string{"run", file, "--json", "--format", "csv"}, "--json is --format json (got --format csv, too)"},
		"capacity likewise": {[]string{"capacity", file, "--slo", "p99 < 1s", "--json", "--format", "table"}, "--json is --format json (got --format table, too)"},
		"compare likewise":  {[]string{"compare", "a", "b", "--json", "--format", "markdown"}, "--json is --format json"},
		"nothing to list":   {[]string{"baseline", "save", "x", file, "--json"}, "--json is of show and list"},
		"a broken scenario": {[]string{"run", write(t, "x.yaml", "laod: []"), "--json"}, "laod"},
	} {
		if code, stdout, stderr := command(t, test.args...); code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: code %d, stdout %q, stderr %q", name, code, stdout, stderr)
		}
	}
}
