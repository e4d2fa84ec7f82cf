package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/reports/result"
)

// command runs the command as main does, without a terminal or a fleet
// process.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = runWith(t.Context(), args, &out, &errs, deps{})
	return code, out.String(), errs.String()
}

// inVirtualTime runs the command on an in-memory network in virtual time, with
// the fleet in process.
func inVirtualTime(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		var out, errs bytes.Buffer
		code = runWith(t.Context(), args, &out, &errs, deps{
			Listen: network.Listen,
			Dial:   func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) },
		})
		stdout, stderr = out.String(), errs.String()
	})
	return code, stdout, stderr
}

const small = `
name: small
about: Does a retry hide failures?
fleet:
  backends: 2
  isolation: inprocess
  service_time: {fixed: 2ms}
  faults: [{probability: 30%, inject: {status: {code: UNAVAILABLE}}}]
load: [{name: reads, call: GetUser, rate: 200/s, slo: 50ms}]
compare:
  retry:
    none: {client.retry: none}
    immediate: {client.retry: {backoff: immediate, attempts: 3}}
trials: 2
warmup: 100ms
measure: 1s
`

func smallScenario(t *testing.T) string {
	t.Helper()
	return write(t, "small.yaml", small)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunPrintsItsTableAndKeepsItsResult(t *testing.T) {
	out := t.TempDir()
	code, stdout, stderr := inVirtualTime(t, "run", smallScenario(t), "--out", out, "--note", "a note", "--label", "commit=abc")
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"none", "immediate", "in SLO %", "VALID", "books exact"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, stdout)
		}
	}
	r := readJSON(t, filepath.Join(out, resultName))
	if r.Partial || r.Note != "a note" || r.Labels["commit"] != "abc" || len(r.Variants) != 2 || len(r.Variants[0].Trials) != 2 {
		t.Errorf("the result is not what was run: %+v", r)
	}
	for _, trial := range r.Variants[0].Trials {
		if got := trial.Series[0]; got.Codes["UNAVAILABLE"] == 0 || got.Attempts != got.Calls {
			t.Errorf("without retries: %d attempts of %d calls, codes %v", got.Attempts, got.Calls, got.Codes)
		}
	}

	code, again, stderr := command(t, "report", out)
	if code != exitOK || again != stdout {
		t.Errorf("report does not repeat the run's table (code %d, %s):\n%s", code, stderr, again)
	}
	for _, format := range printedNames() {
		if code, text, stderr := command(t, "report", filepath.Join(out, resultName), "--format", format); code != exitOK || text == "" {
			t.Errorf("report --format %s: code %d, %s", format, code, stderr)
		}
	}
}

// TestResultsAreKeptByScenarioAndTime: without --out nothing is overwritten, not
// either where two runs begin in the same second, and the newest is easy to find.
func TestResultsAreKeptByScenarioAndTime(t *testing.T) {
	t.Chdir(t.TempDir())
	file := smallScenario(t)
	for _, note := range []string{"first", "second", "third"} {
		// Virtual time begins anew in each bubble.
		if code, _, stderr := inVirtualTime(t, "run", file, "--note", note); code != exitOK {
			t.Fatal(stderr)
		}
		if r := readJSON(t, filepath.Join("results", "small", latestName, resultName)); r.Note != note {
			t.Errorf("latest is %q, want %q", r.Note, note)
		}
	}
	for folder, note := range map[string]string{"20000101T000000Z": "first", "20000101T000000Z-2": "second", "20000101T000000Z-3": "third"} {
		if r := readJSON(t, filepath.Join("results", "small", folder, resultName)); r.Note != note {
			t.Errorf("%s is %q, want %q", folder, r.Note, note)
		}
	}
	if got, want := filesIn(t, "results/small"), []string{"20000101T000000Z", "20000101T000000Z-2", "20000101T000000Z-3", latestName}; !slices.Equal(got, want) {
		t.Errorf("results/small has %v, want %v", got, want)
	}
}

