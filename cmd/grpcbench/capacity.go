package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/heap"
	bench "github.com/grpcbench/grpcbench/scenario/run"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// defaultMaxRate is far beyond what one process can offer.
const defaultMaxRate = 1_000_000

// capacityFlags is what `grpcbench capacity` is asked.
type capacityFlags struct {
	scenario    scenarioFlags
	slo, load   string
	start, most rateFlag
	concurrency []int
	out, format string
	note        string
	labels      []string
	quiet, json bool
}

func (a *app) capacityCommand() *cobra.Command {
	flags := capacityFlags{most: defaultMaxRate}
	c := &cobra.Command{
		Use:   "capacity FILE",
		Short: "Find the highest rate at which each variant meets an SLO",
		Long: `capacity finds, for each variant of a scenario, the highest rate at which it meets
the conditions of --slo, written as gates are: p99 < 20ms, errors < 0.1%,
in_slo{load=reads} > 99%. The rate is doubled until one is missed, then bisected
until the rate that meets and the one that does not are within 5 %; both ends are
then confirmed by three trials. A trial that is INVALID does not count; where the
load generator is the limit, the table says so.

All open loops are scaled together, or the one that --load names. Trials are as
long as the scenario's 'measure', or --measure; its 'trials', 'gates' and
'abort_when' have no part in it.

With --concurrency a closed loop is run with so many workers each, and the
Universal Scalability Law fitted to the throughput: what is done one at a time,
what agreeing costs, and where the peak is.

Exit codes: 0 ran, also where no rate meets the SLO; 1 internal error; 2 usage or
scenario error, or a target that cannot be reached; 3 the measurement is INVALID;
130 interrupted (what was found is written, marked partial).`,
		Example: `  grpcbench capacity scenarios/pool-sizes.yaml --slo 'p99 < 20ms, errors < 0.1%'
  grpcbench capacity mine.yaml --slo 'p99{load=reads} < 20ms' --load reads --start 200/s --measure 30s
  grpcbench capacity scenarios/quick.yaml --only retry=none --concurrency 1,2,4,8,16,32`,
		Args: oneFile,
		RunE: func(c *cobra.Command, files []string) error { return a.capacity(c, files[0], &flags) },
	}
	flags.register(c)
	return c
}

func (f *capacityFlags) register(c *cobra.Command) {
	f.scenario.registerChoice(c)
	c.Flags().StringVar(&f.slo, "slo", "", "`CONDITIONS` that a rate has to meet, with commas between them")
	c.Flags().StringVar(&f.load, "load", "", "`NAME` of the load entry whose rate, or workers, to change; all open loops together when left out")
	c.Flags().Var(&f.start, "start", "first `RATE` to try, such as 500/s; the scenario's when left out")
	c.Flags().Var(&f.most, "max-rate", "highest `RATE` to try; no more than the scenario's max_rate, where it has one")
	c.Flags().IntSliceVar(&f.concurrency, "concurrency", nil, "`WORKERS` of a closed loop to fit the Universal Scalability Law to, such as 1,2,4,8,16")
	c.Flags().StringVar(&f.out, "out", "", "`DIR` for result.json (default results/NAME/TIME, to which results/NAME/latest leads)")
	c.Flags().StringVar(&f.format, "format", "table", "what to print: one of "+strings.Join(printedNames(), ", "))
	registerJSON(c, &f.json, "print the result as one JSON document, as in result.json")
	c.Flags().StringVar(&f.note, "note", "", "free text to keep with the result")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "`KEY=VALUE` to keep with the result (repeatable)")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "no progress on standard error")
}

// rateFlag is a rate as documents write it.
type rateFlag float64

func (f *rateFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*f), 'f', -1, 64) + "/s"
}

func (f *rateFlag) Set(text string) error {
	v, err := strict.Rate(text)
	if err == nil && v == 0 {
		err = errors.New("must be > 0/s")
	}
	*f = rateFlag(v)
	return err
}

func (f *rateFlag) Type() string { return "rate" }

// options is what the search is told.
func (f *capacityFlags) options() (bench.CapacityOptions, error) {
	o := bench.CapacityOptions{Load: f.load, Start: float64(f.start), Most: float64(f.most), Concurrency: f.concurrency}
	if f.slo == "" {
		return o, nil
	}
	slo, err := gate.ParseAll(f.slo)
	if err != nil {
		return o, usageError("%v", scenario.GateError("--slo", f.slo, err))
	}
	o.SLO = slo
	return o, nil
}

