package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// The environment of TestAA: how often each part of it is run, and where its
// summary goes as JSON (`make aa`).
const (
	aaRuns = "GRPCBENCH_AA"
	aaFile = "GRPCBENCH_AA_OUT"
)

// aaGates is what a run of quick.yaml has to meet beside a stored one. Latency is
// gated where retries make it steady, by the mean: both runs draw the same service
// times, so that it moves least by chance. A tenth more service time is 7 to 9 % of
// it.
var aaGates = []string{
	"mean{variant=immediate} <= @main + 4%",
	"p99{variant=immediate} <= @main + 25%",
	"errors{variant=none} <= @main + 3pp",
	"in_slo{variant=full_jitter} > 99%",
}

// aaSlower is quick.yaml's fleet, slowed by a tenth.
const aaSlower = "fleet.service_time={lognormal: {p50: 2.2ms, p99: 13.2ms}}"

// aaEqual compares a setting with itself: every difference it shows is a mistake.
const aaEqual = `
name: equal
about: Are equal variants told apart?
fleet: {backends: 3, service_time: {lognormal: {p50: 2ms, p99: 12ms}}, concurrency: 4}
client: {pool: {size: 2}}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 500/s, slo: 15ms}]
compare: {twin: {a: {}, b: {}, c: {}}}
warmup: 200ms
measure: 800ms
`

// aaSlowBackend has one backend of three that is slower by a twentieth.
const aaSlowBackend = `
name: slow-by-5
about: Is one backend of three found that is slower by 5 %?
fleet: {backends: 3, service_time: {fixed: 20ms}}
client: {pool: {size: 2}}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 300/s, slo: 100ms}]
compare: {backend: {even: {}, slow: {fleet.backends.1.speed: 0.95}}}
warmup: 200ms
measure: 1500ms
`

// aaPart is one question, asked so many times, and the answers. It is written as
// JSON.
type aaPart struct {
	Question string `json:"question"`
	// Must is what is asked of the answers, and Met whether they are so.
	Must    string  `json:"must"`
	Met     bool    `json:"met"`
	Runs    int     `json:"runs"`
	Passed  int     `json:"passed"`
	Open    int     `json:"inconclusive"`
	Failed  int     `json:"failed"`
	Invalid int     `json:"invalid"`
	Each    []aaRun `json:"each"`
}

// aaRun is one run's answer.
type aaRun struct {
	Outcome string `json:"outcome"`
	// Again is how often it was INVALID before, and made again.
	Again int `json:"again,omitempty"`
	// Gates is the outcome of each gate, Shown the rows that were told apart.
	Gates map[string]result.GateOutcome `json:"gates,omitempty"`
	Shown []string                      `json:"shown,omitempty"`
}

// run asks once more. An INVALID measurement is made again, as docs/ci does.
func (p *aaPart) run(ask func() aaRun) {
	const tries = 3
	var r aaRun
	for again := range tries {
		if r = ask(); r.Outcome != "INVALID" {
			r.Again = again
			break
		}
	}
	p.Runs++
	switch r.Outcome {
	case "passed":
		p.Passed++
	case "failed":
		p.Failed++
	case "INVALID":
		p.Invalid++
	default:
		p.Open++
	}
	p.Each = append(p.Each, r)
	fmt.Fprintf(os.Stderr, "aa: %s: run %d: %s %s\n", p.Question, p.Runs, r.Outcome, strings.Join(r.Shown, ", "))
}

