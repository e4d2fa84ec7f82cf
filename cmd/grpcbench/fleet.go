package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario/heap"
)

// fleetCommandName is the hidden command by which the binary starts itself
// again as a fleet.
const fleetCommandName = "fleet-process"

func (a *app) fleetCommand() *cobra.Command {
	return &cobra.Command{
		Use:    fleetCommandName,
		Short:  "Serve a fleet for the process at the other end of standard input",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			// The run decides when its fleet ends, not the terminal.
			signal.Ignore(os.Interrupt, syscall.SIGHUP)
			heap.Raise()
			if err := fakeserver.ServeChild(c.Context(), a.In, a.stdout); err != nil {
				return internalError(err)
			}
			return nil
		},
	}
}
