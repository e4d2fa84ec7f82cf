package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// gateFlags are the flags of every command that judges by gates.
type gateFlags struct {
	gates        []string
	inconclusive string
	dir          string
}

func (f *gateFlags) register(c *cobra.Command, gates string) {
	c.Flags().StringArrayVar(&f.gates, "gate", nil, gates)
	c.Flags().StringVar(&f.inconclusive, "inconclusive", "fail", "what gates that cannot be decided end with, `fail|pass`: fail is exit code 4")
	c.Flags().StringVar(&f.dir, "baselines", defaultBaselines, "`DIR` of the results that @NAME in gates means")
}

func (f *gateFlags) check() error {
	if f.inconclusive != "fail" && f.inconclusive != "pass" {
		return usageError("--inconclusive must be pass or fail (got %q)", f.inconclusive)
	}
	return nil
}

// unused refuses flags that say how gates are judged where there are none. stored is
// that --baselines has another use, too.
func (f *gateFlags) unused(c *cobra.Command, stored bool) error {
	for _, name := range []string{"inconclusive", "baselines"} {
		if len(f.gates) == 0 && c.Flags().Changed(name) && !(stored && name == "baselines") {
			return usageError("--%s is for --gate, and none is given", name)
		}
	}
	return nil
}

// parse reads --gate where there is no plan to check it against.
func (f *gateFlags) parse() ([]gate.Gate, error) {
	var gates []gate.Gate
	var wrong []string
	for _, text := range f.gates {
		g, err := gate.Parse(text)
		if err != nil {
			wrong = append(wrong, scenario.GateError("--gate", text, err).Error())
		}
		gates = append(gates, g)
	}
	if len(wrong) > 0 {
		return nil, usageError("%s", strings.Join(wrong, "\n"))
	}
	return gates, nil
}

// stored reads the results that gates name, each once, so that a name that is
// wrong is told before an hour's run and not after it.
func (f *gateFlags) stored(gates []gate.Gate, given map[string]*result.Result) (gate.Stored, error) {
	read := map[string]*result.Result{}
	for name, r := range given {
		read[name] = r
	}
	for _, g := range gates {
		name := g.Bound.Reference
		if !g.Stored() || read[name] != nil {
			continue
		}
		r, err := (baselines{f.dir}).read(name)
		if err != nil {
			return nil, usageError("gate %s: %v", g, err)
		}
		read[name] = r
	}
	return func(name string) (*result.Result, error) { return read[name], nil }, nil
}

// judgeGates judges the result and keeps what came of it there.
func judgeGates(r *result.Result, gates []gate.Gate, o gate.Options) error {
	judged, err := gate.Judge(r, gates, o)
	if e, ok := errors.AsType[*gate.GateError](err); ok {
		return usageError("%v", scenario.GateError("--gate", e.Gate.Text, e.Err))
	}
	if err != nil {
		return internalError(err)
	}
	r.Gates = judged
	return nil
}

// exit is what that the gates of the results ask for.
func (f *gateFlags) exit(results ...*result.Result) error {
	var failures []error
	for _, r := range results {
		switch gate.Worst(r.Gates) {
		case result.GateFailed:
			failures = append(failures, gateExit(exitGate, r, result.GateFailed))
		case result.GateNotJudged:
			failures = append(failures, &exitError{code: exitInvalid, message: "grpcbench: the measurement is INVALID: its gates are not judged"})
		case result.GateInconclusive:
			if f.inconclusive != "pass" {
				failures = append(failures, gateExit(exitInconclusive, r, result.GateInconclusive))
			}
		}
	}
	return mostImportant(failures)
}

func gateExit(code int, r *result.Result, o result.GateOutcome) error {
	var lines []string
	for _, line := range reports.GateLines(r, o) {
		lines = append(lines, "grpcbench: "+line)
	}
	return &exitError{code: code, message: strings.Join(lines, "\n")}
}

// defaultBaselines is where stored results are, below the working directory.
const defaultBaselines = ".grpcbench/baselines"