// TestAA asks, in real time and with real processes, whether runs of the same
// thing are told apart, and whether what was made a little slower is found. It
// takes a minute for each of GRPCBENCH_AA runs, on a machine with nothing else to
// do: `make aa`.
func TestAA(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(aaRuns))
	if err != nil || n < 1 {
		t.Skipf("takes a machine of its own: set %s to a number of runs, as `make aa` does", aaRuns)
	}
	stored := aaBaseline(t)
	parts := []*aaPart{gatedAA(t, n, stored), slowedAA(t, (n+3)/4, stored), equalAA(t, n), slowBackendAA(t, (n+1)/2)}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nQUESTION\tRUNS\tPASSED\tINCONCLUSIVE\tFAILED\tINVALID\tMUST\t")
	for _, p := range parts {
		verdict := "met"
		if !p.Met {
			verdict = "NOT MET"
			t.Errorf("%s: %d passed, %d inconclusive, %d failed, %d INVALID; must: %s", p.Question, p.Passed, p.Open, p.Failed, p.Invalid, p.Must)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s: %s\t\n", p.Question, p.Runs, p.Passed, p.Open, p.Failed, p.Invalid, p.Must, verdict)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if file := os.Getenv(aaFile); file != "" {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(parts); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const quickYAML = "../../scenarios/quick.yaml"

// gatedAA runs quick.yaml again and again, each gated against the same first run.
func gatedAA(t *testing.T, n int, stored string) *aaPart {
	p := &aaPart{Question: "quick.yaml gated against itself", Must: "none failed, at most a quarter undecided"}
	for range n {
		p.run(func() aaRun {
			out := t.TempDir()
			args := []string{"run", quickYAML, "--quiet", "--out", out, "--baselines", stored}
			code := aaCommand(t, append(args, aaGateArgs()...)...)
			return aaGated(t, code, out, aaGateOutcome(code))
		})
	}
	p.Met = p.Failed == 0 && 4*(p.Open+p.Invalid) <= n
	return p
}

// slowedAA gates a slower fleet likewise.
func slowedAA(t *testing.T, n int, stored string) *aaPart {
	p := &aaPart{Question: "quick.yaml slower by 10 %", Must: "found, at most a quarter undecided"}
	for range n {
		p.run(func() aaRun {
			out := t.TempDir()
			ran := aaCommand(t, "run", quickYAML, "--quiet", "--out", out, "--set", aaSlower)
			if ran != exitOK && ran != exitInvalid {
				t.Fatalf("the slower run: exit code %d", ran)
			}
			code := aaCommand(t, append([]string{"compare", "@main", out, "--force", "--baselines", stored}, aaGateArgs()...)...)
			outcome := aaGateOutcome(code)
			switch outcome { // to be found is what it has to pass
			case "failed":
				outcome = "passed"
			case "passed":
				outcome = "failed"
			}
			return aaRun{Outcome: outcome}
		})
	}
	p.Met = p.Failed == 0 && 4*(p.Open+p.Invalid) <= n
	return p
}

// aaBaseline stores a run of quick.yaml as @main, and returns where.
func aaBaseline(t *testing.T) string {
	t.Helper()
	out, stored := t.TempDir(), t.TempDir()
	const tries = 10 // an INVALID run is nothing to measure others by
	for try := 1; ; try++ {
		code := aaCommand(t, "run", quickYAML, "--quiet", "--out", out)
		if code == exitOK {
			break
		}
		if code != exitInvalid {
			t.Fatalf("the first run: exit code %d", code)
		}
		if try == tries {
			t.Fatalf("the first run was INVALID %d times: the machine is too busy", tries)
		}
	}
	if code := aaCommand(t, "baseline", "save", "main", out, "--dir", stored); code != exitOK {
		t.Fatalf("baseline save: exit code %d", code)
	}
	return stored
}

// equalAA compares three equal variants within a run, with other draws each time.
func equalAA(t *testing.T, n int) *aaPart {
	p := &aaPart{Question: "equal variants within a run", Must: fmt.Sprintf("~ on every row in %d of %d", n-aaByChance(n), n)}
	file := write(t, "equal.yaml", aaEqual)
	for seed := range n {
		p.run(func() aaRun {
			out := t.TempDir()
			code := aaCommand(t, "run", file, "--quiet", "--out", out, "--set", fmt.Sprintf("seed=%d", seed+1))
			r := aaGated(t, code, out, "passed")
			r.Shown = aaShown(t, out)
			if r.Outcome == "passed" && len(r.Shown) > 0 {
				r.Outcome = "failed"
			}
			return r
		})
	}
	p.Met = p.Failed <= aaByChance(n) && 4*p.Invalid <= n
	return p
}

// aaByChance is how many of n runs may show a difference that is not there: 95 %
// intervals do in one of twenty.
func aaByChance(n int) int { return max(1, n/20) }

// slowBackendAA looks for a backend that is slower by a twentieth.
func slowBackendAA(t *testing.T, n int) *aaPart {
	p := &aaPart{Question: "a backend slower by 5 %", Must: "found, at most a quarter undecided"}
	file := write(t, "slow.yaml", aaSlowBackend)
	for seed := range n {
		p.run(func() aaRun {
			out := t.TempDir()
			code := aaCommand(t, "run", file, "--quiet", "--out", out, "--set", fmt.Sprintf("seed=%d", seed+1))
			r := aaGated(t, code, out, "passed")
			if r.Shown = aaShown(t, out); r.Outcome == "passed" && !strings.Contains(strings.Join(r.Shown, " "), "p99 above") {
				r.Outcome = "failed"
			}
			return r
		})
	}
	p.Met = p.Passed == n
	return p
}

// aaShown is the differences that the table of a run shows: rows that are not ~.
func aaShown(t *testing.T, out string) []string {
	t.Helper()
	r := readJSON(t, filepath.Join(out, resultName))
	samples := make([][]stats.Sample, len(r.Variants))
	for i := range r.Variants {
		samples[i] = stats.Samples(&r.Variants[i], "reads")
	}
	var shown []string
	for _, m := range []stats.Metric{stats.ResponseAt(stats.P99), stats.InSLO()} {
		for i, c := range stats.Against(samples, 0, m) {
			switch {
			case c == nil || !c.Shown():
			case c.More():
				shown = append(shown, r.Variants[i].Name+" "+m.Name+" above")
			default:
				shown = append(shown, r.Variants[i].Name+" "+m.Name+" below")
			}
		}
	}
	return shown
}

// aaGated is the answer of a run that ended with code, with what its gates were.
func aaGated(t *testing.T, code int, out, outcome string) aaRun {
	t.Helper()
	r := aaRun{Outcome: outcome}
	switch code {
	case exitOK, exitInconclusive, exitGate:
	case exitInvalid:
		r.Outcome = "INVALID"
	default:
		t.Fatalf("exit code %d", code)
	}
	for _, g := range readJSON(t, filepath.Join(out, resultName)).Gates {
		if r.Gates == nil {
			r.Gates = map[string]result.GateOutcome{}
		}
		r.Gates[g.Text] = g.Outcome
	}
	return r
}

// aaGateOutcome is what an exit code says of gates.
func aaGateOutcome(code int) string {
	return map[int]string{exitOK: "passed", exitInconclusive: "inconclusive", exitGate: "failed", exitInvalid: "INVALID"}[code]
}

func aaGateArgs() []string {
	var args []string
	for _, g := range aaGates {
		args = append(args, "--gate", g)
	}
	return args
}

// aaCommand runs the command as a process and returns its exit code.
func aaCommand(t *testing.T, args ...string) int {
	t.Helper()
	p := startCommand(t, args...)
	err := p.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return exitOK
}

// TestAAGatesParse: a mistake in them is found before a night's run is.
func TestAAGatesParse(t *testing.T) {
	for _, text := range aaGates {
		if _, err := gate.Parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if code, _, stderr := command(t, "validate", quickYAML, write(t, "equal.yaml", aaEqual), write(t, "slow.yaml", aaSlowBackend)); code != exitOK {
		t.Error(stderr)
	}
	for n, want := range map[int]int{1: 1, 20: 1, 39: 1, 40: 2} {
		if got := aaByChance(n); got != want {
			t.Errorf("by chance: %d of %d, want %d", got, n, want)
		}
	}
}
