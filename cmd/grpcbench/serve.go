package main

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/fakeserver"
)

func (a *app) serveCommand() *cobra.Command {
	var (
		flags scenarioFlags
		port  int
	)
	c := &cobra.Command{
		Use:   "serve FILE",
		Short: "Run a scenario's fleet alone, for other clients to call",
		Long: `serve runs the fleet of a scenario on loopback until it is interrupted, with the
same service times, queues and faults as in a run. Fault windows count from the
start. Without grpcbench's call ids the fleet draws by the order of arrival.`,
		Example: `  grpcbench serve scenarios/quick.yaml --port 50051`,
		Args:    oneFile,
		RunE: func(c *cobra.Command, files []string) error {
			if port < 0 || port > 65535 {
				return usageError("--port must be 0 to 65535 (got %d)", port)
			}
			plan, err := flags.plan(c, files[0])
			if err != nil {
				return err
			}
			fleet := plan.Variants[0].Scenario.Fleet
			if fleet == nil {
				return usageError("%s: it has a target, not a fleet: there is nothing to serve", files[0])
			}
			listen := a.Listen
			if port != 0 {
				listen = consecutivePorts(port)
			}
			raiseGCTarget()
			server := fakeserver.NewFleet("", listen)
			defer server.Close()
			addresses, err := server.Configure(fleet.Config)
			if err != nil {
				return usageError("starting the fleet: %v", err)
			}
			if err := server.Reset(plan.Seed, 0); err != nil {
				return internalError(err)
			}
			server.Start(time.Now(), true)
			for _, address := range addresses {
				fmt.Fprintf(a.stdout, "%s %s\n", address.Name, address.Address)
			}
			fmt.Fprintf(a.stderr, "serving %s; Ctrl-C ends it\n", plan.Base.Name)
			<-c.Context().Done()
			printSnapshot(a, server.Snapshot())
			return nil
		},
	}
	c.Flags().StringArrayVar(&flags.set, "set", nil, "override `path=value` of the document (repeatable)")
	c.Flags().StringArrayVar(&flags.only, "only", nil, "serve the fleet of `VARIANT`, where variants differ in it")
	c.Flags().IntVar(&port, "port", 50051, "`PORT` of the first backend, the others follow; 0 picks free ones")
	return c
}

// consecutivePorts listens on loopback: the first backend at base, each
// further one a port higher, and again where it was after an outage.
func consecutivePorts(base int) fakeserver.ListenFunc {
	var next atomic.Int64
	return func(network, address string) (net.Listener, error) {
		if strings.HasSuffix(address, ":0") {
			address = net.JoinHostPort("127.0.0.1", strconv.FormatInt(int64(base)+next.Add(1)-1, 10))
		}
		return net.Listen(network, address)
	}
}

func printSnapshot(a *app, s fakeserver.Snapshot) {
	for _, b := range s.Backends {
		var n int64
		for _, attempts := range b.Attempts {
			n += attempts
		}
		fmt.Fprintf(a.stderr, "%s: %s", b.Name, count(int(n), "attempt"))
		for _, code := range slices.Sorted(maps.Keys(b.Codes)) {
			fmt.Fprintf(a.stderr, ", %s %d", code, b.Codes[code])
		}
		fmt.Fprintln(a.stderr)
	}
}
