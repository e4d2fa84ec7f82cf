package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/dial"
	"github.com/grpcbench/grpcbench/scenario/message"
	"github.com/grpcbench/grpcbench/scenario/plain"
)

// defaultCallTimeout is how long a single call may take.
const defaultCallTimeout = 10 * time.Second

// maxAnswer is the largest message that a single call takes.
const maxAnswer = 256 << 20

// callFlags is one call.
type callFlags struct {
	server       serverFlags
	method, data string
	timeout      time.Duration
	verbose      bool
	defaults     bool
}

func (a *app) callCommand() *cobra.Command {
	var flags callFlags
	c := &cobra.Command{
		Use:   "call --target SERVER --call METHOD",
		Short: "Make one call to any server and print what it answers, with the time of each phase",
		Long: `call makes one call of any kind and prints each message of the answer as JSON. What
the method takes is asked of the server's reflection, or read from --proto or
--protoset. With -v it says on standard error how long each phase took, and what
headers and trailers there were.

--data is JSON, @FILE.json, @FILE.jsonl (a message on each line) or @- for standard
input; a stream sends a list of messages, or a file of them. Left out, a unary call
or server stream sends an empty message and other streams none.

The exit code is 0 where the call ended OK, 1 where it failed (its status, with
details, is on standard error), and 2 where it was not made at all: a mistake on
the command line, or a server that cannot be reached.`,
		Example: `  grpcbench call --target localhost:50051 --call user.v1.UserService/GetUser --data '{"user_id": "7"}' -v
  grpcbench call --target pay.internal:443 --tls --bearer-file token.txt --call pay.v1.Payments/Charge --data @charge.json
  grpcbench call --target unix:///run/pay.sock --proto pay/v1/pay.proto --import-path protos --call pay.v1.Payments/Watch
  generate | grpcbench call --target localhost:50051 --call user.v1.UserService/SyncUsers --data @-`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.call(c.Context(), flags) },
	}
	flags.server.register(c)
	c.Flags().StringVar(&flags.method, "call", "", "`METHOD` to call: pkg.Service/Method")
	c.Flags().StringVarP(&flags.data, "data", "d", "", "the request: `JSON`, @FILE.json, @FILE.jsonl, or @- for standard input")
	_ = c.RegisterFlagCompletionFunc("call", a.methods(&flags.server, false)) // fails without such a flag
	c.Flags().DurationVar(&flags.timeout, "timeout", defaultCallTimeout, "bound on the call; 0 is none")
	c.Flags().BoolVarP(&flags.verbose, "verbose", "v", false, "print timings, headers and trailers on standard error")
	c.Flags().BoolVar(&flags.defaults, "emit-defaults", false, "print fields with their default values, too")
	return c
}

func (a *app) call(ctx context.Context, f callFlags) error {
	switch {
	case f.server.target == "":
		return usageError("which server? Give --target host:port")
	case f.method == "":
		return usageError("which method? Give --call pkg.Service/Method; 'grpcbench services --target %s' lists them", f.server.target)
	case f.timeout < 0:
		return usageError("--timeout must be >= 0 (got %v)", f.timeout)
	}
	if err := f.server.check(); err != nil {
		return err
	}
	md, err := f.server.reveal()
	if err != nil {
		return err
	}
	input, err := a.readData(f.data)
	if err != nil {
		return err
	}
	// Whatever can be found wrong without the server is told without it.
	var r *request
	if !f.server.source().NeedsServer() {
		if r, err = f.request(ctx, nil, md, input); err != nil {
			return err
		}
	}
	watch := &callWatch{}
	conn, err := a.open(ctx, &f.server, 0, grpc.WithStatsHandler(watch))
	if err != nil {
		return err
	}
	defer conn.Close()
	if r == nil {
		if r, err = f.request(ctx, conn, md, input); err != nil {
			return err
		}
	}
	return a.make(ctx, f, conn, r, md, watch)
}

