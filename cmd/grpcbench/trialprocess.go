package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario/heap"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

// trialsCommandName is the hidden command by which another build of grpcbench has
// this one run trials. It never changes: scenario/run's Protocol has a version.
const trialsCommandName = "trial-process"

func (a *app) trialsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    trialsCommandName,
		Short:  "Run trials for the grpcbench at the other end of standard input",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			// The run decides when its trials end, not the terminal.
			signal.Ignore(os.Interrupt, syscall.SIGHUP)
			heap.Raise()
			err := bench.ServeTrials(c.Context(), a.In, a.stdout,
				bench.Deps{Listen: a.Listen, Dial: a.Dial, Sleep: a.Sleep, Usage: a.Usage}, version())
			if err != nil {
				return internalError(err)
			}
			return nil
		},
	}
}
