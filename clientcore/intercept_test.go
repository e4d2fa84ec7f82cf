package clientcore_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/interceptor"
)

// TestInterceptorsOfAClient: those given to New are outermost and see each call
// once, whatever its attempts; then come the log and the metadata of the Config.
func TestInterceptorsOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(1, codes.Unavailable, echo))
		cfg := config()
		cfg.Log = "calls"
		cfg.Metadata = map[string]string{"tenant": "seven"}
		var out bytes.Buffer
		var seen []string
		c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(n.dial),
			clientcore.WithLogger(slog.New(slog.NewTextHandler(&out, nil))),
			clientcore.WithUnaryInterceptors(
				func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
					seen = append(seen, "first")
					return invoke(ctx, method, args, reply, cc, append(opts, clientcore.CallAttempts(5))...)
				},
				func(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
					if md, _ := metadata.FromOutgoingContext(ctx); md.Get("tenant") != nil || cc != nil {
						t.Errorf("metadata %v, conn %v", md, cc)
					}
					seen = append(seen, "second")
					return invoke(ctx, method, args, reply, cc, opts...)
				}),
			clientcore.WithStreamInterceptors(
				func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
					seen = append(seen, "stream")
					return open(ctx, desc, cc, method, opts...)
				}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant", "own")
		var trace clientcore.Trace
		_, err = call(clientcore.WithTrace(t.Context(), &trace), c, "x")
		if err != nil || len(trace.Attempts) != 2 {
			t.Errorf("unary: %v after %d attempts", err, len(trace.Attempts))
		}
		if _, err := collect(ctx, c, bidiStream, bidiMethod, "x"); err != nil {
			t.Errorf("stream: %v", err)
		}
		if want := []string{"first", "second", "stream"}; !slices.Equal(seen, want) {
			t.Errorf("seen %v, want %v", seen, want)
		}
		for i, md := range b.metadata() {
			want := []string{"seven"}
			if i >= 2 {
				want = []string{"own", "seven"}
			}
			if !slices.Equal(md.Get("tenant"), want) {
				t.Errorf("attempt %d sent %v", i+1, md.Get("tenant"))
			}
		}
		log := out.String()
		if strings.Count(log, "\n") != 2 || !strings.Contains(log, "kind=unary") || !strings.Contains(log, "kind=stream") ||
			!strings.Contains(log, "level=INFO msg=call method="+unaryMethod) || strings.Contains(log, "seven") {
			t.Errorf("logged\n%s", log)
		}
	})
}

// TestLogIsOffByDefault.
func TestLogIsOffByDefault(t *testing.T) {
	if level, err := interceptor.ParseLevel(clientcore.Default().Log); err != nil || level != interceptor.Off {
		t.Errorf("%v, %v", level, err)
	}
}
