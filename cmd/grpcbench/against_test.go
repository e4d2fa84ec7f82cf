package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

const builds = `
name: builds
fleet: {backends: 2, service_time: {exponential: 2ms}}
client: {retry: none}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 200/s, slo: 20s}]
compare: {client.pool.size: [1, 2]}
trials: 3
warmup: 50ms
measure: 300ms
gates: [errors < 1%, 'errors <= baseline + 1pp']
`

// otherBuild is a second grpcbench, of another version: this one with a word of
// its source changed.
func otherBuild(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a binary")
	}
	folder := t.TempDir()
	source, err := filepath.Abs("root.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	const head = "func version() string {\n"
	changed := strings.Replace(string(text), head, head+"\tif len(os.Args) > 0 {\n\t\treturn \"v0.9.0\"\n\t}\n", 1)
	if changed == string(text) {
		t.Fatal("root.go has no version() to change")
	}
	replaced := filepath.Join(folder, "root.go")
	if err := os.WriteFile(replaced, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "overlay.json"), overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(folder, "grpcbench-0.9")
	if out, err := exec.Command("go", "build", "-overlay", filepath.Join(folder, "overlay.json"), "-o", other, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return other
}

// TestRunAgainstAnotherBuild: two builds run the same calls block by block, and the
// table compares them.
func TestRunAgainstAnotherBuild(t *testing.T) {
	other := otherBuild(t)
	out := t.TempDir()
	p := startCommand(t, "run", write(t, "builds.yaml", builds), "--out", out, "--quiet", "--against", other,
		"--gate", "attempts <= baseline + 1%", "--inconclusive=pass")
	err := p.Wait()
	exit, _ := errors.AsType[*exec.ExitError](err)
	if err != nil && (exit == nil || exit.ExitCode() != exitInvalid) { // a busy machine measures nothing well
		t.Fatalf("%v\n%s", err, p.stderr.String())
	}
	r := readJSON(t, filepath.Join(out, resultName))
	if len(r.Builds) != 2 || r.Builds[0].Name != "v0.9.0" || r.Builds[0].Environment.Grpcbench != "v0.9.0" || r.Builds[1].Environment.Grpcbench != version() {
		t.Fatalf("builds: %+v", r.Builds)
	}
	this := r.Builds[1].Name
	dimension := result.Dimension{Name: "build", Values: []string{"v0.9.0", this}, Baseline: "v0.9.0"}
	if n := len(r.Scenario.Dimensions); n != 2 || r.Scenario.Dimensions[0].Baseline != "" || !cmp.Equal(r.Scenario.Dimensions[1], dimension) {
		t.Errorf("dimensions: %+v", r.Scenario.Dimensions)
	}
	var names []string
	planned := map[string]map[int]int64{}
	for _, v := range r.Variants {
		names = append(names, v.Name)
		planned[v.Name] = map[int]int64{}
		for _, trial := range v.Trials {
			planned[v.Name][trial.Block] = trial.Series[0].Planned
			if trial.Series[0].OK() == 0 || trial.Fleet == nil || trial.Client.CPUNS == 0 {
				t.Errorf("%s, block %d: an empty trial", v.Name, trial.Block)
			}
		}
	}
	want := []string{"pool.size=1,build=v0.9.0", "pool.size=1,build=" + this, "pool.size=2,build=v0.9.0", "pool.size=2,build=" + this}
	if !cmp.Equal(names, want) {
		t.Errorf("variants: %v", names)
	}
	for _, name := range names {
		if diff := cmp.Diff(planned[want[0]], planned[name]); len(planned[name]) != 3 || diff != "" {
			t.Errorf("%s is offered other calls (%d blocks): %s", name, len(planned[name]), diff)
		}
	}
	for _, text := range []string{"* baseline", "v0.9.0 *", "build v0.9.0: grpcbench v0.9.0, grpc-go "} {
		if !strings.Contains(p.stdout.String(), text) {
			t.Errorf("the table lacks %q:\n%s", text, p.stdout.String())
		}
	}
	// The document's gate against its own baseline is left out, loudly; the rest are
	// about this build.
	if text := p.stderr.String(); !strings.Contains(text, "the gate errors <= baseline + 1pp is left out") {
		t.Errorf("stderr: %s", text)
	}
	if len(r.Gates) != 2 || r.Gates[0].Text != "errors < 1%" || r.Gates[1].Text != "attempts <= baseline + 1%" {
		t.Fatalf("gates: %+v", r.Gates)
	}
	for _, g := range r.Gates {
		for _, c := range g.Cases {
			if !strings.HasSuffix(c.Variant, "build="+this) {
				t.Errorf("%s is judged for %s", g.Text, c.Variant)
			}
		}
		if g.Outcome != result.GateNotJudged && len(g.Cases) != 2 {
			t.Errorf("%s: %+v", g.Text, g)
		}
	}
}

// fakeBuild is a program that says something else than a build would.
func fakeBuild(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAgainstSaysWhatIsWrong(t *testing.T) {
	greet := fmt.Sprintf(`echo '{"protocol":%d,"schema_version":%d,"environment":{"grpc":"1.0.0"}}'; read plan; `, bench.Protocol, result.SchemaVersion)
	file := write(t, "builds.yaml", builds)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing there":    {[]string{"--against", "./nowhere"}, "--against: ./nowhere: no such file or directory"},
		"not in PATH":      {[]string{"--against", "grpcbench-of-old"}, "a path has a slash: ./grpcbench-of-old"},
		"no program":       {[]string{"--against", file}, file + ": permission denied"},
		"an older build":   {[]string{"--against", fakeBuild(t, `echo "grpcbench: unknown command \"$1\"" >&2; exit 2`)}, `it does not run trials on command, as grpcbench does (protocol 1): it ended with exit status 2: grpcbench: unknown command "trial-process"`},
		"another program":  {[]string{"--against", fakeBuild(t, "echo hello")}, "it says what nobody understands: invalid character 'h'"},
		"another protocol": {[]string{"--against", fakeBuild(t, `echo '{"protocol":7,"schema_version":1}'; cat`)}, "it speaks protocol 7 of trials with results of schema 1, and this grpcbench protocol 1"},
		"another language": {[]string{"--against", fakeBuild(t, greet+`echo '{"refused":"builds.yaml:4:9: client.retry: unknown key"}'; cat`)}, "it does not run this scenario: builds.yaml:4:9: client.retry: unknown key"},
		"another plan":     {[]string{"--against", fakeBuild(t, greet+`echo '{"plan_sha256":"00"}'; cat`)}, "it makes another load, other faults or other times of this scenario"},
		"dies at the plan": {[]string{"--against", fakeBuild(t, greet+`echo 'out of memory' >&2; exit 1`)}, "it ended with exit status 1: out of memory"},
		"inprocess":        {[]string{"--against", self, "--set", "fleet.isolation=inprocess"}, "--against: fleet.isolation must be process"},
		"a stored result":  {[]string{"--against", self, "--gate", "p99 <= @main + 5%"}, "compares with a stored result, and --against with the other build: write baseline"},
		"a dimension":      {[]string{"--against", self, "--set", "compare.build={a: {}, b: {}}"}, "--against: the document compares something that it calls build: rename that"},
		"a name alone":     {[]string{"--against-name", "old"}, "--against-name names the build of --against, which is not given"},
		"the same name":    {[]string{"--against", self, "--against-name", "this"}, "--against-name: this build is called this already"},
		"a broken one":     {[]string{"--against", self, "--set", "client.pol=1"}, "did you mean"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out")
			code, stdout, stderr := command(t, append([]string{"run", file, "--out", out}, test.args...)...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("code %d, want %d with %q\n%s%s", code, exitUsage, test.want, stdout, stderr)
			}
			if strings.Count(strings.TrimSpace(stderr), "\n") > 3 {
				t.Errorf("that is more than a sentence:\n%s", stderr)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("it left a folder behind")
			}
		})
	}
}

// children are the processes below pid that run cmd, the hidden command.
func children(pid int, cmd string) []int {
	var found []int
	for _, child := range fleets(pid) {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); err == nil && strings.Contains(string(line), "\x00"+cmd+"\x00") {
			found = append(found, child)
		}
	}
	return found
}

