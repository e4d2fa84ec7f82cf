package main

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/spf13/cobra"

	liverun "github.com/grpcbench/grpcbench/reports/live"
	"github.com/grpcbench/grpcbench/reports/result"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

// liveFlags is who else is told of a run while it is under way.
type liveFlags struct {
	page string
}

func (f *liveFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.page, "live", "", "serve the report in a browser while it comes about, at `[HOST:]PORT` (without HOST 127.0.0.1; port 0: a free one)")
}

// audience is who is told.
type audience struct {
	run     *liverun.Run
	servers []*liverun.Server
}

// audience opens what was asked for: what can't be opened is to be known before
// anything is measured.
func (f *liveFlags) audience(listen func(network, address string) (net.Listener, error), stderr io.Writer) (*audience, error) {
	a := &audience{run: liverun.NewRun()}
	if f.page != "" {
		if err := a.serve("--live", f.page, listen, stderr, true); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *audience) serve(flag, text string, listen func(network, address string) (net.Listener, error), stderr io.Writer, page bool) error {
	address, err := liverun.ParseAddress(text)
	if err != nil {
		return usageError("%s: %v", flag, err)
	}
	if listen == nil {
		listen = net.Listen
	}
	l, err := listen("tcp", address.Listen)
	if err != nil {
		return usageError("%s: %v", flag, err)
	}
	a.servers = append(a.servers, liverun.Serve(l, a.run, address.Open, page))
	fmt.Fprintf(stderr, "live: http://%s/\n", l.Addr())
	if address.Open {
		fmt.Fprintf(stderr, "grpcbench: %s: warning: whoever can reach %s can read this run: its scenario, its figures, and text from its servers\n", flag, address.Listen)
	}
	return nil
}

// any says whether anybody is.
func (a *audience) any() bool { return len(a.servers) > 0 }

// listen makes the run's options tell the audience, too.
func (a *audience) listen(o *bench.Options) {
	if !a.any() {
		return
	}
	progress, trial := o.OnProgress, o.OnTrial
	o.OnStart = a.run.Start
	o.OnProgress = func(p bench.Progress) {
		a.run.Step(liverun.Step{
			Variant: p.Variant, Block: p.Block, Blocks: p.Blocks, Trial: p.Trial, Trials: p.Trials, Phase: string(p.Phase),
			Measuring: p.Phase == bench.Measuring, Elapsed: p.Elapsed, Remaining: p.Remaining, Interval: p.Interval,
		})
		progress(p)
	}
	o.OnTrial = func(r *result.Result) {
		a.run.Trial(r)
		trial(r)
	}
}

// end tells them of the result, and where it is.
func (a *audience) end(r *result.Result, where string) { a.run.End(r, where) }

func (a *audience) close() error {
	var errs []error
	for _, s := range a.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
