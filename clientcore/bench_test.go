package clientcore_test

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
)

// pair is a server over bufconn, a bare channel to it and a Client to it.
func pair(t testing.TB, cfg clientcore.Config) (*grpc.ClientConn, *clientcore.Client) {
	lis := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.v1.Echo",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: func(_ any, _ context.Context,
			decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			m := &wrapperspb.BytesValue{}
			return m, decode(m)
		}}},
		Streams: []grpc.StreamDesc{{StreamName: "Bidi", ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, s grpc.ServerStream) error { return echo(1, s) }}},
	}, struct{}{})
	go func() { _ = server.Serve(lis) }()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }
	bare, err := grpc.NewClient("passthrough:///b0", grpc.WithContextDialer(dial), grpc.WithDisableRetry(),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = ours.Close()
		_ = bare.Close()
		server.Stop()
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := ours.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := call(ctx, bare, ""); err != nil {
		t.Fatal(err)
	}
	return bare, ours
}

const callTimeout = 30 * time.Second

func bareUnary(ctx context.Context, conn *grpc.ClientConn, in, out *wrapperspb.BytesValue) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return conn.Invoke(ctx, unaryMethod, in, out)
}

func benchConfig() clientcore.Config {
	cfg := clientcore.Default()
	cfg.Pool.Size = 1
	cfg.Timeout = callTimeout
	return cfg
}

func BenchmarkUnary(b *testing.B) {
	off := benchConfig()
	off.Retry.Off = true
	methods := benchConfig()
	methods.Methods = map[string]clientcore.Method{"Unary": {}}
	run := func(name string, cfg clientcore.Config, invoke func(*grpc.ClientConn, *clientcore.Client) error) {
		b.Run(name, func(b *testing.B) {
			bare, ours := pair(b, cfg)
			b.ReportAllocs()
			for b.Loop() {
				if err := invoke(bare, ours); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	ctx := context.Background()
	in, out := text("hello"), &wrapperspb.BytesValue{}
	var trace clientcore.Trace
	traced := clientcore.WithTrace(ctx, &trace)
	ourUnary := func(ctx context.Context) func(*grpc.ClientConn, *clientcore.Client) error {
		return func(_ *grpc.ClientConn, c *clientcore.Client) error { return c.Invoke(ctx, unaryMethod, in, out) }
	}
	run("bare", benchConfig(), func(c *grpc.ClientConn, _ *clientcore.Client) error { return bareUnary(ctx, c, in, out) })
	run("clientcore", benchConfig(), ourUnary(ctx))
	run("no-retry", off, ourUnary(ctx))
	run("methods", methods, ourUnary(ctx))
	run("trace", benchConfig(), ourUnary(traced))
}

func stream(ctx context.Context, c grpc.ClientConnInterface, in, out *wrapperspb.BytesValue) error {
	s, err := c.NewStream(ctx, bidiStream, bidiMethod)
	if err != nil {
		return err
	}
	for range 10 {
		if err := s.SendMsg(in); err != nil {
			return err
		}
		if err := s.RecvMsg(out); err != nil {
			return err
		}
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	for err == nil {
		err = s.RecvMsg(out)
	}
	return nil
}

func BenchmarkStream(b *testing.B) {
	in, out := text("hello"), &wrapperspb.BytesValue{}
	ctx := context.Background()
	off := benchConfig()
	off.Retry.Off = true
	for name, cfg := range map[string]clientcore.Config{"bare": off, "no-retry": off, "clientcore": benchConfig()} {
		b.Run(name, func(b *testing.B) {
			bare, ours := pair(b, cfg)
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if name == "bare" {
					ctx, cancel := context.WithTimeout(ctx, callTimeout)
					err = stream(ctx, bare, in, out)
					cancel()
				} else {
					err = stream(ctx, ours, in, out)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A unary call may allocate once more than a bare channel's with the same
// timeout, and twice more with a Trace.
func TestUnaryAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	bare, ours := pair(t, benchConfig())
	ctx := context.Background()
	in, out := text("hello"), &wrapperspb.BytesValue{}
	var trace clientcore.Trace
	traced := clientcore.WithTrace(ctx, &trace)
	measure := func(invoke func() error) float64 {
		return testing.AllocsPerRun(2000, func() {
			if err := invoke(); err != nil {
				t.Error(err)
			}
		})
	}
	base := measure(func() error { return bareUnary(ctx, bare, in, out) })
	plain := measure(func() error { return ours.Invoke(ctx, unaryMethod, in, out) })
	withTrace := measure(func() error { return ours.Invoke(traced, unaryMethod, in, out) })
	t.Logf("allocations per call, both sides: bare %v, clientcore %v, with a Trace %v", base, plain, withTrace)
	if plain > base+1 || withTrace > base+2 {
		t.Errorf("allocations per call: bare %v, clientcore %v, with a Trace %v", base, plain, withTrace)
	}
}
