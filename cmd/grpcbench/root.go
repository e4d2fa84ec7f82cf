package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario/engine"
	bench "github.com/grpcbench/grpcbench/scenario/run"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// deps is what the command takes from the operating system: the seam for
// tests. run uses the real ones.
type deps struct {
	Listen fakeserver.ListenFunc
	// Serve opens the listeners of --live; nil is TCP.
	Serve func(network, address string) (net.Listener, error)
	Dial  func(ctx context.Context, address string) (net.Conn, error)
	Spawn func(ctx context.Context) (*fakeserver.Process, error)
	Sleep func(ctx context.Context, until time.Time) error
	Usage func() bench.Usage
	// Calibrate has runs measure what grpcbench itself adds, on the real clock.
	Calibrate bool
	In        io.Reader
}

// run is the whole command: arguments in, exit code out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return runWith(ctx, args, stdout, stderr, deps{
		Spawn: spawnSelf, Sleep: engine.SleepUntil, Usage: bench.ProcessUsage, Calibrate: true, In: os.Stdin,
	})
}

func runWith(ctx context.Context, args []string, stdout, stderr io.Writer, d deps) int {
	a := &app{deps: d, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code, message := exitUsage, err.Error()
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	if message != "" {
		fmt.Fprintln(stderr, message)
	}
	return code
}

// app is what the subcommands share.
type app struct {
	deps
	stdout, stderr io.Writer
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "grpcbench",
		Short: "Compare gRPC client settings on real gRPC, and trust the table",
		Long: `grpcbench runs a scenario: a fleet of fault-injecting fake servers (or your own
server), a client, a load, and the client settings to compare. Every variant
meets the same arrivals and the same faults; the answer is a table.`,
		Example: `  grpcbench run scenarios/quick.yaml
  grpcbench explain scenarios/backoffs.yaml
  grpcbench run scenarios/pool-sizes.yaml --set client.timeout=500ms --trials 3
  grpcbench services --target localhost:50051
  grpcbench run --target localhost:50051 --call user.v1.UserService/GetUser --rate 200/s`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("grpcbench {{.Version}}\n")
	root.SetFlagErrorFunc(flagMistake)
	root.AddCommand(a.runCommand(), a.capacityCommand(), a.validateCommand(), a.explainCommand(), a.schemaCommand(),
		a.listCommand(), a.serveCommand(), a.faultCommand(), a.reportCommand(), a.reviewCommand(),
		a.baselineCommand(), a.compareCommand(), a.historyCommand(), a.fleetCommand(),
		a.callCommand(), a.servicesCommand(), a.completionCommand(), a.manCommand(), a.trialsCommand())
	completed(root)
	return root
}

// flagMistake is an error about the flags of a command, with a guess at the one that
// was meant, also where it has one dash as Go's own flags have.
func flagMistake(c *cobra.Command, err error) error {
	hint := ""
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if group := unknown.GetSpecifiedShortnames(); group != "" {
			name, _, _ = strings.Cut(group, "=")
		}
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if guess := strict.Suggest(name, names); guess != "" && len(name) > 1 {
			hint = fmt.Sprintf(", did you mean --%s?", guess)
		}
	}
	return usageError("%v%s\nSee `%s --help`.", err, hint, c.CommandPath())
}

// noArgs refuses words that are no subcommand, with a guess at what was meant.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasSubCommands() {
		return usageError("%s takes no arguments (got %q). See `%[1]s --help`.", c.CommandPath(), args[0])
	}
	var names []string
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	if guess := strict.Suggest(args[0], names); guess != "" {
		return usageError("unknown command %q; did you mean %q?", args[0], guess)
	}
	return usageError("unknown command %q; there are %s", args[0], strings.Join(names, ", "))
}

// version is the module's version or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return revision + dirty
}

// spawnSelf starts this binary again as a fleet.
func spawnSelf(ctx context.Context) (*fakeserver.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, fleetCommandName)
	cmd.Stderr = os.Stderr
	return fakeserver.Spawn(ctx, cmd)
}