// TestAgainstInTrouble: interrupts, and the death of either side, end a run of two
// builds as they end any other, and leave nothing running.
func TestAgainstInTrouble(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		do   func(t *testing.T, command int)
		code int
		want string // on stderr
	}{
		"interrupted": {func(t *testing.T, pid int) { mustSignal(t, pid, syscall.SIGINT) }, exitInterrupted, "interrupted; the result is partial"},
		"a build dies": {func(t *testing.T, pid int) {
			for _, child := range children(pid, trialsCommandName) {
				mustSignal(t, child, syscall.SIGKILL)
			}
		}, exitInternal, "during a trial: it ended with signal: killed"},
		"the fleet dies": {func(t *testing.T, pid int) {
			// Whether the trial has noticed by then or not.
			mustSignal(t, children(pid, fleetCommandName)[0], syscall.SIGKILL)
			mustSignal(t, pid, syscall.SIGINT)
		}, exitInterrupted, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			p := startCommand(t, "run", write(t, "builds.yaml", strings.Replace(builds, "measure: 300ms", "measure: 1h", 1)),
				"--out", out, "--against", self, "--against-name", "old", "--live", ":0")
			p.mustMeasure(t)
			running := append(children(p.Process.Pid, trialsCommandName), children(p.Process.Pid, fleetCommandName)...)
			if len(running) != 3 {
				t.Fatalf("%d processes, want two builds and a fleet", len(running))
			}
			test.do(t, p.Process.Pid)
			err := p.Wait()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != test.code || !strings.Contains(p.stderr.String(), test.want) {
				t.Errorf("ended with %v, want %d with %q\n%s", err, test.code, test.want, p.stderr.String())
			}
			for _, child := range running {
				eventually(t, "the children to end", func() bool { return !alive(child) })
			}
			if test.code == exitInterrupted {
				r := readJSON(t, filepath.Join(out, resultName))
				died := false
				for _, v := range r.Variants {
					for _, trial := range v.Trials {
						for _, reason := range trial.Validity.Reasons {
							died = died || reason.Code == "fleet_died"
						}
					}
				}
				if !r.Partial || died != (name == "the fleet dies") {
					t.Errorf("partial %v, fleet died %v", r.Partial, died)
				}
			}
		})
	}
}