// request is what is about to be sent.
type request struct {
	set      *descriptor.Set
	method   protoreflect.MethodDescriptor
	messages [][]byte
}

// request finds the method and encodes its messages.
func (f *callFlags) request(ctx context.Context, conn grpc.ClientConnInterface, md metadata.MD, input data) (*request, error) {
	ctx, cancel := context.WithTimeout(ctx, descriptorPatience)
	defer cancel()
	set, err := f.server.describe(ctx, conn, md)
	if err != nil {
		return nil, err
	}
	method, err := set.Method(f.method)
	if err != nil {
		return nil, usageError("--call: %s", plain.Text(err.Error()))
	}
	templates, err := input.messages(method, set.Resolver())
	if err != nil {
		return nil, usageError("%v", err) // begins with where it is
	}
	r := &request{set: set, method: method}
	env := message.Env{Seed: rand.Uint64()}
	for i, t := range templates {
		if t.NeedsRow() {
			return nil, usageError("--data: names a column of a row, and a single call has no feed")
		}
		env.Message = uint64(i)
		wire, err := t.Append(nil, &env)
		if err != nil {
			return nil, usageError("--data: %v", err)
		}
		r.messages = append(r.messages, wire)
	}
	return r, nil
}

// descriptorPatience is how long a server may take to say what it has.
const descriptorPatience = 20 * time.Second

// make makes the call and prints what comes of it.
func (a *app) make(ctx context.Context, f callFlags, conn *dial.Conn, r *request, md metadata.MD, watch *callWatch) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	outer := ctx
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	failure := a.exchange(metadata.NewOutgoingContext(watch.on(ctx), md), conn, r, f.defaults)
	if f.verbose {
		a.printPhases(f, conn, r, watch)
	}
	var printing *printError
	switch {
	case failure == nil:
		return nil
	case errors.As(failure, &printing):
		return internalError(printing.err)
	case outer.Err() != nil:
		return &exitError{code: exitInterrupted, message: "grpcbench: interrupted"}
	}
	return &exitError{code: exitInternal, message: r.statusText(status.Convert(failure))}
}

// printError is that an answer could not be printed: no failure of the call.
type printError struct{ err error }

func (e *printError) Error() string { return e.err.Error() }

// exchange makes a call of any kind: as a stream, which every call is on the wire.
func (a *app) exchange(ctx context.Context, conn grpc.ClientConnInterface, r *request, defaults bool) error {
	ctx, stop := context.WithCancel(ctx)
	sent := make(chan struct{})
	defer func() { stop(); <-sent }()
	description := &grpc.StreamDesc{ClientStreams: r.method.IsStreamingClient(), ServerStreams: r.method.IsStreamingServer()}
	stream, err := conn.NewStream(ctx, description, "/"+descriptor.FullName(r.method), grpc.ForceCodec(wireCodec{}), grpc.MaxCallRecvMsgSize(maxAnswer), grpc.MaxCallSendMsgSize(maxAnswer))
	if err != nil {
		close(sent)
		return err
	}
	go func() {
		defer close(sent)
		for _, m := range r.messages {
			if stream.SendMsg(m) != nil {
				return // the reason comes with the answer
			}
		}
		_ = stream.CloseSend()
	}()
	for {
		var wire []byte
		if err := stream.RecvMsg(&wire); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		text, err := r.json(wire, defaults)
		if err == nil {
			_, err = fmt.Fprintf(a.stdout, "%s\n", text)
		}
		if err != nil {
			return &printError{err}
		}
		if !r.method.IsStreamingServer() {
			return nil // its status was OK, or it would not have come
		}
	}
}

// wireCodec passes messages on as they are on the wire.
type wireCodec struct{}

func (wireCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (wireCodec) Unmarshal(wire []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(wire)
	return nil
}

// Name is the content-type's.
func (wireCodec) Name() string { return "proto" }
