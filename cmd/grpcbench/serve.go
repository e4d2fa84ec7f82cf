package main

import (
	"fmt"
	"maps"
	"net"
	"os"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/heap"
)

// tokenKey is the environment variable with the token of a fleet's control
// service, where no flag says it.
const tokenKey = "GRPCBENCH_TOKEN"

// minToken is the shortest token that guards a fleet which others can reach.
const minToken = 16

func (a *app) serveCommand() *cobra.Command {
	var (
		flags scenarioFlags
		s     serving
	)
	c := &cobra.Command{
		Use:   "serve [FILE]",
		Short: "Run a fleet alone, for other clients or another machine to use",
		Long: `serve runs the fleet of a scenario until it is interrupted, with the same service
times, queues and faults as in a run. FILE may be a whole scenario or have a
fleet alone. Fault windows count from the start. Without grpcbench's call ids the
fleet draws by the order of arrival.

Clients of a fleet with tls: self_signed are to trust its authority, which is made
anew each time that the fleet is configured: --write-ca FILE.pem writes its
certificate before the addresses are printed. Backends show certificates for
localhost, 127.0.0.1 and ::1; under another address clients ask for localhost.

Without FILE the fleet waits to be configured by a run elsewhere, whose scenario
has fleet: {remote: [HOST:PORT], token: ${NAME}}.

The control service, by which runs and 'grpcbench fault' drive the fleet, asks
for a token: a new one each time, printed to standard error, or what --token or
` + tokenKey + ` says. Everything listens on loopback unless --listen says otherwise,
which needs such a token. Calls to backends need none.`,
		Example: `  grpcbench serve scenarios/quick.yaml --port 50051
  grpcbench serve scenarios/quick.yaml --set fleet.tls=self_signed --write-ca ca.pem
  ` + tokenKey + `=… grpcbench serve --listen 0.0.0.0 --control 7000`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, files []string) error {
			given, err := s.check()
			if err != nil {
				return err
			}
			var fleet *scenario.Fleet
			name, seed := "a fleet that waits to be configured", uint64(0)
			if len(files) == 1 {
				plan, err := readPlan(files[0], scenario.Options{Set: flags.set, Only: flags.only, FleetOnly: true})
				if err != nil {
					return err
				}
				if fleet = plan.Variants[0].Scenario.Fleet; fleet == nil {
					return usageError("%s: it has a target, not a fleet: there is nothing to serve", files[0])
				}
				if len(fleet.Remote) > 0 {
					fmt.Fprintf(a.stderr, "grpcbench: %s: warning: fleet.remote: all of the fleet is served here; without FILE a run configures its part of it\n", plan.File)
				}
				name, seed = plan.Base.Name, plan.Seed
				if fleetsDiffer(plan.Variants) {
					name += ", the fleet of " + plan.Variants[0].Name + " (--only serves another variant's)"
				}
			} else if len(flags.set)+len(flags.only) > 0 {
				return usageError("--set and --only need a FILE")
			}
			if err := s.checkCA(fleet); err != nil {
				return err
			}
			heap.Raise()
			server := fakeserver.NewFleet(s.token, s.listenFunc(a.Listen))
			defer server.Close()
			if fleet != nil {
				if err := a.serveNow(server, fleet.Config, seed, s.ca); err != nil {
					return err
				}
			}
			end, err := s.serveControl(server, a.Listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stderr, "control %s", end.address)
			if !given {
				fmt.Fprintf(a.stderr, ", token %s", s.token)
			}
			fmt.Fprintf(a.stderr, "\nserving %s; Ctrl-C ends it\n", name)
			select {
			case <-c.Context().Done():
			case err := <-end.failed:
				return internalError(fmt.Errorf("control: %w", err))
			}
			printSnapshot(a, server.Snapshot())
			return nil
		},
	}
	c.Flags().StringArrayVar(&flags.set, "set", nil, "override `path=value` of the document (repeatable)")
	c.Flags().StringArrayVar(&flags.only, "only", nil, "serve the fleet of `VARIANT`, where variants differ in it")
	c.Flags().IntVar(&s.port, "port", 50051, "`PORT` of the first backend, the others follow; 0 picks free ones")
	c.Flags().StringVar(&s.host, "listen", loopback, "`ADDRESS` to listen on; any but a loopback address needs a token")
	c.Flags().IntVar(&s.control, "control", 0, "`PORT` of the control service; 0 picks a free one")
	c.Flags().StringVar(&s.token, "token", "", "`TOKEN` that the control service asks for (default: what "+tokenKey+" says, or a new one)")
	c.Flags().StringVar(&s.ca, writeCA, "", "PEM `FILE` to write with the CA of a fleet with tls: self_signed, for clients to trust")
	return c
}

