package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/heap"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

// resultName is the file that a run leaves in its output folder.
const resultName = "result.json"

func (a *app) runCommand() *cobra.Command {
	var (
		flags  scenarioFlags
		out    string
		format string
		note   string
		labels []string
		quiet  bool
		gated  gateFlags
		told   liveFlags
		other  againstFlags
		asJSON bool
		direct runFlags
		dry    bool
	)
	c := &cobra.Command{
		Use:   "run [FILE]",
		Short: "Run a scenario and print its table",
		Long: `run carries out a scenario: trial by trial, every variant under the same arrivals
and faults. The table goes to standard output, progress to standard error, and
everything measured into result.json, from which 'grpcbench report' renders it
again.

Without FILE the scenario is on the command line: --target, --call, --data and --rate
or --workers, against any gRPC server. It is read as a file would be; --save writes
the file, to go on from. Flags that begin a scenario are not for one in a file, which
--set changes.

Gates, the scenario's and those of --gate, are what the result must meet: absolute
('p99{load=reads} < 20ms'), against the scenario's baseline ('p99 <= baseline + 5%')
or against a stored result ('errors <= @main + 0.1pp'; see 'grpcbench baseline').

With --against another build of grpcbench (of a new grpc-go, say) runs the same trials
as this one, block by block in random order, against the same fleet: far quieter than
comparing with a stored result. Each variant has a table with the other build as the
baseline; gates are about this build, 'p99 <= baseline + 5%' against the other.

Exit codes: 0 ran, and every gate passed; 1 internal error; 2 usage or scenario
error, or a target that cannot be reached; 3 the measurement is INVALID; 4 a gate is
inconclusive; 99 a gate failed, or abort_when stopped the run; 130 interrupted (what
was measured is written, marked partial).`,
		Example: `  grpcbench run scenarios/quick.yaml
  grpcbench run scenarios/backoffs.yaml --only backoff=none --only backoff=fixed
  grpcbench run scenarios/quick.yaml --gate 'in_slo{variant=full_jitter} > 99%' --inconclusive=pass
  grpcbench run scenarios/backoffs.yaml --live :8080
  grpcbench run scenarios/quick.yaml --against ./grpcbench-old --gate 'p99 <= baseline + 5%'
  grpcbench run --target localhost:50051 --call user.v1.UserService/GetUser --data '{"user_id": "7"}' --rate 500/s --measure 30s
  grpcbench run --target pay:443 --tls --bearer-file token --call pay.v1.Payments/Charge --data @req.json --rate 500/s --compare client.pool.size=1,4 --save pay.yaml
  grpcbench run scenarios/quick.yaml --set fleet.backends=5 --trials 3 --label commit=$(git rev-parse --short HEAD)`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, files []string) error {
			if err := takeJSON(c, asJSON, &format); err != nil {
				return err
			}
			rendered, err := findFormat(format)
			if err != nil {
				return err
			}
			if rendered.Parts != nil {
				return usageError("--format: %s makes several files; render it afterwards with 'grpcbench report --format %[1]s --output DIR'", format)
			}
			labelled, err := parseLabels(labels)
			if err != nil {
				return err
			}
			if err := gated.check(); err != nil {
				return err
			}
			flags.gates = gated.gates
			var plan *scenario.Plan
			var document *written // of flags
			mistakes := inFile
			if len(files) == 0 && other.path != "" {
				return usageError("--against wants a scenario file, which both builds read: --save FILE.yaml --dry-run writes one")
			}
			builds, err := other.start(c.Context(), &flags)
			if err != nil {
				return err
			}
			defer builds.Close()
			if len(files) == 1 {
				if err := direct.withFile(c, files[0]); err != nil {
					return err
				}
				plan, err = flags.plan(c, files[0])
			} else {
				plan, document, err = direct.plan(a, c, &flags)
			}
			if err != nil {
				return err
			}
			if document != nil {
				mistakes = document.mistakes
			}
			stored, err := gated.stored(plan.Gates, nil)
			if err != nil {
				return err
			}
			if err := plan.CheckSecrets(); err != nil {
				return usageError("%v", err)
			}
			if err := other.agree(c.Context(), builds, plan.File, &flags); err != nil {
				return err
			}
			if dry {
				return a.dryRun(plan, direct, document) // it says all warnings itself
			}
			for _, warning := range plan.Warnings {
				fmt.Fprintf(a.stderr, "grpcbench: %s: warning: %s\n", plan.File, warning)
			}
			// No matter of progress: --quiet does not hide it.
			fmt.Fprint(a.stderr, plan.Announcement())
			if err := a.reach(c.Context(), plan, mistakes); err != nil {
				return err
			}
			if err := direct.keep(document); err != nil {
				return err
			}
			if direct.save != "" && !quiet {
				fmt.Fprintf(a.stderr, "scenario: %s\n", direct.save)
			}
			audience, err := told.audience(a.Serve, a.stderr)
			if err != nil {
				return err
			}
			defer audience.close()
			folder, err := makeOutFolder(out, plan.Base.Name)
			if err != nil {
				return err
			}
			heap.Raise()
			display := newDisplay(a.stderr, plan, quiet)
			ctx := c.Context()
			options := bench.Options{
				Note: note, Labels: labelled, Version: version(), OnProgress: display.show, Builds: builds,
				OnTrial: newSaver(folder.file()).save,
			}
			audience.listen(&options)
			r, err := bench.Run(ctx, plan,
				bench.Deps{Listen: a.Listen, Dial: a.Dial, Spawn: a.Spawn, Sleep: a.Sleep, Usage: a.Usage, Calibrate: a.Calibrate}, options)
			display.close()
			var failures []error
			if err != nil {
				failures = append(failures, internalError(err))
			}
			if r != nil {
				if err := judgeGates(r, plan.Gates, gate.Options{Stored: stored}); err != nil {
					failures = append(failures, err)
				}
				if err := folder.keep(r); err != nil {
					failures = append(failures, internalError(err))
				} else if !quiet {
					fmt.Fprintf(a.stderr, "result: %s\n", folder.file())
				}
				audience.end(r, folder.path)
				if err := a.render(rendered, r); err != nil {
					failures = append(failures, err)
				}
				if err := verdict(ctx, r); err != nil {
					// An interruption goes before all other failures.
					failures = append([]error{err}, failures...)
				} else if err := gated.exit(r); err != nil {
					failures = append(failures, err)
				}
			} else {
				audience.end(nil, "")
				folder.abandon()
			}
			return mostImportant(failures)
		},
	}
	flags.register(c)
	told.register(c)
	other.register(c)
	direct.register(c)
	_ = c.RegisterFlagCompletionFunc("call", a.methods(&direct.server, false)) // fails without such a flag
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would be run, as 'grpcbench explain' does, and run nothing")
	gated.register(c, "`CONDITION` that the result must meet, beside the document's, such as 'p99 < 20ms' (repeatable)")
	c.Flags().StringVar(&out, "out", "", "`DIR` for result.json (default results/NAME/TIME, to which results/NAME/latest leads)")
	c.Flags().StringVar(&format, "format", "table", "what to print: one of "+strings.Join(printedNames(), ", "))
	registerJSON(c, &asJSON, "print the result as one JSON document, as in result.json")
	c.Flags().StringVar(&note, "note", "", "free text to keep with the result")
	c.Flags().StringArrayVar(&labels, "label", nil, "`KEY=VALUE` to keep with the result (repeatable)")
	c.Flags().BoolVar(&quiet, "quiet", false, "no progress on standard error")
	return c
}

