package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/plain"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

func (a *app) servicesCommand() *cobra.Command {
	var server serverFlags
	c := &cobra.Command{
		Use:   "services [SERVICE | METHOD] --target SERVER",
		Short: "List a server's services and methods, or print a request to fill in",
		Long: `services lists the services and methods that a server has by its reflection, or
that --proto or --protoset describe, for which no server is needed. With SERVICE it
lists the methods of one. With METHOD, pkg.Service/Method, it prints a request of it
as JSON, every field with an empty value, ready for --data of 'call' and 'run'.`,
		Example: `  grpcbench services --target localhost:50051
  grpcbench services --target localhost:50051 user.v1.UserService/GetUser > request.json
  grpcbench services --proto pay/v1/pay.proto --import-path protos pay.v1.Payments`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError("want one service or method, not %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			set, err := a.describeServer(c.Context(), &server)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return a.printSubject(set, args[0])
			}
			if err := a.printServices(set.Services()); err != nil {
				return err
			}
			broken := set.Broken()
			for _, name := range slices.Sorted(maps.Keys(broken)) {
				fmt.Fprintf(a.stderr, "grpcbench: warning: %s cannot be described: %s\n", plain.Text(name), plain.Text(broken[name].Error()))
			}
			return nil
		},
	}
	server.register(c)
	c.ValidArgsFunction = a.methods(&server, true)
	return c
}

// describeServer reads the descriptors, over a connection where that takes one.
func (a *app) describeServer(ctx context.Context, f *serverFlags) (*descriptor.Set, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if !f.source().NeedsServer() {
		return f.describe(ctx, nil, nil)
	}
	if f.target == "" {
		return nil, usageError("which server? Give --target host:port, or describe it by --proto or --protoset")
	}
	md, err := f.reveal()
	if err != nil {
		return nil, err
	}
	conn, err := a.open(ctx, f, 0)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, descriptorPatience)
	defer cancel()
	return f.describe(ctx, grpc.ClientConnInterface(conn), md)
}

// printSubject prints the methods of a service, or a method's request.
func (a *app) printSubject(set *descriptor.Set, name string) error {
	for _, s := range set.Services() {
		if string(s.FullName()) == name {
			return a.printServices([]protoreflect.ServiceDescriptor{s})
		}
	}
	if err := set.Broken()[name]; err != nil {
		return usageError("%s cannot be described: %s", name, plain.Text(err.Error()))
	}
	method, err := set.Method(name)
	if err != nil {
		if !strings.Contains(name, "/") {
			var names []string
			for _, s := range set.Services() {
				names = append(names, string(s.FullName()))
			}
			if guess := strict.Suggest(name, names); guess != "" {
				return usageError("there is no service %q; did you mean %q?", name, plain.Text(guess))
			}
		}
		return usageError("%s", plain.Text(err.Error()))
	}
	fmt.Fprintln(a.stdout, shownJSON([]byte(set.Skeleton(method.Input()))))
	return nil
}

// printServices lists services with their methods.
func (a *app) printServices(services []protoreflect.ServiceDescriptor) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for i, s := range services {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, plain.Text(string(s.FullName())))
		for i := range s.Methods().Len() {
			m := s.Methods().Get(i)
			kind, asks, answers := "unary", "", ""
			if m.IsStreamingClient() {
				kind, asks = "client stream", "stream of "
			}
			if m.IsStreamingServer() {
				kind, answers = "server stream", "stream of "
			}
			if asks != "" && answers != "" {
				kind = "bidi stream"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s%s → %s%s\n", plain.Text(string(m.Name())), kind,
				asks, plain.Text(string(m.Input().FullName())), answers, plain.Text(string(m.Output().FullName())))
		}
	}
	if err := w.Flush(); err != nil {
		return internalError(err)
	}
	return nil
}