// fleetsDiffer is whether variants have different fleets.
func fleetsDiffer(variants []scenario.Variant) bool {
	return slices.ContainsFunc(variants[1:], func(v scenario.Variant) bool {
		return !reflect.DeepEqual(v.Scenario.Fleet, variants[0].Scenario.Fleet)
	})
}

// loopback is where everything listens unless told otherwise.
const loopback = "127.0.0.1"

// serving is where and for whom a fleet serves alone.
type serving struct {
	host          string
	port, control int
	token         string
	ca            string // file for the certificate of the fleet's authority
}

// check completes the token; given says that the user has it.
func (s *serving) check() (given bool, err error) {
	for flag, port := range map[string]int{"port": s.port, "control": s.control} {
		if port < 0 || port > 65535 {
			return false, usageError("--%s must be 0 to 65535 (got %d)", flag, port)
		}
	}
	ip := net.ParseIP(s.host)
	if ip == nil {
		return false, usageError("--listen must be an IP address, such as 0.0.0.0 (got %q)", s.host)
	}
	if s.token == "" {
		s.token = os.Getenv(tokenKey)
	}
	if !ip.IsLoopback() && len(s.token) < minToken {
		return false, usageError("--listen %s lets others drive the fleet: it needs a --token (or %s) of %d characters or more", s.host, tokenKey, minToken)
	}
	if given = s.token != ""; !given {
		s.token, err = fakeserver.NewToken()
	}
	return given, err
}

// listenFunc is how backends listen; given is what the command was given.
func (s *serving) listenFunc(given fakeserver.ListenFunc) fakeserver.ListenFunc {
	switch {
	case s.port != 0:
		return (&ports{host: s.host, base: s.port, open: map[int]bool{}}).listen
	case given == nil && s.host != loopback:
		return func(network, address string) (net.Listener, error) {
			if _, port, err := net.SplitHostPort(address); err == nil && port == "0" {
				address = net.JoinHostPort(s.host, port)
			}
			return net.Listen(network, address)
		}
	}
	return given
}

// serveNow configures the fleet, starts its clock and says where it is, and whom to
// trust there: by ca, a file, if it is named.
func (a *app) serveNow(server *fakeserver.Fleet, config fakeserver.Config, seed uint64, ca string) error {
	addresses, err := server.Configure(config)
	if err != nil {
		return usageError("starting the fleet: %v", err)
	}
	if err := server.Reset(seed, 0); err != nil {
		return internalError(err)
	}
	server.Start(time.Now(), true)
	// First: who sees an address finds the file.
	if err := a.tellCA(addresses[0].Authority, ca); err != nil {
		return err
	}
	for _, address := range addresses {
		fmt.Fprintf(a.stdout, "%s %s\n", address.Name, address.Address)
	}
	if address := server.Lookaside(); address != "" {
		fmt.Fprintf(a.stdout, "lookaside %s\n", address)
	}
	if address := server.ControlPlane(); address != "" {
		fmt.Fprintf(a.stdout, "xds %s\n", address)
	}
	return nil
}

// controlled is a control service that serves; failed has the error with which
// it ended, which is none when the fleet closed.
type controlled struct {
	address string
	failed  <-chan error
}

func (s *serving) serveControl(server *fakeserver.Fleet, listen fakeserver.ListenFunc) (controlled, error) {
	if listen == nil {
		listen = net.Listen
	}
	l, err := listen("tcp", net.JoinHostPort(s.host, strconv.Itoa(s.control)))
	if err != nil {
		return controlled{}, usageError("--control: %v", err)
	}
	failed := make(chan error, 1)
	go func() {
		if err := server.ServeControl(l); err != nil {
			failed <- err
		}
	}()
	return controlled{address: l.Addr().String(), failed: failed}, nil
}

// ports hands out ports from base on: the first backend has it, each further one
// a port higher, and each again where it was after an outage. Ports of a fleet
// that was configured anew are handed out again.
type ports struct {
	host string
	base int

	mu   sync.Mutex
	open map[int]bool
}

func (p *ports) listen(network, address string) (net.Listener, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if port == 0 {
		for host, port = p.host, p.base; p.open[port]; port++ {
		}
	}
	l, err := net.Listen(network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	p.open[port] = true
	return &portListener{Listener: l, free: func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, port)
	}}, nil
}

// portListener frees its port when it closes.
type portListener struct {
	net.Listener
	once sync.Once
	free func()
}

func (l *portListener) Close() error {
	err := l.Listener.Close()
	l.once.Do(l.free)
	return err
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