// A folder that is there and cannot be written is told of before the run, not by the
// loss of its result.
func TestOutCannotBeWritten(t *testing.T) {
	const readOnly = "/proc/self" // for root, too
	if _, err := os.Stat(readOnly); err != nil {
		t.Skip("no /proc")
	}
	code, stdout, stderr := inVirtualTime(t, "run", smallScenario(t), "--out", readOnly)
	if code != exitUsage || stdout != "" || !strings.Contains(stderr, "grpcbench: --out: /proc/self cannot be written: ") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if left, _ := filepath.Glob("results/*"); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

func readJSON(t *testing.T, path string) *result.Result {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r result.Result
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func TestUsageErrors(t *testing.T) {
	file := smallScenario(t)
	broken := write(t, "broken.yaml", "name: x\nlaod: []\n")
	notResult := write(t, "result.json", "{}")
	tests := map[string]struct {
		args []string
		want string
	}{
		"unknown command":     {[]string{"rum"}, `unknown command "rum"; did you mean "run"?`},
		"unknown flag":        {[]string{"run", file, "--trails", "3"}, "unknown flag: --trails, did you mean --trials?\nSee `grpcbench run --help`."},
		"one dash":            {[]string{"run", file, "-out=x"}, "in -out=x, did you mean --out?"},
		"nothing like it":     {[]string{"run", file, "--zzzzzz"}, "unknown flag: --zzzzzz\n"},
		"no file":             {[]string{"run"}, "want a scenario file, or a scenario on the command line"},
		"two files":           {[]string{"explain", file, file}, "want one file, not 2"},
		"missing file":        {[]string{"run", "nowhere.yaml"}, "nowhere.yaml: no such file or directory"},
		"broken scenario":     {[]string{"run", broken}, "broken.yaml:2:1: laod: "},
		"validate nothing":    {[]string{"validate"}, "which scenario?"},
		"no trials":           {[]string{"run", file, "--trials", "0"}, "--trials must be at least 1 (got 0)"},
		"negative measure":    {[]string{"run", file, "--measure", "-1s"}, "--measure must be > 0 (got -1s)"},
		"unknown path":        {[]string{"run", file, "--set", "client.pol.size=3"}, "did you mean"},
		"unknown variant":     {[]string{"run", file, "--only", "retry=non"}, "retry=none"},
		"label without =":     {[]string{"run", file, "--label", "x"}, "KEY=VALUE"},
		"label twice":         {[]string{"run", file, "--label", "x=1", "--label", "x=2"}, "given twice"},
		"unknown format":      {[]string{"run", file, "--format", "tabel"}, `did you mean "table"?`},
		"report of nothing":   {[]string{"report", "nowhere.json"}, "no such file"},
		"report of no result": {[]string{"report", notResult}, "schema_version"},
		"words after list":    {[]string{"list", "faults"}, "grpcbench list takes no arguments (got \"faults\"). See `grpcbench list --help`."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := command(t, test.args...)
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("want %q on stderr alone; got %q, stdout %q", test.want, stderr, stdout)
			}
			if left, _ := os.ReadDir("."); len(left) > 0 {
				t.Errorf("it left %v behind", left)
			}
		})
	}
}

func TestValidateSaysAllThatIsWrong(t *testing.T) {
	good, bad, worse := smallScenario(t), write(t, "bad.yaml", "name: x\nseed: -1\nlaod: []\n"), write(t, "worse.yaml", "[")
	code, stdout, stderr := command(t, "validate", good, bad, worse)
	if code != exitUsage || !strings.Contains(stdout, "small.yaml: ok, 2 trials of 2 variants") {
		t.Errorf("code %d, stdout %q", code, stdout)
	}
	for _, want := range []string{"bad.yaml:2:1: seed", "bad.yaml:3:1: laod", "worse.yaml:1:"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, stderr)
		}
	}
}

func TestSchemaAndListAndExplainPrint(t *testing.T) {
	for _, args := range [][]string{{"schema"}, {"list"}, {"explain", smallScenario(t)}, {"--help"}, {"--version"}, {"run", "--help"}} {
		code, stdout, stderr := command(t, args...)
		if code != exitOK || stdout == "" || stderr != "" {
			t.Errorf("%v: code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	_, stdout, _ := command(t, "schema")
	var schema map[string]any
	if err := json.Unmarshal([]byte(stdout), &schema); err != nil || schema["$schema"] != "http://json-schema.org/draft-07/schema#" {
		t.Errorf("not a draft-07 schema (%v): %.200s", err, stdout)
	}
	_, stdout, _ = command(t, "list")
	for _, want := range []string{"round_robin", "exponential", "lognormal", "down", "poisson", "full",
		"UNAVAILABLE          The server could not be reached", "CANCELLED", "UNAUTHENTICATED"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("list lacks %q", want)
		}
	}
}
