package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario"
)

// faultPatience is how long a fleet may take to answer.
const faultPatience = 10 * time.Second

func (a *app) faultCommand() *cobra.Command {
	var token string
	c := &cobra.Command{
		Use:   "fault ADDRESS list | add FAULT | remove NAME",
		Short: "Inject faults by hand into a fleet that runs",
		Long: `fault lists, adds and removes the faults of a fleet whose control service is at
ADDRESS, while something else is measured. 'grpcbench serve' prints the address
and the token.

FAULT is written as in a scenario, but that at counts from now: without it the
fault begins at once, without for it lasts until it is removed. A run forgets
faults that were added by hand when its next trial begins.`,
		Example: `  grpcbench fault 127.0.0.1:41234 add '{for: 5s, where: {backends: [1]}, inject: down}'
  grpcbench fault 127.0.0.1:41234 add '{name: slow, inject: {latency: 50ms}}'
  grpcbench fault 127.0.0.1:41234 remove slow`,
		Args: func(_ *cobra.Command, args []string) error {
			want := map[string]int{"list": 2, "add": 3, "remove": 3}
			if len(args) < 2 || want[args[1]] != len(args) {
				return usageError("want ADDRESS list, ADDRESS add FAULT or ADDRESS remove NAME. See `grpcbench fault --help`.")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if token == "" {
				token = os.Getenv(tokenKey)
			}
			if token == "" {
				return usageError("needs the fleet's --token, or %s", tokenKey)
			}
			control, err := fakeserver.DialControl(args[0], token, a.Dial)
			if err != nil {
				return usageError("%v", err)
			}
			defer control.Close()
			ctx, cancel := context.WithTimeout(c.Context(), faultPatience)
			defer cancel()
			switch args[1] {
			case "list":
				err = a.listFaults(ctx, control)
			case "add":
				rule, wrong := scenario.ReadFault("FAULT", []byte(args[2]))
				if wrong != nil {
					return scenarioError(wrong)
				}
				var name string
				if name, err = control.AddFault(ctx, rule); err == nil {
					fmt.Fprintln(a.stdout, name)
				}
			case "remove":
				err = control.RemoveFault(ctx, args[2])
			}
			if err != nil {
				return usageError("%s: %s", args[0], status.Convert(err).Message())
			}
			return nil
		},
	}
	c.Flags().StringVar(&token, "token", "", "`TOKEN` of the fleet (default: what "+tokenKey+" says)")
	return c
}

func (a *app) listFaults(ctx context.Context, control *fakeserver.Control) error {
	all, err := control.Faults(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tKIND\tFROM\tNOW\tMET")
	for _, f := range all {
		from, now := "configuration", "closed"
		if f.Added {
			from = "hand"
		}
		if f.Open {
			now = "open"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", f.Name, f.Kind, from, now, f.Met)
	}
	return w.Flush()
}