func (a *app) capacity(c *cobra.Command, file string, flags *capacityFlags) error {
	if err := takeJSON(c, flags.json, &flags.format); err != nil {
		return err
	}
	rendered, err := findFormat(flags.format)
	if err != nil {
		return err
	}
	if rendered.Parts != nil {
		return usageError("--format: %s makes several files; render it afterwards with 'grpcbench report --format %[1]s --output DIR'", flags.format)
	}
	labels, err := parseLabels(flags.labels)
	if err != nil {
		return err
	}
	o, err := flags.options()
	if err != nil {
		return err
	}
	plan, err := flags.scenario.plan(c, file)
	if err != nil {
		return err
	}
	if !c.Flags().Changed("max-rate") {
		o.Most = min(o.Most, bench.RoomFor(plan, o.Load))
	}
	if err := bench.CheckCapacity(plan, o); err != nil {
		return usageError("%v", err)
	}
	if err := plan.CheckSecrets(); err != nil {
		return usageError("%v", err)
	}
	for _, doubt := range plan.Doubts() {
		fmt.Fprintf(a.stderr, "grpcbench: %s: warning: %s\n", plan.File, doubt)
	}
	most := 0.0
	if len(o.SLO) > 0 {
		most = o.Most
	}
	fmt.Fprint(a.stderr, plan.SearchAnnouncement(most, o.Concurrency))
	if err := a.reach(c.Context(), plan, inFile); err != nil {
		return err
	}
	out, err := makeOutFolder(flags.out, plan.Base.Name)
	if err != nil {
		return err
	}
	heap.Raise()
	if !flags.quiet {
		told := capacityProgress{a.stderr}
		o.OnProbe, o.OnPoint = told.probe, told.point
	}
	ctx := c.Context()
	r, err := bench.Capacity(ctx, plan, bench.Deps{Listen: a.Listen, Dial: a.Dial, Spawn: a.Spawn, Sleep: a.Sleep, Usage: a.Usage, Calibrate: a.Calibrate},
		bench.Options{Note: flags.note, Labels: labels, Version: version(), OnTrial: newSaver(out.file()).save}, o)
	var failures []error
	if err != nil {
		failures = append(failures, internalError(err))
	}
	if r == nil {
		out.abandon()
		return mostImportant(failures)
	}
	if err := out.keep(r); err != nil {
		failures = append(failures, internalError(err))
	} else if !flags.quiet {
		fmt.Fprintf(a.stderr, "result: %s\n", out.file())
	}
	if err := a.render(rendered, r); err != nil {
		failures = append(failures, err)
	}
	if err := verdict(ctx, r); err != nil {
		// An interruption goes before all other failures.
		failures = append([]error{err}, failures...)
	}
	return mostImportant(failures)
}

// capacityProgress tells of each rate and concurrency as it was measured.
type capacityProgress struct{ w io.Writer }

func (p capacityProgress) probe(variant string, one result.CapacityProbe) {
	verdict := "meets it"
	switch {
	case one.Limit == result.LimitSLO:
		verdict = "misses it: " + strings.Join(reports.ProbeMisses(one), ", ")
	case one.Limit != "":
		verdict = "does not count as met: " + string(one.Limit)
		if one.Detail != "" {
			verdict += " (" + one.Detail + ")"
		}
	}
	fmt.Fprintf(p.w, "%s: %.4g/s %s (%s)\n", variant, one.RatePerS, verdict, count(one.Trials+one.Again, "trial"))
}

func (p capacityProgress) point(variant string, one result.CapacityPoint) {
	if one.Limit != "" {
		fmt.Fprintf(p.w, "%s: %s: does not count: %s\n", variant, count(one.Workers, "worker"), one.Detail)
		return
	}
	sum := 0.0
	for _, x := range one.PerS {
		sum += x
	}
	fmt.Fprintf(p.w, "%s: %s: %.4g calls/s (%s)\n", variant, count(one.Workers, "worker"), sum/float64(len(one.PerS)), count(len(one.PerS), "trial"))
}
