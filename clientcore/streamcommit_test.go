package clientcore_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore/retry"
)

func TestStreamIsCommittedByItsFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
			_ = stream.SendMsg(text("one"))
			return status.Error(codes.Unavailable, "then no more")
		})
		c := n.client(t, config(), "b0")
		got, err := collect(t.Context(), c, serverStream, serverMethod, "a")
		wantCode(t, err, codes.Unavailable)
		if got != "one" || b.attempts() != 1 {
			t.Errorf("got %q in %d attempts, want one in 1", got, b.attempts())
		}
	})
}

func TestStreamIsCommittedByItsHeaders(t *testing.T) {
	for _, asked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
				if attempt == 1 {
					_ = stream.SendHeader(metadata.Pairs("attempt", "first"))
					return status.Error(codes.Unavailable, "no")
				}
				return echo(attempt, stream)
			})
			c := n.client(t, config(), "b0")
			stream, err := c.NewStream(t.Context(), serverStream, serverMethod)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.SendMsg(text("a")); err != nil {
				t.Fatal(err)
			}
			if asked {
				md, err := stream.Header()
				if err != nil || md.Get("attempt")[0] != "first" {
					t.Fatalf("headers %v, %v", md, err)
				}
			}
			err = stream.RecvMsg(&wrapperspb.BytesValue{})
			if asked {
				wantCode(t, err, codes.Unavailable)
			} else if err != nil {
				t.Fatal(err)
			} else {
				wantEOF(t, stream)
			}
			if want := map[bool]int{true: 1, false: 2}[asked]; b.attempts() != want {
				t.Errorf("headers asked for %v: %d attempts, want %d", asked, b.attempts(), want)
			}
		})
	}
}

func TestStreamIsCommittedByOverflow(t *testing.T) {
	for name, test := range map[string]struct {
		bytes    int
		attempts int
		code     codes.Code
	}{
		"kept":     {retry.ReplayLimit/2 - 16, 2, codes.OK},
		"too much": {retry.ReplayLimit / 2, 1, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
					sum := 0
					for {
						m := &wrapperspb.BytesValue{}
						if err := stream.RecvMsg(m); err != nil {
							break
						}
						sum += len(m.Value)
					}
					if attempt == 1 {
						return status.Error(codes.Unavailable, "no")
					}
					if sum != 2*test.bytes {
						t.Errorf("attempt %d received %d bytes, want %d", attempt, sum, 2*test.bytes)
					}
					return stream.SendMsg(text("sum"))
				})
				c := n.client(t, config(), "b0")
				big := strings.Repeat("x", test.bytes)
				_, err := collect(t.Context(), c, clientStream, clientMethod, big+","+big)
				wantCode(t, err, test.code)
				if got := b.attempts(); got != test.attempts {
					t.Errorf("%d attempts, want %d", got, test.attempts)
				}
			})
		})
	}
}