// dryRun explains the plan in place of running it, and keeps the scenario that
// flags stand for.
func (a *app) dryRun(plan *scenario.Plan, direct runFlags, document *written) error {
	if err := direct.keep(document); err != nil {
		return err
	}
	if err := scenario.Explain(a.stdout, plan, columns(a.stdout)); err != nil {
		return internalError(err)
	}
	return nil
}

// latestName is the link beside the results of a scenario that leads to the
// newest.
const latestName = "latest"

// pointToLatest makes the link. It is a convenience: where links can't be made
// there is none.
func pointToLatest(out string) {
	next := out + ".latest"
	if os.Symlink(filepath.Base(out), next) != nil {
		return
	}
	if os.Rename(next, filepath.Join(filepath.Dir(out), latestName)) != nil {
		_ = os.Remove(next)
	}
}

// mostImportant joins the messages; the code is by precedence 130, 1, 2, 3, 99, 4.
func mostImportant(failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	rank := func(code int) int {
		for i, c := range []int{exitInterrupted, exitInternal, exitUsage, exitInvalid, exitGate, exitInconclusive} {
			if c == code {
				return i
			}
		}
		return -1
	}
	var messages []string
	code := exitInconclusive
	for _, f := range failures {
		messages = append(messages, f.Error())
		var e *exitError
		if errors.As(f, &e) && rank(e.code) < rank(code) {
			code = e.code
		}
	}
	return &exitError{code: code, message: strings.Join(messages, "\n")}
}

func parseLabels(texts []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, usageError("--label: want KEY=VALUE (got %q)", text)
		}
		if _, twice := labels[key]; twice {
			return nil, usageError("--label: %q is given twice", key)
		}
		labels[key] = value
	}
	if len(labels) == 0 {
		return nil, nil
	}
	return labels, nil
}
